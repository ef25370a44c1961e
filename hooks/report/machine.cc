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

// The reference of the policies, by Microsoft: what a rule's help leads to besides its own words.
constexpr std::string_view kReference = "https://learn.microsoft.com/azure/api-management/api-management-policies";

// A name of a file as JSON can carry it: no bytes that are no UTF-8.
std::string text_of(const std::string& path) { return is_utf8(path) ? path : printable(path, 4096); }

// A URI reference (RFC 3986 §4.1), each segment percent-encoded: absolute for an absolute path, else relative.
std::string uri_of(std::string_view path) {
  std::string out = path.starts_with('/') ? "file://" : "";
  if (path.starts_with("./")) path.remove_prefix(2);
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
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // U+FFFE and U+FFFF are UTF-8 but no characters of XML, not even as references.
    if (c == '\xef' && (text.substr(i, 3) == "\xef\xbf\xbe" || text.substr(i, 3) == "\xef\xbf\xbf")) {
      out += '?';
      i += 2;
      continue;
    }
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
    list.emplace_back(Object{{"path", Value(text_of(f.path))},
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

std::string write_sarif(const std::vector<Finding>& findings, std::span<const policy::Rule* const> rules) {
  auto level = [](Severity s) { return s == Severity::error ? "error" : s == Severity::warning ? "warning" : "note"; };
  auto text = [](std::string_view words) { return Value(Object{{"text", Value(words)}}); };
  std::map<std::string_view, std::int64_t> index;
  Array descriptors;
  for (const policy::Rule* rule : rules) {
    if (!index.emplace(rule->id, static_cast<std::int64_t>(descriptors.size())).second) continue;
    std::string markdown = fmt::format("{} {}\n", rule->summary, rule->why);
    // Four backquotes, since an example may hold three.
    if (!rule->bad.empty()) markdown += fmt::format("\nBad:\n\n````xml\n{}\n````\n", rule->bad);
    if (!rule->good.empty()) markdown += fmt::format("\nGood:\n\n````xml\n{}\n````\n", rule->good);
    markdown += fmt::format("\n`postern-check --explain {}` tells how to accept a finding.\n", rule->id);
    descriptors.emplace_back(
        Object{{"id", Value(rule->id)},
               {"shortDescription", text(rule->summary)},
               {"fullDescription", text(rule->why.empty() ? rule->summary : rule->why)},
               {"helpUri", Value(kReference)},
               {"help", Value(Object{{"text", Value(fmt::format("{} {}", rule->summary, rule->why))},
                                     {"markdown", Value(std::move(markdown))}})},
               {"defaultConfiguration", Value(Object{{"level", Value(level(rule->severity))}})}});
  }
  Array results;
  results.reserve(findings.size());
  for (const Finding& f : findings) {
    Object result{{"ruleId", Value(f.rule)}};
    if (const auto it = index.find(f.rule); it != index.end()) result.emplace_back("ruleIndex", Value(it->second));
    result.emplace_back("level", Value(level(f.severity)));
    result.emplace_back("message", text(with_help(f)));
    // SARIF's end column is exclusive, as ours is; a region must not end before it begins.
    Object region{
        {"startLine", Value(f.line)},
        {"startColumn", Value(f.column)},
        {"endLine", Value(std::max(f.end_line, f.line))},
        {"endColumn", Value(f.end_line > f.line ? std::max(1U, f.end_column) : std::max(f.end_column, f.column))}};
    Object artifact{{"uri", Value(uri_of(f.path))}};
    if (!f.path.starts_with('/')) artifact.emplace_back("uriBaseId", Value("%SRCROOT%"));
    Object location{{"artifactLocation", Value(std::move(artifact))}, {"region", Value(std::move(region))}};
    result.emplace_back("locations", Value(Array{Value(Object{{"physicalLocation", Value(std::move(location))}})}));
    result.emplace_back("partialFingerprints", Value(Object{{"primaryLocationLineHash", Value(f.fingerprint)},
                                                            {"postern/v1", Value(f.fingerprint)}}));
    results.emplace_back(std::move(result));
  }
  Object driver{{"name", Value("postern-check")},
                {"version", Value(POSTERN_VERSION)},
                {"semanticVersion", Value(POSTERN_VERSION)},
                {"informationUri", Value(kReference)},
                {"rules", Value(std::move(descriptors))}};
  Object run{{"tool", Value(Object{{"driver", Value(std::move(driver))}})},
             {"columnKind", Value("unicodeCodePoints")},
             {"results", Value(std::move(results))}};
  Object root{{"$schema", Value("https://json.schemastore.org/sarif-2.1.0.json")},
              {"version", Value("2.1.0")},
              {"runs", Value(Array{Value(std::move(run))})}};
  return json::dump_pretty(Value(std::move(root)));
}

std::string write_junit(const std::vector<Finding>& findings, const std::vector<std::string>& files,
                        const Summary& summary, Severity fail_from) {
  std::map<std::string_view, std::vector<const Finding*>> by_file;
  for (const std::string& file : files) by_file[file];
  for (const Finding& f : findings) by_file[f.path].push_back(&f);
  std::size_t failures = 0;
  std::string cases;
  for (const auto& [path, list] : by_file) {
    const std::string name = xml_escaped(printable(path, 4096));
    cases += fmt::format("    <testcase classname=\"postern-check\" name=\"{}\" file=\"{}\" time=\"0\"", name, name);
    if (list.empty()) {
      cases += " />\n";
      continue;
    }
    std::string failed;
    std::string told;
    const Finding* first = nullptr;
    for (const Finding* f : list) {
      const bool fails = f->severity >= fail_from;
      if (fails && first == nullptr) first = f;
      const std::string line = fmt::format("{}:{}:{}: {}: {} [{}]", f->path, f->line, f->column, to_string(f->severity),
                                           with_help(*f), f->rule);
      (fails ? failed : told) += xml_escaped(printable(line, 8192)) + "\n";
    }
    cases += ">\n";
    if (first != nullptr) {
      ++failures;
      cases += fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n", xml_escaped(first->rule),
                           xml_escaped(printable(first->message, 4096)), failed);
    }
    if (!told.empty()) cases += fmt::format("      <system-out>{}</system-out>\n", told);
    cases += "    </testcase>\n";
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
  // GitLab keeps one issue per fingerprint: the second of two would not be seen.
  std::map<std::string_view, unsigned> seen;
  for (const Finding& f : findings) {
    const unsigned before = seen[f.fingerprint]++;
    const std::string fingerprint = before == 0 ? f.fingerprint : fmt::format("{}-{}", f.fingerprint, before + 1);
    const std::string_view severity = f.severity == Severity::error     ? "critical"
                                      : f.severity == Severity::warning ? "minor"
                                                                        : "info";
    Object lines{{"begin", Value(f.line)}, {"end", Value(std::max(f.line, f.end_line))}};
    list.emplace_back(
        Object{{"description", Value(with_help(f))},
               {"check_name", Value(f.rule)},
               {"fingerprint", Value(fingerprint)},
               {"severity", Value(severity)},
               {"location", Value(Object{{"path", Value(text_of(f.path))}, {"lines", Value(std::move(lines))}})}});
  }
  return json::dump_pretty(Value(std::move(list)));
}

}  // namespace postern::report
