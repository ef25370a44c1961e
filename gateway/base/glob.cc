#include "gateway/base/glob.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace postern {

namespace {

// One pattern without "**": no wildcard matches a slash, so a star that was passed need not be tried again once a later
// one was reached, nor once its segment has ended.
bool matches_within_segments(std::string_view p, std::string_view text) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = kNone;  // behind the last star of this segment
  std::size_t from = 0;      // what that star has matched ends here
  while (in < text.size()) {
    if (at < p.size() && p[at] == '*') {
      star = ++at;
      from = in;
    } else if (at < p.size() && (p[at] == text[in] || (p[at] == '?' && text[in] != '/'))) {
      if (text[in] == '/') star = kNone;
      ++at;
      ++in;
    } else if (star != kNone && text[from] != '/') {
      at = star;
      in = ++from;
    } else {
      return false;
    }
  }
  return p.find_first_not_of('*', at) == kNone;
}

}  // namespace

// A set of pattern positions is carried over the text, byte by byte: no backtracking, so no pattern is expensive.
bool Glob::matches(std::string_view text) const {
  // Most patterns are a literal, or a literal with "**" behind it.
  const std::string_view literal = literal_prefix();
  if (!text.starts_with(literal)) return false;
  const std::string_view p = std::string_view(pattern_).substr(literal.size());
  if (p.empty()) return text.size() == literal.size();
  if (p == "**") return true;
  if (p.find("**") == std::string_view::npos) return matches_within_segments(p, text.substr(literal.size()));
  // What "**/" means depends on the byte before it: only whole segments may be cut off.
  const bool whole = literal.empty() || literal.back() == '/';
  return whole ? matches_from(p, text.substr(literal.size())) : matches_from(pattern_, text);
}

bool Glob::matches_from(std::string_view p, std::string_view text) {
  std::array<char, 2 * 128> small{};
  std::vector<char> large;
  if (2 * (p.size() + 1) > small.size()) large.resize(2 * (p.size() + 1));
  char* const room = large.empty() ? small.data() : large.data();
  std::span<char> now(room, p.size() + 1);
  std::span<char> next(room + p.size() + 1, p.size() + 1);
  const auto star_width = [&](std::size_t at) { return p.substr(at, 2) == "**" ? 2U : 1U; };
  // Position `at`, and every position reachable from it over stars that match nothing.
  const auto reach = [&](std::span<char> set, std::size_t at) {
    set[at] = 1;
    while (at < p.size() && p[at] == '*') {
      const std::size_t width = star_width(at);
      // "**/" matches no directory as well as many: "a/**/b" matches "a/b".
      if (width == 2 && at + 2 < p.size() && p[at + 2] == '/' && (at == 0 || p[at - 1] == '/')) set[at + 3] = 1;
      at += width;
      set[at] = 1;
    }
    // What "**/" opened may itself begin with a star.
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (set[i] != 0 && p[i] == '*') set[i + star_width(i)] = 1;
    }
  };
  reach(now, 0);
  for (const char c : text) {
    std::fill(next.begin(), next.end(), 0);
    bool alive = false;
    for (std::size_t at = 0; at < p.size(); ++at) {
      if (now[at] == 0) continue;
      if (p[at] == '*') {
        if (star_width(at) == 2 || c != '/') {
          reach(next, at);
          alive = true;
        }
        if (star_width(at) == 2) continue;
      } else if (p[at] == c || (p[at] == '?' && c != '/')) {
        reach(next, at + 1);
        alive = true;
      }
    }
    if (!alive) return false;
    std::swap(now, next);
  }
  return now[p.size()] != 0;
}

std::string_view Glob::literal_prefix() const {
  return std::string_view(pattern_).substr(0, pattern_.find_first_of("*?"));
}

}  // namespace postern
