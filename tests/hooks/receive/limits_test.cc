// The limits as the kernel holds them: each case spends its limit in a process of its own.
#include "hooks/receive/limits.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <functional>

using namespace postern;
using namespace postern::receive;

namespace {

struct Ended {
  int code = -1;  // -1: by a signal
  std::string text;
};

// What a process that does `work` writes to its standard error, and what it exits with.
Ended run_apart(const std::function<void()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    work();
    ::_exit(42);
  }
  ::close(ends[1]);
  Ended ended;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = ::read(ends[0], buffer.data(), buffer.size())) > 0) {
    ended.text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

access::HookLimits one_second() {
  access::HookLimits limits;
  limits.cpu_seconds = 1;
  return limits;
}

[[noreturn]] void spin() {
  volatile unsigned i = 0;
  for (;;) i = i + 1;
}

}  // namespace

TEST_CASE("a push that spends its processor time is refused with the name of the limit") {
  const Ended refused = run_apart([] {
    if (apply_limits(one_second(), std::chrono::seconds(0), false)) spin();
  });
  CHECK(refused.code == 1);
  CHECK(refused.text ==
        "postern: refused: limit cpu (1s) reached\nfix: split the push, or ask for a higher [tickets] limits entry\n");
}

TEST_CASE("a direct write past its deadline is refused with the name of the limit") {
  const Ended refused = run_apart([] {
    if (apply_limits({}, std::chrono::seconds(1), false)) ::pause();
  });
  CHECK(refused.code == 1);
  CHECK(
      refused.text ==
      "postern: refused: limit direct_deadline (1s) reached\nfix: split the push, or ask for a higher [tickets] limits "
      "entry\n");
}

TEST_CASE("in observe mode a reached limit passes and is said") {
  const Ended passed = run_apart([] {
    if (apply_limits({}, std::chrono::seconds(1), true)) ::pause();
  });
  CHECK(passed.code == 0);
  CHECK(passed.text.starts_with("postern (observe): would be refused: limit direct_deadline (1s) reached\n"));
}

TEST_CASE("lifted limits are what stood before and no deadline comes any more") {
  const Ended ended = run_apart([] {
    rlimit before{};
    rlimit during{};
    rlimit after{};
    ::getrlimit(RLIMIT_CPU, &before);
    if (!apply_limits(one_second(), std::chrono::seconds(1), false)) ::_exit(2);
    ::getrlimit(RLIMIT_CPU, &during);
    lift_limits();
    ::getrlimit(RLIMIT_CPU, &after);
    if (during.rlim_cur != 1 || during.rlim_max != before.rlim_max) ::_exit(3);
    if (after.rlim_cur != before.rlim_cur || after.rlim_max != before.rlim_max) ::_exit(4);
    ::_exit(::alarm(0) == 0 ? 0 : 5);
  });
  CHECK(ended.code == 0);
  CHECK(ended.text.empty());
}
