#include "gateway/base/log.h"

#include <unistd.h>

#include <atomic>

#include "gateway/base/clock.h"
#include "gateway/base/encoding.h"

namespace postern::log {
namespace {

std::atomic<Level> least_level{Level::info};

constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

void append_value(std::string& line, std::string_view value) {
  const std::string safe = printable(value, 1024);
  if (!safe.empty() && safe.find_first_of(" \"=") == std::string::npos) {
    line += safe;
    return;
  }
  line += '"';
  for (const char c : safe) {
    if (c == '"') line += '\\';
    line += c;
  }
  line += '"';
}

}  // namespace

void set_level(Level level) { least_level = level; }

bool set_level(std::string_view name) {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (name == name_of(level)) {
      set_level(level);
      return true;
    }
  }
  return false;
}

void write(Level level, std::string_view event, Fields fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  std::string line = to_rfc3339(SystemClock().wall());
  line += ' ';
  line += name_of(level);
  line += ' ';
  line += event;
  for (const Field& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field.value);
  }
  line += '\n';
  // One write per line keeps lines of several threads (and of several hooks on one journal) whole.
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace postern::log
