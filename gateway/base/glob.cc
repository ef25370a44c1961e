#include "gateway/base/glob.h"

#include <vector>

namespace postern {

// A set of pattern positions is carried over the text, byte by byte: no backtracking, so no pattern is expensive.
bool Glob::matches(std::string_view text) const {
  const std::string_view p = pattern_;
  std::vector<char> now(p.size() + 1, 0);
  std::vector<char> next(p.size() + 1, 0);
  const auto star_width = [&](std::size_t at) { return p.substr(at, 2) == "**" ? 2U : 1U; };
  // Position `at`, and every position reachable from it over stars that match nothing.
  const auto reach = [&](std::vector<char>& set, std::size_t at) {
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
    now.swap(next);
  }
  return now[p.size()] != 0;
}

std::string_view Glob::literal_prefix() const {
  return std::string_view(pattern_).substr(0, pattern_.find_first_of("*?"));
}

}  // namespace postern
