// What a rule says about a place in a file.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <tuple>

namespace postern::policy {

// Ordered so that a comparison means "at least": advice < warning < error.
// error = APIM refuses it, or the organisation declared it required; warning = APIM takes it, but it does not do what
// it seems to; advice is off by default.
enum class Severity { advice, warning, error };

constexpr std::string_view to_string(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "advice";
}

// Value. Lines and columns are 1-based; a column counts Unicode code points, a tab is one, an invalid byte is one. The
// end is exclusive: the column just after the last code point.
struct Finding {
  std::string path;
  unsigned line = 1;
  unsigned column = 1;
  unsigned end_line = 1;
  unsigned end_column = 1;
  std::string rule;
  Severity severity = Severity::error;
  std::string message;  // one line: the place, the thing and the accepted alternatives
  std::string help;     // how to fix it, one line; may be empty
  // Stable under moves of lines: 32 lower-case hex digits over path, rule, the text around the place and which of its
  // like in the file this is. The baseline compares it.
  std::string fingerprint;
  bool hides_source = false;  // no report may show the source line
};

// The order of every report: path, line, column, rule.
inline bool operator<(const Finding& a, const Finding& b) {
  return std::tie(a.path, a.line, a.column, a.rule, a.message) < std::tie(b.path, b.line, b.column, b.rule, b.message);
}

}  // namespace postern::policy
