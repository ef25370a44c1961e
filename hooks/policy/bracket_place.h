// Where a bracket is missing or one too many, by the way people indent: what the compiler notices at the end of a block
// stands lines away from the slip.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::policy {

// Value; offsets into the code.
struct BracketPlace {
  enum class Kind : std::uint8_t {
    unclosed,  // `bracket` was opened at `partner` and should have been closed at [begin, end)
    no_opener  // an opening bracket is missing at [begin, end), or the closing `bracket` at `partner` is one too many
  };
  Kind kind = Kind::unclosed;
  char bracket = '(';
  std::uint32_t partner = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// `code` is what stands behind `@{` or `@(`, the closing bracket that was to end it included where that one is left
// over or taken by another; `own` is '{' or '('; `indent` is the indentation of the line with the `@`. Null when the
// brackets match or nothing in the lines tells where they do not. Linear but for a look back over lines per answer.
std::optional<BracketPlace> find_bracket(std::string_view code, char own, std::uint32_t indent);

}  // namespace postern::policy
