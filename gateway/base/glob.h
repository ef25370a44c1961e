// Patterns of repositories, refs and paths: `*` stays within a segment, `**` crosses segments, `?` is
// one byte but '/'. Everything else is itself; matching is of bytes and of the whole text.
#pragma once

#include <string>
#include <string_view>

namespace postern {

// Value. Matching takes time linear in text times stars, never exponential.
class Glob {
 public:
  explicit Glob(std::string pattern) : pattern_(std::move(pattern)) {}
  bool matches(std::string_view text) const;
  const std::string& text() const { return pattern_; }
  // The bytes before the first wildcard.
  std::string_view literal_prefix() const;
  bool operator==(const Glob&) const = default;

 private:
  static bool matches_from(std::string_view pattern, std::string_view text);
  std::string pattern_;
};

}  // namespace postern
