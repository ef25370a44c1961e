#include "hooks/install/system_user.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "gateway/base/file.h"

namespace postern::install {
namespace {

SystemUser from_entry(const passwd& entry) { return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir}; }

// In the child: becomes the user for good. False: not possible.
bool become(const SystemUser& user) {
  if (::geteuid() == user.uid) return true;
  return ::initgroups(user.name.c_str(), user.gid) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
}

Status can_become(const SystemUser& user) {
  if (::geteuid() == 0 || ::geteuid() == user.uid) return {};
  return fail(ErrorCode::denied, "only root or " + user.name + " can act as " + user.name);
}

Result<int> wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail(errno_error("waiting for a program", errno));
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return fail(ErrorCode::io, "a program ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace

Result<SystemUser> find_user(const std::string& name) {
  errno = 0;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return fail(ErrorCode::not_found, "no user is called '" + name + "' on this machine");
  return from_entry(*entry);
}

Result<SystemUser> find_user(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  if (entry == nullptr) return fail(ErrorCode::not_found, "no user has the uid " + std::to_string(uid));
  return from_entry(*entry);
}

Result<bool> may_access(const SystemUser& user, const std::string& path, int mode) {
  if (Status able = can_become(user); !able) return fail(able.error());
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("fork", errno));
  if (child == 0) {
    if (!become(user)) ::_exit(2);
    ::_exit(::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : 1);
  }
  Result<int> code = wait_for(child);
  if (!code) return fail(code.error());
  if (*code == 2) return fail(ErrorCode::denied, "cannot act as " + user.name);
  return *code == 0;
}

Result<ProgramResult> run_as(const SystemUser& user, const std::vector<std::string>& argv) {
  if (Status able = can_become(user); !able) return fail(able.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("pipe", errno));
  FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const char* path = std::getenv("PATH");
  const std::string path_entry = "PATH=" + std::string(path != nullptr ? path : "/usr/bin:/bin");
  // Whoever acts as oneself has the home one was given.
  const char* own_home = ::geteuid() == user.uid ? std::getenv("HOME") : nullptr;
  const std::string home_entry = "HOME=" + (own_home != nullptr ? std::string(own_home) : user.home);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::array<char*, 3> environment{const_cast<char*>(path_entry.c_str()), const_cast<char*>(home_entry.c_str()),
                                   nullptr};
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("fork", errno));
  if (child == 0) {
    if (!become(user) || ::chdir("/") != 0 || ::dup2(writer.get(), STDOUT_FILENO) < 0) ::_exit(126);
    ::execvpe(arguments[0], arguments.data(), environment.data());
    ::_exit(127);
  }
  writer.reset();
  ProgramResult result;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(reader.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    result.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  Result<int> code = wait_for(child);
  if (!code) return fail(code.error());
  if (*code == 127) return fail(ErrorCode::not_found, "cannot run " + argv[0]);
  if (*code == 126) return fail(ErrorCode::denied, "cannot run " + argv[0] + " as " + user.name);
  result.exit_code = *code;
  return result;
}

}  // namespace postern::install
