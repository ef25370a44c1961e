#include "hooks/deploy/judge.h"

#include <chrono>

#include "gateway/git/lfs.h"
#include "hooks/policy/check.h"
#include "hooks/receive/repository_settings.h"

namespace postern::deploy {
namespace {

std::vector<policy::Finding> judge_texts(const std::vector<Step>& steps, const policy::CheckOptions& common) {
  std::vector<policy::Finding> errors;
  for (const Step& step : steps) {
    if (git::is_lfs_pointer(step.text)) {
      policy::Finding finding;
      finding.path = step.resource.file;
      finding.rule = "lfs-pointer";
      finding.message = "a Git LFS pointer stands where a policy template must be";
      errors.push_back(std::move(finding));
      continue;
    }
    policy::CheckOptions options = common;
    options.scope = step.resource.scope;
    for (policy::Finding& finding : policy::check_policy(step.resource.file, step.text, options)) {
      if (finding.severity == policy::Severity::error) errors.push_back(std::move(finding));
    }
  }
  return errors;
}

std::int64_t days(const Clock& clock) {
  return std::chrono::floor<std::chrono::days>(clock.wall()).time_since_epoch().count();
}

}  // namespace

Judge repository_judge(std::string directory, access::Templates templates, const Clock& clock) {
  return [directory = std::move(directory), templates = std::move(templates), &clock](
             const std::vector<Step>& steps, const std::string& settings_at) -> Result<std::vector<policy::Finding>> {
    if (steps.empty()) return std::vector<policy::Finding>();
    auto tree = repo::open_pushed_tree(directory, {});
    if (!tree) return fail(in_context("reading the settings", tree.error()));
    auto old = git::ObjectId::parse(settings_at);
    if (!old) return fail(old.error());
    // A chain that begins with a created ref has no commit before it: only the platform speaks.
    auto settings =
        receive::settings_before(**tree, old->is_zero() ? std::nullopt : std::optional<git::ObjectId>(*old), templates);
    if (!settings) return fail(in_context("reading the settings", settings.error()));
    policy::CheckOptions options;
    options.severity = settings->severity;
    options.may_suppress = settings->may_suppress;
    options.today = days(clock);
    return judge_texts(steps, options);
  };
}

Judge directory_judge(access::Templates templates, const Clock& clock) {
  return [templates = std::move(templates), &clock](const std::vector<Step>& steps,
                                                    const std::string&) -> Result<std::vector<policy::Finding>> {
    policy::CheckOptions options;
    options.may_suppress = templates.may_relax;
    for (const auto& [rule, level] : templates.severity) {
      options.severity[rule] = level == "error"     ? policy::RuleLevel::error
                               : level == "warning" ? policy::RuleLevel::warning
                               : level == "advice"  ? policy::RuleLevel::advice
                                                    : policy::RuleLevel::off;
    }
    options.today = days(clock);
    return judge_texts(steps, options);
  };
}

}  // namespace postern::deploy
