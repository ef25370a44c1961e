// The formats that programs read.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "hooks/report/report.h"

namespace postern::report {
namespace {

using json::Array;
using json::Object;
using json::Value;
using policy::Finding;
using policy::Severity;

Value number(std::size_t n) { return static_cast<std::int64_t>(n); }

// A relative URI reference (RFC 3986 §4.1): each segment percent-encoded.
std::string uri_of(std::string_view path) {
  std::string out;
  while (true) {
    const std::size_t slash = path.find('/');
    out += percent_encode(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    out += '/';
    path.remove_prefix(slash + 1);
  }
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default: out += c;
    }
  }
  return out;
}

// GitHub's own escapes for workflow commands.
std::string command_escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else if (property && c == ':')
      out += "%3A";
    else if (property && c == ',')
      out += "%2C";
    else
      out += c;
  }
  return out;
}

std::string with_help(const Finding& f) {
  return f.help.empty() ? f.message : fmt::format("{} (fix: {})", f.message, f.help);
}

}  // namespace

std::string write_json(const std::vector<Finding>& findings, const Summary& summary) {
  Array list;
  list.reserve(findings.size());
  for (const Finding& f : findings) {
    list.emplace_back(Object{{"path", Value(f.path)},
                             {"line", Value(f.line)},
                             {"column", Value(f.column)},
                             {"end_line", Value(f.end_line)},
                             {"end_column", Value(f.end_column)},
                             {"rule", Value(f.rule)},
                             {"severity", Value(to_string(f.severity))},
                             {"message", Value(f.message)},
                             {"help", Value(f.help)},
                             {"fingerprint", Value(f.fingerprint)}});
  }
  Object root{{"version", Value(1)},
              {"findings", Value(std::move(list))},
              {"summary", Value(Object{{"files", number(summary.files)},
                                       {"errors", number(summary.errors)},
                                       {"warnings", number(summary.warnings)},
                                       {"suppressed", number(summary.suppressed)},
                                       {"baselined", number(summary.baselined)},
                                       {"seconds", Value(summary.seconds)}})}};
  return json::dump_pretty(Value(std::move(root)));
}

std::string write_sarif(const std::vector<Finding>& findings, const std::vector<RuleInfo>& rules) {
  auto level = [](Severity s) { return s == Severity::error ? "error" : s == Severity::warning ? "warning" : "note"; };
  std::map<std::string_view, std::int64_t> index;
  Array descriptors;
  for (const RuleInfo& rule : rules) {
    const bool used =
        std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.rule == rule.id; });
    if (!used || index.contains(rule.id)) continue;
    index[rule.id] = static_cast<std::int64_t>(descriptors.size());
    descriptors.emplace_back(
        Object{{"id", Value(rule.id)},
               {"shortDescription", Value(Object{{"text", Value(rule.summary)}})},
               {"fullDescription", Value(Object{{"text", Value(rule.why)}})},
               {"help", Value(Object{{"text", Value(fmt::format("{} {}", rule.summary, rule.why))}})},
               {"defaultConfiguration", Value(Object{{"level", Value(level(rule.severity))}})}});
  }
  Array results;
  for (const Finding& f : findings) {
    Object result{{"ruleId", Value(f.rule)}};
    if (const auto it = index.find(f.rule); it != index.end()) result.emplace_back("ruleIndex", Value(it->second));
    result.emplace_back("level", Value(level(f.severity)));
    result.emplace_back("message", Value(Object{{"text", Value(with_help(f))}}));
    // SARIF's end column is exclusive, as ours is; a region must not end before it begins.
    Object region{
        {"startLine", Value(f.line)},
        {"startColumn", Value(f.column)},
        {"endLine", Value(std::max(f.end_line, f.line))},
        {"endColumn", Value(f.end_line > f.line ? std::max(1U, f.end_column) : std::max(f.end_column, f.column))}};
    Object location{{"artifactLocation", Value(Object{{"uri", Value(uri_of(f.path))}})},
                    {"region", Value(std::move(region))}};
    result.emplace_back("locations", Value(Array{Value(Object{{"physicalLocation", Value(std::move(location))}})}));
    result.emplace_back("partialFingerprints", Value(Object{{"postern/v1", Value(f.fingerprint)}}));
    results.emplace_back(std::move(result));
  }
  Object driver{
      {"name", Value("postern-check")}, {"version", Value(POSTERN_VERSION)}, {"rules", Value(std::move(descriptors))}};
  Object run{{"tool", Value(Object{{"driver", Value(std::move(driver))}})},
             {"columnKind", Value("unicodeCodePoints")},
             {"results", Value(std::move(results))}};
  Object root{{"$schema", Value("https://json.schemastore.org/sarif-2.1.0.json")},
              {"version", Value("2.1.0")},
              {"runs", Value(Array{Value(std::move(run))})}};
  return json::dump_pretty(Value(std::move(root)));
}

