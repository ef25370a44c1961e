#include "gateway/access/patterns.h"

#include <array>

namespace postern::access {

std::string_view RepoPattern::literal_owner() const {
  const std::string_view literal = glob_.literal_prefix();
  const std::size_t slash = literal.find('/');
  return slash == std::string_view::npos ? std::string_view{} : literal.substr(0, slash);
}

bool covers(std::string_view wide, std::string_view narrow) {
  if (wide == narrow || wide == "**") return true;
  const Glob glob{std::string(wide)};
  if (narrow.find_first_of("*?") == std::string_view::npos) return glob.matches(narrow);
  // A pattern that takes these odd texts, of any length, in place of a star has a star of its own there.
  static constexpr std::array<std::string_view, 4> kSegments{"", "\x01", "\x02\x03", "\x01\x02\x03\x04\x05\x06\x07"};
  static constexpr std::array<std::string_view, 5> kDeep{"", "\x01", "\x02/\x03", "\x01/\x02\x03/\x04", "/\x01//\x02"};
  for (std::size_t sample = 0; sample < kDeep.size(); ++sample) {
    std::string text;
    for (std::size_t at = 0; at < narrow.size();) {
      if (narrow.substr(at, 2) == "**") {
        text += kDeep[sample];
        at += 2;
      } else if (narrow[at] == '*') {
        text += kSegments[sample % kSegments.size()];
        ++at;
      } else {
        text += narrow[at] == '?' ? '\x01' : narrow[at];
        ++at;
      }
    }
    if (!glob.matches(text)) return false;
  }
  return true;
}

bool covers_repos(std::string_view wide, std::string_view narrow) {
  return wide.ends_with(".wiki") == narrow.ends_with(".wiki") && covers(wide, narrow);
}

bool is_replace_ref(std::string_view ref) { return ref == "refs/replace" || ref.starts_with("refs/replace/"); }

bool grant_reaches_ref(const Glob& pattern, std::string_view ref) {
  if (!ref.starts_with("refs/heads/") && !ref.starts_with("refs/tags/")) {
    const std::size_t end = ref.find('/', 5);  // behind "refs/"
    if (end == std::string_view::npos) return pattern.text() == ref;
    if (!pattern.literal_prefix().starts_with(ref.substr(0, end + 1))) return false;
  }
  return pattern.matches(ref);
}

}  // namespace postern::access
