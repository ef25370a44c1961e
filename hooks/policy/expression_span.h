// Where an expression ends: lexes C# just far enough to know which brackets count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hooks/policy/document.h"

namespace postern::policy {

// What surrounds the expression, which decides what ends it and whether entities are decoded.
enum class Enclosure { double_quoted, single_quoted, element_text, cdata };

enum class SpanOutcome {
  closed,
  never_closed,  // the text or the element ended first
  open_literal,  // a string, a character or a block comment in it never ends
};

// Value. `end` is the byte after the closing bracket when closed, else where reading stopped.
struct ExpressionSpan {
  SpanOutcome outcome = SpanOutcome::closed;
  std::uint32_t end = 0;
  Range fault;                      // the literal that never ends; empty otherwise
  std::string literal;              // "string", "character", "comment"
  bool line_break = false;          // a regular string in it runs over a line break (only with allow_line_breaks)
  std::uint32_t line_break_in = 0;  // where that string begins
  // The first bracket in it that has no partner, though the expression as a whole closes; empty otherwise.
  Range unbalanced;
  bool unbalanced_opener = false;
  // Where the first verbatim strings in it that run over lines begin; what never closes may owe it to one of them.
  std::array<std::uint32_t, 4> long_strings{};
  std::uint32_t long_string_count = 0;
  bool mended = false;  // read with one of them ended at the end of its first line
};

// `at` is the offset of `@` of `@(` or `@{`. Reads at most up to `limit`. Linear, with a stack of its own.
ExpressionSpan scan_expression(std::string_view text, std::uint32_t at, std::uint32_t limit, Enclosure enclosure,
                               bool allow_line_breaks);
// The same, taking the string that begins at `open_string` as one that lost its end on that line.
ExpressionSpan scan_past_string(std::string_view text, std::uint32_t at, std::uint32_t limit, Enclosure enclosure,
                                std::uint32_t open_string);

// The character that starts at `at`, with an entity decoded (`length` then covers the entity). Code points above ASCII
// come as their first byte. `length` is 0 at the end of the text.
struct LogicalChar {
  char value = 0;
  std::uint32_t length = 0;
  bool entity = false;
};
LogicalChar entity_char(std::string_view text, std::uint32_t at);  // `at` holds '&'; length 0: no entity of ours
inline LogicalChar logical_char(std::string_view text, std::uint32_t at, bool entities) {
  if (at >= text.size()) return {};
  if (entities && text[at] == '&') {
    const LogicalChar entity = entity_char(text, at);
    if (entity.length != 0) return entity;
  }
  return {text[at], 1, false};
}

// The first byte from `at` on that is no white space, nor a reference to some: services export line ends as `&#xD;`.
inline std::uint32_t skip_blank(std::string_view text, std::uint32_t at) {
  while (at < text.size()) {
    const LogicalChar c = logical_char(text, at, true);
    if (c.value != ' ' && c.value != '\t' && c.value != '\n' && c.value != '\r') break;
    at += c.length;
  }
  return at;
}

}  // namespace postern::policy
