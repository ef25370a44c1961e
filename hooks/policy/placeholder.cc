#include "hooks/policy/document.h"

namespace postern::policy {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_name(char c) { return is_word(c) || c == '.' || c == '-'; }
bool is_upper(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

constexpr std::size_t kLongest = 2048;  // of one placeholder; longer ones are text

// The length up to and with `close`, looking no further than kLongest; 0 when it is not there.
std::uint32_t until(std::string_view rest, std::size_t from, std::string_view close, bool one_line) {
  const std::string_view window = rest.substr(0, kLongest);
  const std::size_t end = window.find(close, from);
  if (end == std::string_view::npos || end == from) return 0;
  if (one_line && window.substr(0, end).find('\n') != std::string_view::npos) return 0;
  return static_cast<std::uint32_t>(end + close.size());
}

// `${ … }` and `%{ … }`: up to the brace that closes it, inner braces counted; 0 when it is not there.
std::uint32_t braced(std::string_view rest) {
  int depth = 0;
  for (std::size_t i = 1; i < rest.size() && i < kLongest; ++i) {
    if (rest[i] == '{') ++depth;
    if (rest[i] == '}' && --depth == 0) return i == 2 ? 0 : static_cast<std::uint32_t>(i + 1);
  }
  return 0;
}

// `prefix`, then one or more of `member`, then `close`.
template <class Member>
std::uint32_t wrapped(std::string_view rest, std::size_t prefix, Member member, std::string_view close,
                      std::size_t least = 1) {
  std::size_t i = prefix;
  while (i < rest.size() && i < 256 && member(rest[i])) ++i;
  if (i < prefix + least || !rest.substr(i).starts_with(close)) return 0;
  return static_cast<std::uint32_t>(i + close.size());
}

}  // namespace

std::uint32_t placeholder_length(std::string_view text, std::uint32_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.size() < 3) return 0;
  const char next = rest[1];
  switch (rest[0]) {
    case '{':
      if (next == '{') {
        // One that has lost a brace must not reach for the next one's.
        const std::uint32_t length = until(rest, 2, "}}", false);
        const std::string_view inside = rest.substr(0, length);
        const bool runs_on =
            inside.find("{{", 2) != std::string_view::npos ||
            (inside.find('\n') != std::string_view::npos && inside.find('<') != std::string_view::npos);
        return runs_on ? 0 : length;
      }
      if (next == '%') return until(rest, 2, "%}", false);
      if (next == '#') return until(rest, 2, "#}", false);
      return wrapped(rest, 1, is_name, "}");
    case '$':
      if (next == '{') return braced(rest);
      if (next == '(') return until(rest, 2, ")", true);
      if (is_word(next)) {
        std::size_t i = 1;
        while (i < rest.size() && i < 256 && is_word(rest[i])) ++i;
        return static_cast<std::uint32_t>(i);
      }
      return 0;
    case '%':
      if (next == '{') return braced(rest);
      // Not the %20 of a URL.
      return wrapped(rest, 1, is_word, "%", 3);
    case '#':
      if (next == '{') {
        const std::uint32_t end = until(rest, 2, "}", true);
        return end != 0 && end < rest.size() && rest[end] == '#' ? end + 1 : end;
      }
      return wrapped(rest, 1, is_upper, "#", 3);
    case '_':
      if (next == '_') {
        const std::size_t close = rest.substr(0, 256).find("__", 3);
        if (close == std::string_view::npos) return 0;
        for (std::size_t i = 2; i < close; ++i)
          if (!is_name(rest[i])) return 0;
        return static_cast<std::uint32_t>(close + 2);
      }
      return 0;
    case '@':
      if (next == '@') return wrapped(rest, 2, is_name, "@@");
      return 0;
    case '[':
      if (next == '[') return until(rest, 2, "]]", true);
      return 0;
    case '<':
      if (next == '%') return until(rest, 2, "%>", false);
      return 0;
    default: return 0;
  }
}

}  // namespace postern::policy
