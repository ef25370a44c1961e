// postern-hook: what the dispatcher calls in every hook, and what puts the dispatcher in place.
//
// A hook starts for every push and for every ref that moves, so its three names are told apart by hand; only the
// commands that people type go through a command-line library.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "hooks/install/command_line.h"
#include "hooks/receive/limits.h"
#include "hooks/receive/receive.h"

namespace {

using namespace postern;

constexpr std::size_t kMaxInput = std::size_t{64} << 20;

int bad_usage(std::string_view hook, const std::string& why) {
  std::fprintf(stderr,
               "postern-hook %.*s: %s; accepted: --bundle DIR --spool DIR --root DIR [--parent PID] [--paused UNTIL] "
               "[--then HOOK]\n",
               static_cast<int>(hook.size()), hook.data(), why.c_str());
  return kExitBadUsage;
}

Status read_input(std::string& out) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("reading standard input", errno));
    if (got == 0) return {};
    out.append(buffer.data(), static_cast<std::size_t>(got));
    if (out.size() > kMaxInput) return fail(ErrorCode::limit, "standard input exceeds 64 MiB");
  }
}

// Becomes the repository's own hook, which gets the same standard input. Returns only when that cannot be.
Status become(const std::string& own, const std::string& argument, const std::string& input) {
  const FileDescriptor file(::memfd_create("postern-input", 0));
  if (!file) return fail(errno_error("keeping the standard input", errno));
  if (Status written = write_all(file.get(), input); !written) return written;
  if (::lseek(file.get(), 0, SEEK_SET) != 0 || ::dup2(file.get(), STDIN_FILENO) < 0) {
    return fail(errno_error("giving the standard input on", errno));
  }
  receive::lift_limits();
  std::string program = own;
  std::string state = argument;
  char* arguments[] = {program.data(), argument.empty() ? nullptr : state.data(), nullptr};
  ::execv(own.c_str(), arguments);
  if (errno == ENOEXEC) {  // a script without a first line, which git runs too
    std::string shell = "sh";
    char* by_shell[] = {shell.data(), program.data(), argument.empty() ? nullptr : state.data(), nullptr};
    ::execv("/bin/sh", by_shell);
  }
  return fail(errno_error("running " + own, errno));
}

int show(const receive::HookOutcome& outcome) {
  std::string text;
  for (const std::string& line : outcome.lines) (text += line) += '\n';
  if (!text.empty()) (void)write_all(STDERR_FILENO, text);  // git may have gone; the exit code is what counts
  return outcome.exit_code;
}

// What post-receive records must not stand in the way of the repository's own hook, even if it dies of it.
void record_apart(const receive::HookCall& call, const receive::Environment& environment, const Clock& clock) {
  const pid_t child = ::fork();
  if (child <= 0) {
    int code = kExitCouldNotFinish;
    try {
      code = show(receive::post_receive(call, environment, clock));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "postern: what moved could not be recorded: %s\n", printable(error.what(), 200).c_str());
    }
    if (child == 0) ::_exit(code);
    return;
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int run_hook(std::string_view hook, const std::vector<std::string_view>& arguments) {
  receive::HookCall call;
  std::string then;
  call.git_pid = ::getppid();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with("--")) {
      if (hook != "reference-transaction" || !call.transaction.empty()) {
        return bad_usage(hook, "unexpected '" + printable(argument) + "'");
      }
      call.transaction = argument;
      continue;
    }
    if (i + 1 == arguments.size()) return bad_usage(hook, std::string(argument) + " needs a value");
    const std::string value(arguments[++i]);
    if (argument == "--bundle") {
      call.bundle = value;
    } else if (argument == "--spool") {
      call.spool = value;
    } else if (argument == "--root") {
      call.root = value;
    } else if (argument == "--then") {
      then = value;
    } else if (argument == "--paused") {
      call.paused = printable(value, 40);
    } else if (argument == "--parent") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), call.git_pid);
      if (error != std::errc{} || end != value.data() + value.size()) return bad_usage(hook, "--parent takes a pid");
    } else {
      return bad_usage(hook, "unknown option '" + printable(argument) + "'");
    }
  }
  if (call.bundle.empty() || call.spool.empty() || call.root.empty()) {
    return bad_usage(hook, "--bundle, --spool and --root are needed");
  }
  if (hook == "reference-transaction" && call.transaction.empty()) return bad_usage(hook, "the state is missing");
  if (Status read = read_input(call.input); !read) {
    std::fprintf(stderr, "postern: refused: %s\nfix: push again\n", read.error().message.c_str());
    return kExitFindings;
  }
  const receive::Environment environment = receive::Environment::of_process();
  const SystemClock clock;
  int code = 0;
  if (hook == "post-receive") {
    if (then.empty()) return show(receive::post_receive(call, environment, clock));
    record_apart(call, environment, clock);
  } else {
    code = show(hook == "pre-receive" ? receive::pre_receive(call, environment, clock)
                                      : receive::reference_transaction(call, environment, clock));
  }
  if (code != 0 || then.empty()) return code;
  const Status failed = become(then, call.transaction, call.input);
  std::fprintf(stderr, "postern: %s: the repository's own hook did not run\n",
               printable(failed.error().message, 300).c_str());
  return kExitFindings;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  try {
    if (name == "pre-receive" || name == "post-receive" || name == "reference-transaction") {
      return run_hook(name, std::vector<std::string_view>(argv + 2, argv + argc));
    }
    return install::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postern: refused: internal error: %s\nfix: ask the administrator: postern-hook status\n",
                 printable(error.what(), 200).c_str());
    return kExitCouldNotFinish;
  }
}
