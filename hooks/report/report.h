// Findings as people and machines read them.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/finding.h"
#include "hooks/policy/rule.h"

namespace postern::report {

struct Summary {
  std::size_t files = 0;
  std::size_t errors = 0;
  std::size_t warnings = 0;
  std::size_t suppressed = 0;
  std::size_t baselined = 0;
  double seconds = 0;
};

// Adds the findings to errors and warnings.
void count(const std::vector<policy::Finding>& findings, Summary& summary);

// "2 errors, 1 warning", and where there are any ", 3 suppressed" and ", 4 in the baseline".
std::string summary_words(const Summary& summary);

// Gives the text of a file so that its line can be shown; nullopt leaves the line out. Called once per path in a row.
using SourceText = std::function<std::optional<std::string>(const std::string& path)>;

struct TextStyle {
  bool color = false;
  bool source = true;   // show the line and a caret
  bool summary = true;  // the last line
};

// `path:line:column: error: message [rule]`, the source line, a caret, `fix: …`.
std::string write_text(const std::vector<policy::Finding>& findings, const Summary& summary, const SourceText& source,
                       const TextStyle& style = {});

// For git's `remote:` lines: one line per finding and one `fix:` line where there is one; after `limit` findings a line
// says how many more there are. Control characters of the pushed files never reach the terminal.
std::vector<std::string> compact_lines(const std::vector<policy::Finding>& findings, std::size_t limit = 20);

// {"version":1,"findings":[…],"summary":{…}} with a final newline.
std::string write_json(const std::vector<policy::Finding>& findings, const Summary& summary);

// SARIF 2.1.0: one run; every rule of `rules`, with its help in Markdown; regions in code points, ends exclusive;
// fingerprints under the name that GitHub reads, and under ours. A relative path is meant from the top of the checkout
// (%SRCROOT%). Lists findings and rules in the order given. Every rule of a finding should be among `rules`.
std::string write_sarif(const std::vector<policy::Finding>& findings, std::span<const policy::Rule* const> rules);

// JUnit XML: one suite, one test case per file of `files` and per file with findings. A file fails when one of its
// findings is at least `fail_from`, so that a viewer shows what the exit code says; milder ones are its system-out.
std::string write_junit(const std::vector<policy::Finding>& findings, const std::vector<std::string>& files,
                        const Summary& summary, policy::Severity fail_from = policy::Severity::error);

// GitHub workflow commands (`::error file=…,line=…::…`), one line per finding.
std::string write_github(const std::vector<policy::Finding>& findings);

// GitLab Code Quality report: a JSON array of issues, whose fingerprints differ.
std::string write_gitlab(const std::vector<policy::Finding>& findings);

}  // namespace postern::report
