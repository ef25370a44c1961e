#include "hooks/policy/check.h"

#include <algorithm>

#include "hooks/policy/fingerprint.h"
#include "hooks/policy/model.h"
#include "hooks/policy/rules.h"
#include "hooks/policy/suppression.h"

namespace postern::policy {
namespace {

// What the options make of a severity; false: the finding is dropped.
bool effective(const CheckOptions& options, std::string_view rule, Severity& severity) {
  const auto it = options.severity.find(rule);
  if (it != options.severity.end()) {
    switch (it->second) {
      case RuleLevel::off: return false;
      // A rule that is certain in one place and doubtful in another keeps that difference when it is raised.
      case RuleLevel::advice: severity = Severity::advice; break;
      case RuleLevel::warning: severity = Severity::warning; break;
      case RuleLevel::error: severity = Severity::error; break;
    }
  }
  return severity != Severity::advice || options.advice;
}

}  // namespace

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::global: return "global";
    case Scope::workspace: return "workspace";
    case Scope::product: return "product";
    case Scope::api: return "api";
    case Scope::operation: return "operation";
    case Scope::resolver: return "resolver";
    case Scope::fragment: return "fragment";
    case Scope::unknown: break;
  }
  return "unknown";
}

std::vector<Finding> check_policy(std::string_view path, std::string_view text, const CheckOptions& options,
                                  CheckCounts* counts) {
  const PolicyDocument document = PolicyDocument::parse(text);
  const Model model = Model::build(document);
  const std::vector<ExpressionFault> expressions = judge_expressions(document);
  const Subject subject{document, model, options, expressions};
  const Rule* suppression_rule = find_rule("suppression");
  Reporter of_suppressions(suppression_rule->severity);
  const std::vector<Suppression> suppressions = read_suppressions(subject, of_suppressions);
  std::vector<Finding> findings;
  for (const Rule* rule : rules()) {
    Reporter reporter(rule->severity);
    if (rule == suppression_rule)
      reporter.remarks = std::move(of_suppressions.remarks);
    else if (rule->check != nullptr)
      rule->check(subject, reporter);
    for (Remark& remark : reporter.remarks) {
      Severity severity = remark.severity;
      if (!effective(options, rule->id, severity)) continue;
      const bool suppressed = std::any_of(suppressions.begin(), suppressions.end(), [&](const Suppression& one) {
        return one.rule == rule->id && one.covers.begin <= remark.range.begin && remark.range.begin < one.covers.end;
      });
      if (suppressed) {
        if (counts != nullptr) ++counts->suppressed;
        continue;
      }
      const Position begin = document.position(remark.range.begin);
      const Position end = document.position(std::max(remark.range.begin, remark.range.end));
      Finding f;
      f.path = path;
      f.line = begin.line;
      f.column = begin.column;
      f.end_line = end.line;
      f.end_column = end.column;
      f.rule = rule->id;
      f.severity = severity;
      f.message = std::move(remark.message);
      f.help = std::move(remark.help);
      f.hides_source = rule->hides_source;
      findings.push_back(std::move(f));
    }
  }
  std::sort(findings.begin(), findings.end());
  add_fingerprints(findings, text);
  return findings;
}

}  // namespace postern::policy