std::string write_junit(const std::vector<Finding>& findings, const std::vector<std::string>& files,
                        const Summary& summary) {
  std::map<std::string_view, std::vector<const Finding*>> by_file;
  for (const std::string& file : files) by_file[file];
  std::size_t failures = 0;
  for (const Finding& f : findings) by_file[f.path].push_back(&f);
  for (const auto& [path, list] : by_file) failures += list.empty() ? 0 : 1;
  std::string cases;
  for (const auto& [path, list] : by_file) {
    cases += fmt::format("    <testcase classname=\"postern-check\" name=\"{}\"", xml_escaped(printable(path, 4096)));
    if (list.empty()) {
      cases += " />\n";
      continue;
    }
    std::string text;
    for (const Finding* f : list)
      text += fmt::format("{}:{}:{}: {}: {} [{}]\n", f->path, f->line, f->column, to_string(f->severity), with_help(*f),
                          f->rule);
    std::string body;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t end = std::min(text.find('\n', i), text.size());
      body += printable(std::string_view(text).substr(i, end - i), 8192) + "\n";
      i = end + 1;
    }
    std::string escaped;
    for (const char c : body)
      escaped += c == '&' ? std::string("&amp;") : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    cases += fmt::format(">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
                         list.front()->rule, xml_escaped(printable(list.front()->message, 4096)), escaped);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"postern-check\" tests=\"{}\" "
      "failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{:.3f}\">\n{}  </testsuite>\n</testsuites>\n",
      by_file.size(), failures, summary.seconds, cases);
}

std::string write_github(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) {
    const std::string_view kind = f.severity == Severity::error     ? "error"
                                  : f.severity == Severity::warning ? "warning"
                                                                    : "notice";
    out += fmt::format("::{} file={},line={},col={},endLine={}", kind, command_escaped(f.path, true), f.line, f.column,
                       std::max(f.line, f.end_line));
    if (f.end_line == f.line && f.end_column > f.column) out += fmt::format(",endColumn={}", f.end_column);
    out += fmt::format(",title={}::{}\n", command_escaped(f.rule, true), command_escaped(with_help(f), false));
  }
  return out;
}

std::string write_gitlab(const std::vector<Finding>& findings) {
  Array list;
  for (const Finding& f : findings) {
    const std::string_view severity = f.severity == Severity::error     ? "critical"
                                      : f.severity == Severity::warning ? "minor"
                                                                        : "info";
    Object lines{{"begin", Value(f.line)}, {"end", Value(std::max(f.line, f.end_line))}};
    list.emplace_back(Object{{"description", Value(with_help(f))},
                             {"check_name", Value(f.rule)},
                             {"fingerprint", Value(f.fingerprint)},
                             {"severity", Value(severity)},
                             {"location", Value(Object{{"path", Value(f.path)}, {"lines", Value(std::move(lines))}})}});
  }
  return json::dump_pretty(Value(std::move(list)));
}

}  // namespace postern::report
