#include "gateway/store/witness.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::store {
namespace {

class FileWitness final : public Witness {
 public:
  explicit FileWitness(std::string path) : path_(std::move(path)) {}

  Status write(std::string_view jws) override {
    const std::string doing = "witness " + path_;
    // Never read, never truncated: that works on a file that is append-only (chattr +a) or write-only for us.
    const FileDescriptor fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
    if (!fd) return fail(errno_error(doing, errno));
    // An earlier write may have been cut off in mid-line; an empty line means nothing to the reader.
    const std::string line = (clean_ ? "" : "\n") + std::string(jws) + "\n";
    clean_ = false;
    if (Status written = write_all(fd.get(), line); !written) return fail(in_context(doing, written.error()));
    // A pipe or a device takes the line but cannot sync it.
    if (::fdatasync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) return fail(errno_error(doing, errno));
    clean_ = true;
    return {};
  }

 private:
  std::string path_;
  bool clean_ = false;
};

class SyslogWitness final : public Witness {
 public:
  Status write(std::string_view jws) override {
    // The ident travels in the line, not in openlog(): that is the process's own.
    ::syslog(LOG_AUTH | LOG_NOTICE, "postern-checkpoint %.*s", static_cast<int>(jws.size()), jws.data());
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Witness>> open_witness(std::string_view url) {
  if (url == "syslog:") return std::make_unique<SyslogWitness>();
  if (url.starts_with("file:/")) return std::make_unique<FileWitness>(std::string(url.substr(5)));
  return fail(ErrorCode::bad_usage,
              "audit witness '" + printable(url, 200) + "': accepted are file:/absolute/path and syslog:");
}

}  // namespace postern::store
