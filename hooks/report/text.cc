#include <fmt/core.h>

#include <iterator>
#include <set>
#include <utility>

#include "gateway/base/encoding.h"
#include "hooks/report/report.h"

namespace postern::report {
namespace {

using policy::Finding;
using policy::Severity;

constexpr std::size_t kLongestLine = 160;  // code points of source that are shown

// The bytes of the code point at `at`; an invalid byte stands for itself.
std::size_t point_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  std::size_t more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
  std::size_t length = 1;
  while (more-- > 0 && at + length < text.size() && (static_cast<unsigned char>(text[at + length]) & 0xc0) == 0x80)
    ++length;
  return length;
}

std::string_view color_of(Severity severity) {
  return severity == Severity::error ? "\x1b[1;31m" : severity == Severity::warning ? "\x1b[1;33m" : "\x1b[1;36m";
}

// The source line and a caret line below it; empty when the line is not there.
std::string excerpt(std::string_view line, const Finding& f) {
  // Code points before the caret decide where a long line is cut.
  std::string shown;
  std::string caret;
  const std::size_t from = f.column > kLongestLine / 2 + 40 ? f.column - kLongestLine / 2 : 1;
  const std::size_t end_column = f.end_line == f.line && f.end_column > f.column ? f.end_column : f.column + 1;
  if (from > 1) shown = "…", caret = " ";
  std::size_t column = 1;
  if (line.starts_with("\xef\xbb\xbf") && f.line == 1) line.remove_prefix(3);
  for (std::size_t at = 0; at < line.size(); ++column) {
    const std::size_t length = point_length(line, at);
    const std::string_view point = line.substr(at, length);
    at += length;
    if (column < from) continue;
    if (column >= from + kLongestLine) {
      shown += "…";
      break;
    }
    const bool tab = point == "\t";
    const std::string safe = tab ? std::string("\t") : printable(point);
    shown += safe;
    // What printable() made longer is pointed at as a whole.
    const std::size_t width = safe.size() == length ? 1 : safe.size();
    if (column < f.column)
      caret += tab ? std::string("\t") : std::string(width, ' ');
    else if (column == f.column)
      caret += '^' + std::string(width - 1, '~');
    else if (column < end_column)
      caret += std::string(width, '~');
  }
  if (caret.find('^') == std::string::npos) caret += '^';
  return fmt::format("{}\n{}\n", shown, caret);
}

std::string one_line(std::string_view text) { return printable(text, 4096); }

std::string plural(std::size_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

}  // namespace

void count(const std::vector<Finding>& findings, Summary& summary) {
  for (const Finding& f : findings) {
    if (f.severity == Severity::error) ++summary.errors;
    if (f.severity == Severity::warning) ++summary.warnings;
  }
}

std::string summary_words(const Summary& summary) {
  std::string out = fmt::format("{}, {}", plural(summary.errors, "error"), plural(summary.warnings, "warning"));
  if (summary.suppressed != 0) out += fmt::format(", {} suppressed", summary.suppressed);
  if (summary.baselined != 0) out += fmt::format(", {} in the baseline", summary.baselined);
  return out;
}

std::string write_text(const std::vector<Finding>& findings, const Summary& summary, const SourceText& source,
                       const TextStyle& style) {
  std::string out;
  const std::string_view reset = style.color ? "\x1b[0m" : "";
  const std::string_view bold = style.color ? "\x1b[1m" : "";
  std::string path;
  std::optional<std::string> text;
  std::size_t line_begin = 0;
  unsigned line = 1;
  // A line that one finding must not show is shown by no other.
  std::set<std::pair<std::string_view, unsigned>> hidden;
  for (const Finding& f : findings)
    if (f.hides_source) hidden.emplace(f.path, f.line);
  for (const Finding& f : findings) {
    if (style.source && source && (f.path != path || !text)) {
      text = source(f.path);
      path = f.path;
      line_begin = 0;
      line = 1;
    }
    out +=
        fmt::format("{}{}:{}:{}:{} {}{}:{} {} [{}]\n", bold, one_line(f.path), f.line, f.column, reset,
                    style.color ? color_of(f.severity) : "", to_string(f.severity), reset, one_line(f.message), f.rule);
    if (style.source && text && !hidden.contains({f.path, f.line})) {
      while (line < f.line) {
        const std::size_t next = text->find('\n', line_begin);
        if (next == std::string::npos) break;
        line_begin = next + 1;
        ++line;
      }
      if (line == f.line) {
        std::string_view rest = std::string_view(*text).substr(line_begin);
        rest = rest.substr(0, rest.find('\n'));
        if (rest.ends_with('\r')) rest.remove_suffix(1);
        out += excerpt(rest, f);
      }
    }
    if (!f.help.empty()) out += fmt::format("fix: {}\n", one_line(f.help));
  }
  if (style.summary) {
    out += fmt::format("{}: {} ({:.2f} s)\n", plural(summary.files, "file"), summary_words(summary), summary.seconds);
  }
  return out;
}

std::vector<std::string> compact_lines(const std::vector<Finding>& findings, std::size_t limit) {
  std::vector<std::string> lines;
  std::size_t shown = 0;
  for (const Finding& f : findings) {
    if (shown == limit) {
      lines.push_back(fmt::format("… and {} more; postern-check shows all of them", findings.size() - shown));
      break;
    }
    ++shown;
    lines.push_back(fmt::format("{}:{}:{}: {}: {} [{}]", one_line(f.path), f.line, f.column, to_string(f.severity),
                                one_line(f.message), f.rule));
    if (!f.help.empty()) lines.push_back(fmt::format("fix: {}", one_line(f.help)));
  }
  return lines;
}

}  // namespace postern::report
