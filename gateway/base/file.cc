#include "gateway/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(errno_error("opening " + path, errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("reading " + path, errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_input, "reading " + path + ": not a regular file");
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("reading " + path, errno));
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() > max_bytes) {
      return fail(ErrorCode::limit, "reading " + path + ": larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(errno_error("writing", errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status sync_directory(const std::string& directory) {
  const FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail(errno_error("syncing " + directory, errno));
  return {};
}

Status create_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail(errno_error("creating " + path, errno));
  Status written = write_all(fd.get(), bytes);
  if (written && ::fsync(fd.get()) != 0) written = fail(errno_error("syncing", errno));
  if (!written) {
    ::unlink(path.c_str());
    return fail(in_context("creating " + path, written.error()));
  }
  return {};
}

Status write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = path + "." + hex_encode(random_bytes(6)) + ".tmp";
  if (Status created = create_file(temporary, bytes, mode); !created) return created;
  // The umask may have taken bits that the caller asked for (a spool file is read by the group).
  if (::chmod(temporary.c_str(), mode) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int errnum = errno;
    ::unlink(temporary.c_str());
    return fail(errno_error("replacing " + path, errnum));
  }
  return sync_directory(directory_of(path));
}

}  // namespace postern
