#include "gateway/base/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "gateway/base/file.h"

namespace postern {
namespace {

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Result<Pipe> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error("opening a pipe", errno));
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::string find_program(const ProcessRequest& request) {
  const std::string& name = request.argv.front();
  if (name.find('/') != std::string::npos) return name;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& [key, value] : request.environment)
    if (key == "PATH") path = value;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

// After fork() in a program with threads only async-signal-safe calls are allowed: everything is prepared before.
[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, const char* directory,
                         const int (&descriptors)[4], pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  // Sources may themselves be 0..3: move them out of the way first.
  int safe[4];
  for (int i = 0; i < 4; ++i) {
    safe[i] = descriptors[i] < 0 ? -1 : ::fcntl(descriptors[i], F_DUPFD, 16);
  }
  for (int i = 0; i < 4; ++i) {
    if (safe[i] >= 0) {
      if (::dup2(safe[i], i) < 0) ::_exit(127);
    } else {
      ::close(i);
    }
  }
  if (::close_range(4, ~0U, 0) != 0) {
    for (int fd = 4; fd < 1024; ++fd) ::close(fd);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (directory != nullptr && ::chdir(directory) != 0) ::_exit(126);
  ::execve(program, argv, environment);
  ::_exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<ProcessResult> run_process(const ProcessRequest& request) {
  if (request.argv.empty()) return fail(ErrorCode::internal, "no program to run");
  const std::string program = find_program(request);
  if (program.empty()) return fail(ErrorCode::unavailable, fmt::format("{}: not found on PATH", request.argv.front()));

  FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail(errno_error("opening /dev/null", errno));
  auto in = open_pipe();
  auto out = open_pipe();
  auto err = open_pipe();
  auto extra = open_pipe();
  for (const auto* pipe : {&in, &out, &err, &extra})
    if (!*pipe) return fail(pipe->error());
  if (request.descriptor3) {
    // A pipe holds at least a page, so this never waits for a reader.
    if (request.descriptor3->reveal().size() > 4096) return fail(ErrorCode::limit, "more than 4096 bytes for a pipe");
    if (auto written = write_all(extra->write.get(), request.descriptor3->reveal()); !written) {
      return fail(written.error());
    }
  }
  extra->write.reset();

  std::vector<std::string> environment;
  for (const auto& [key, value] : request.environment) environment.push_back(key + "=" + value);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (const auto& word : request.argv) argv.push_back(const_cast<char*>(word.c_str()));
  for (const auto& word : environment) envp.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const int descriptors[4] = {request.input.empty() ? null.get() : in->read.get(), out->write.get(), err->write.get(),
                              request.descriptor3 ? extra->read.get() : -1};

  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error(fmt::format("starting {}", request.argv.front()), errno));
  if (child == 0) {
    become(program.c_str(), argv.data(), envp.data(), request.directory.empty() ? nullptr : request.directory.c_str(),
           descriptors, parent);
  }
  ::setpgid(child, child);
  in->read.reset();
  out->write.reset();
  err->write.reset();
  extra->read.reset();

  ProcessResult result;
  std::string_view input = request.input;
  if (input.empty()) in->write.reset();
  if (in->write) ::fcntl(in->write.get(), F_SETFL, O_NONBLOCK);
  const auto end = std::chrono::steady_clock::now() + request.deadline;
  const auto kill_all = [&] {
    ::kill(-child, SIGKILL);
    ::kill(child, SIGKILL);
    wait_for(child);
  };
  while (out->read || err->read) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      kill_all();
      return fail(ErrorCode::timeout, fmt::format("{}: not finished after {} s, killed", request.argv.front(),
                                                  request.deadline.count() / 1000.0));
    }
    pollfd waits[3] = {{out->read.get(), POLLIN, 0}, {err->read.get(), POLLIN, 0}, {in->write.get(), POLLOUT, 0}};
    if (::poll(waits, 3, static_cast<int>(std::min<long long>(left.count(), 1000))) < 0 && errno != EINTR) {
      kill_all();
      return fail(errno_error("waiting for a program", errno));
    }
    if (in->write && (waits[2].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
      const ssize_t count = ::write(in->write.get(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
      if (input.empty() || (count < 0 && errno != EAGAIN && errno != EINTR)) in->write.reset();
    }
    for (int i = 0; i < 2; ++i) {
      FileDescriptor& from = i == 0 ? out->read : err->read;
      if (!from || (waits[i].revents & (POLLIN | POLLERR | POLLHUP)) == 0) continue;
      std::string& into = i == 0 ? result.output : result.errors;
      char buffer[16384];
      const ssize_t count = ::read(from.get(), buffer, sizeof buffer);
      if (count > 0) into.append(buffer, static_cast<std::size_t>(count));
      if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) from.reset();
      if (into.size() > request.max_output) {
        kill_all();
        return fail(ErrorCode::limit,
                    fmt::format("{}: more than {} bytes of output", request.argv.front(), request.max_output));
      }
    }
  }
  // Both streams are closed, but the program itself may stay: it has until the deadline as well.
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) {
      result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      ::kill(-child, SIGKILL);  // what it left behind in its group
      return result;
    }
    if (std::chrono::steady_clock::now() >= end) {
      kill_all();
      return fail(ErrorCode::timeout, fmt::format("{}: does not end, killed", request.argv.front()));
    }
    ::poll(nullptr, 0, 5);
  }
}

}  // namespace postern
