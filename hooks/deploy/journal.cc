#include "hooks/deploy/journal.h"

#include <fmt/core.h>

#include <array>

#include "gateway/base/encoding.h"
#include "hooks/deploy/sqlite_journal.h"

namespace postern::deploy {
namespace {

constexpr std::array kStates = {std::pair{State::idle, "idle"},         std::pair{State::planned, "planned"},
                                std::pair{State::applying, "applying"}, std::pair{State::waiting, "waiting"},
                                std::pair{State::healthy, "healthy"},   std::pair{State::failed, "failed"},
                                std::pair{State::held, "held"},         std::pair{State::pinned, "pinned"}};

}  // namespace

std::string_view to_string(State state) {
  for (const auto& [value, name] : kStates)
    if (value == state) return name;
  return "idle";
}

std::optional<State> parse_state(std::string_view text) {
  for (const auto& [value, name] : kStates)
    if (name == text) return value;
  return std::nullopt;
}

Result<std::unique_ptr<Journal>> open_journal(std::string_view url, const JournalOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
    return open_sqlite_journal(url.substr(kSqlite.size()), options);
  }
  return fail(ErrorCode::bad_usage,
              fmt::format("[deploy] store \"{}\": expected sqlite:/path/to/deploy.db", printable(url, 80)));
}

}  // namespace postern::deploy
