#include "gateway/spool/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::spool {
namespace {

constexpr mode_t kFileMode = 0660;  // hook and gateway are different users of one group
constexpr std::size_t kMaxListed = 10000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using DirectoryHandle = std::unique_ptr<DIR, CloseDirectory>;

Status check_id(std::string_view id) {
  if (is_valid_id(id)) return {};
  return fail(ErrorCode::invalid_input, "spool: '" + printable(id, 80) + "' is no id of a ticket or a direct write");
}

// Writers are not trusted: no symbolic link, no pipe, no hard link to a file of somebody else, no endless file.
Result<std::optional<std::string>> read_guarded(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return fail(errno_error("opening " + path, errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("reading " + path, errno));
  if (!S_ISREG(info.st_mode) || info.st_nlink > 1) {
    return fail(ErrorCode::invalid_input, "reading " + path + ": not a regular file of its own");
  }
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("reading " + path, errno));
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() > kMaxFileBytes) {
      return fail(ErrorCode::limit, "reading " + path + ": larger than " + std::to_string(kMaxFileBytes) + " bytes");
    }
  }
}

// True when something was there.
Result<bool> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(errno_error("removing " + path, errno));
}

bool is_older(const std::string& path, WallTime than) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return false;
  const auto modified =
      std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::milliseconds(info.st_mtim.tv_nsec / 1000000);
  return WallTime(modified) < than;
}

// Every name in the directory, handed to `take`; false from it ends the walk.
template <class Take>
Status each_name(const std::string& directory, Take take) {
  const DirectoryHandle handle(::opendir(directory.c_str()));
  if (!handle) return fail(errno_error("reading spool " + directory, errno));
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(handle.get());
    if (entry == nullptr) {
      if (errno != 0) return fail(errno_error("reading spool " + directory, errno));
      return {};
    }
    if (!take(std::string_view(entry->d_name))) return {};
  }
}

}  // namespace

Status Spool::check() const {
  struct stat info{};
  if (::stat(directory_.c_str(), &info) != 0) {
    return fail(in_context("spool (postern-hook install makes it)", errno_error(directory_, errno)));
  }
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::invalid_input, "spool " + directory_ + ": not a directory");
  if ((info.st_mode & S_IWOTH) != 0) {
    return fail(ErrorCode::denied, "spool " + directory_ + ": everybody may write there; its mode must be 2770");
  }
  if (::access(directory_.c_str(), R_OK | W_OK | X_OK) != 0) {
    return fail(errno_error("spool " + directory_ + ": this user must be in its group, and its mode 2770", errno));
  }
  return {};
}

Status Spool::claim(std::string_view id) const {
  if (Status valid = check_id(id); !valid) return valid;
  const std::string path = directory_ + "/" + std::string(id) + ".claim";
  // Not synced: what a crash takes back here is the claim of a push that had no verdict yet, so moved nothing, and
  // writing the verdict syncs this directory.
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!fd) return fail(errno_error("creating " + path, errno));
  return {};
}

bool Spool::is_claimed(std::string_view id) const {
  struct stat info{};
  return is_valid_id(id) && ::lstat((directory_ + "/" + std::string(id) + ".claim").c_str(), &info) == 0;
}

// What no reader would take is not written: then the hook knows that there is no record.
Status Spool::write(const std::string& name, std::size_t refs, const std::string& text) const {
  if (refs > kMaxCommands || text.size() > kMaxFileBytes) {
    return fail(ErrorCode::limit, "spool: a record of " + std::to_string(refs) + " refs and " +
                                      std::to_string(text.size()) + " bytes; at most " + std::to_string(kMaxCommands) +
                                      " refs and " + std::to_string(kMaxFileBytes) + " bytes are taken");
  }
  return write_file_atomic(directory_ + "/" + name, text, kFileMode);
}

Status Spool::write_verdict(const Verdict& verdict) const {
  if (Status valid = check_id(verdict.id); !valid) return valid;
  return write(verdict.id + ".json", verdict.commands.size(), to_text(verdict));
}

