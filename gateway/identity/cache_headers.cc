#include "gateway/identity/cache_headers.h"

#include <algorithm>
#include <string>

#include "gateway/base/encoding.h"

namespace postern::identity {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::chrono::seconds> delta_seconds(std::string_view text) {
  constexpr long kCeiling = 10L * 365 * 24 * 3600;
  if (text.empty()) return std::nullopt;
  long value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min(value * 10 + (c - '0'), kCeiling);
  }
  return std::chrono::seconds(value);
}

}  // namespace

std::optional<std::chrono::seconds> max_age_of(std::string_view cache_control) {
  std::optional<std::chrono::seconds> age;
  while (!cache_control.empty()) {
    const std::size_t comma = cache_control.find(',');
    const std::string directive = ascii_lower(trim(cache_control.substr(0, comma)));
    cache_control = comma == cache_control.npos ? std::string_view() : cache_control.substr(comma + 1);
    if (directive == "no-store" || directive == "no-cache") return std::chrono::seconds(0);
    constexpr std::string_view kMaxAge = "max-age=";
    if (directive.starts_with(kMaxAge)) age = delta_seconds(std::string_view(directive).substr(kMaxAge.size()));
  }
  return age;
}

std::optional<std::chrono::seconds> retry_after_of(std::string_view value) { return delta_seconds(trim(value)); }

}  // namespace postern::identity
