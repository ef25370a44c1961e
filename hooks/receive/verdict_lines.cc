#include "hooks/receive/verdict_lines.h"

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/git/report_status.h"
#include "hooks/report/report.h"

namespace postern::receive {
namespace {

constexpr std::size_t kFindingLines = 20;
constexpr std::size_t kRefLines = 20;
constexpr std::size_t kLineBytes = 500;

// Findings that no line shows.
bool has_silent(const Judgement& judgement) { return judgement.suppressed + judgement.baselined > 0; }

std::string prefix_of(const Enforcement& enforcement) {
  if (!enforcement.paused.empty()) return "postern (paused until " + enforcement.paused + "): would be refused: ";
  return enforcement.observe ? "postern (observe): would be refused: " : "postern: refused: ";
}

}  // namespace

std::string findings_summary(const Judgement& judgement) {
  if (judgement.errors + judgement.warnings == 0 && !has_silent(judgement)) return {};
  report::Summary summary;
  summary.errors = judgement.errors;
  summary.warnings = judgement.warnings;
  summary.suppressed = judgement.suppressed;
  summary.baselined = judgement.baselined;
  return report::summary_words(summary);
}

std::vector<std::string> verdict_lines(const Judgement& judgement, std::span<const git::RefUpdate> commands,
                                       const Enforcement& enforcement) {
  std::vector<std::string> lines = report::compact_lines(judgement.findings, kFindingLines);
  if (has_silent(judgement)) lines.push_back("postern: " + findings_summary(judgement));
  for (const std::string& line : judgement.lines) lines.push_back("postern: " + git::report_line(line, kLineBytes));
  const std::string prefix = prefix_of(enforcement);
  std::vector<std::string> fixes;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const CommandJudgement& command = judgement.commands[i];
    if (!command.refused) continue;
    if (++refused <= kRefLines) {
      lines.push_back(prefix + printable(commands[i].ref, 200) + ": " + git::report_line(command.reason, kLineBytes));
    }
    if (!command.fix.empty() && std::find(fixes.begin(), fixes.end(), command.fix) == fixes.end()) {
      fixes.push_back(command.fix);
    }
  }
  if (refused > kRefLines) lines.push_back("postern: and " + std::to_string(refused - kRefLines) + " more refs");
  for (const std::string& fix : fixes) lines.push_back("fix: " + git::report_line(fix, kLineBytes));
  return lines;
}

}  // namespace postern::receive
