#include "hooks/receive/limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <optional>

namespace postern::receive {
namespace {

// What a signal handler may use: bytes that are there already.
struct LastWords {
  std::array<char, 512> text{};
  std::size_t size = 0;
  void set(const std::string& words) {
    size = std::min(words.size(), text.size());
    std::memcpy(text.data(), words.data(), size);
  }
};
LastWords g_cpu_words;
LastWords g_deadline_words;
volatile sig_atomic_t g_exit_code = 1;

void on_limit(int signal) {
  const LastWords& words = signal == SIGXCPU ? g_cpu_words : g_deadline_words;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, words.text.data(), words.size);
  ::_exit(g_exit_code);
}

// What stood before, so that the hook that follows in this process is not held to our limits.
struct Before {
  int resource;
  rlimit values{};
};
std::array<std::optional<Before>, 2> g_before;

Status lower(std::size_t slot, int resource, rlim_t soft, std::string_view name) {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0) return fail(errno_error("reading limit " + std::string(name), errno));
  // RLIM_INFINITY is the largest value. The hard limit stays, or nobody could lift the soft one again.
  const rlimit wanted{std::min(soft, current.rlim_cur), current.rlim_max};
  if (::setrlimit(resource, &wanted) != 0) return fail(errno_error("setting limit " + std::string(name), errno));
  g_before[slot] = Before{resource, current};
  return {};
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  if (bytes != 0 && bytes % (1ULL << 20) == 0) return std::to_string(bytes >> 20) + "MiB";
  if (bytes != 0 && bytes % (1ULL << 10) == 0) return std::to_string(bytes >> 10) + "KiB";
  return std::to_string(bytes) + " bytes";
}

std::string limit_message(std::string_view name, const std::string& value) {
  return "limit " + std::string(name) + " (" + value + ") reached";
}

Status apply_limits(const access::HookLimits& limits, std::chrono::seconds deadline, bool passes) {
  const std::string prefix = passes ? "postern (observe): would be refused: " : "postern: refused: ";
  const std::string fix = "\nfix: split the push, or ask for a higher [tickets] limits entry\n";
  g_exit_code = passes ? 0 : 1;
  g_cpu_words.set(prefix + limit_message("cpu", std::to_string(limits.cpu_seconds) + "s") + fix);
  g_deadline_words.set(prefix + limit_message("direct_deadline", std::to_string(deadline.count()) + "s") + fix);
  struct sigaction action{};
  action.sa_handler = on_limit;
  sigemptyset(&action.sa_mask);
  if (::sigaction(SIGXCPU, &action, nullptr) != 0 || ::sigaction(SIGALRM, &action, nullptr) != 0) {
    return fail(errno_error("setting limits", errno));
  }
  if (Status set = lower(0, RLIMIT_CPU, limits.cpu_seconds, "cpu"); !set) return set;
#ifndef POSTERN_SANITIZED
  if (Status set = lower(1, RLIMIT_DATA, limits.memory_bytes, "memory"); !set) return set;
#endif
  if (deadline.count() > 0) ::alarm(static_cast<unsigned>(deadline.count()));
  return {};
}

void lift_limits() {
  ::alarm(0);
  for (std::optional<Before>& before : g_before) {
    if (before) (void)::setrlimit(before->resource, &before->values);
    before.reset();
  }
}

}  // namespace postern::receive