Status Spool::write_done(const Done& done) const {
  if (Status valid = check_id(done.id); !valid) return valid;
  // Two hooks of one push may end at once: reading, adding and replacing is one step. The kernel lets go with the fd.
  const FileDescriptor lock(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return fail(errno_error("opening spool " + directory_, errno));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(errno_error("locking spool " + directory_, errno));
  }
  Done whole = done;
  if (const auto before = read_done(done.id); before && before->has_value()) {
    whole.moved = (*before)->moved;
    for (const git::RefUpdate& update : done.moved) {
      if (std::find(whole.moved.begin(), whole.moved.end(), update) == whole.moved.end()) {
        whole.moved.push_back(update);
      }
    }
  }
  return write(done.id + ".done", whole.moved.size(), to_text(whole));
}

Result<std::optional<Verdict>> Spool::read_verdict(std::string_view id) const {
  if (Status valid = check_id(id); !valid) return fail(valid.error());
  const std::string path = directory_ + "/" + std::string(id) + ".json";
  const auto bytes = read_guarded(path);
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return std::nullopt;
  auto verdict = parse_verdict(**bytes);
  if (!verdict) return fail(in_context(path, verdict.error()));
  if (verdict->id != id) return fail(ErrorCode::invalid_input, path + ": holds another id");
  return std::optional(std::move(*verdict));
}

Result<std::optional<Done>> Spool::read_done(std::string_view id) const {
  if (Status valid = check_id(id); !valid) return fail(valid.error());
  const std::string path = directory_ + "/" + std::string(id) + ".done";
  const auto bytes = read_guarded(path);
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return std::nullopt;
  auto done = parse_done(**bytes);
  if (!done) return fail(in_context(path, done.error()));
  if (done->id != id) return fail(ErrorCode::invalid_input, path + ": holds another id");
  return std::optional(std::move(*done));
}

Result<std::vector<std::string>> Spool::list_ids() const {
  std::set<std::string, std::less<>> ids;
  Status read = each_name(directory_, [&](std::string_view name) {
    for (const std::string_view suffix : {".json", ".done"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string_view id = name.substr(0, name.size() - suffix.size());
      if (is_valid_id(id)) ids.emplace(id);
    }
    return ids.size() < kMaxListed;
  });
  if (!read) return fail(read.error());
  return std::vector<std::string>(ids.begin(), ids.end());
}

Status Spool::remove_verdict(std::string_view id) const {
  if (Status valid = check_id(id); !valid) return valid;
  for (const std::string_view suffix : {".json", ".done"}) {
    if (const auto removed = remove_file(directory_ + "/" + std::string(id) + std::string(suffix)); !removed) {
      return fail(removed.error());
    }
  }
  return {};
}

Status Spool::set_aside(std::string_view id) const {
  if (Status valid = check_id(id); !valid) return valid;
  for (const std::string_view suffix : {".json", ".done"}) {
    const std::string path = directory_ + "/" + std::string(id) + std::string(suffix);
    if (::rename(path.c_str(), (path + ".bad").c_str()) != 0 && errno != ENOENT) {
      return fail(errno_error("setting aside " + path, errno));
    }
  }
  return {};
}

Status Spool::remove_old_claims(WallTime older_than) const {
  std::vector<std::string> old;
  Status read = each_name(directory_, [&](std::string_view name) {
    const bool claim = name.ends_with(".claim") && is_valid_id(name.substr(0, name.size() - 6));
    if ((claim || name.ends_with(".tmp")) && is_older(directory_ + "/" + std::string(name), older_than)) {
      old.emplace_back(name);
    }
    return true;
  });
  if (!read) return read;
  for (const std::string& name : old) {
    if (const auto removed = remove_file(directory_ + "/" + name); !removed) return fail(removed.error());
  }
  return {};
}

}  // namespace postern::spool
