#include "hooks/deploy/judge.h"

#include <chrono>

#include "gateway/git/lfs.h"
#include "hooks/policy/check.h"
#include "hooks/policy/settings.h"
#include "hooks/receive/judge_templates.h"
#include "hooks/receive/repository_settings.h"

namespace postern::deploy {
namespace {

// Every finding of one template, whatever its severity.
std::vector<policy::Finding> judge_text(const Step& step, policy::CheckOptions options) {
  if (git::is_lfs_pointer(step.text)) {
    policy::Finding finding;
    finding.path = step.resource.file;
    finding.rule = "lfs-pointer";
    finding.message = "a Git LFS pointer stands where a policy template must be";
    return {std::move(finding)};
  }
  options.scope = step.resource.scope;
  return policy::check_policy(step.resource.file, step.text, options);
}

void keep_errors(std::vector<policy::Finding> findings, std::vector<policy::Finding>& errors) {
  for (policy::Finding& finding : findings) {
    if (finding.severity == policy::Severity::error) errors.push_back(std::move(finding));
  }
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
    options.may_suppress = settings->may_suppress;
    options.today = days(clock);
    std::vector<policy::Finding> errors;
    for (const Step& step : steps) {
      const std::string& file = step.resource.file;
      options.severity = settings->levels_for(file);
      options.guardrails = settings->repository.guardrails_for(file);
      std::vector<policy::Finding> findings = judge_text(step, options);
      std::optional<repo::Entry> before;
      if (!old->is_zero()) {
        auto entry = (*tree)->entry_at(*old, file);
        if (!entry) return fail(in_context(file, entry.error()));
        before = *entry;
      }
      const Status kept = receive::drop_baselined(findings, **tree, {step.resource.scope, false}, file, before,
                                                  *settings, repo::ReadLimits().blob_bytes, options.today);
      if (!kept) return fail(in_context(file, kept.error()));
      keep_errors(std::move(findings), errors);
    }
    return errors;
  };
}

Judge directory_judge(access::Templates templates, const Clock& clock) {
  return [templates = std::move(templates), &clock](const std::vector<Step>& steps,
                                                    const std::string&) -> Result<std::vector<policy::Finding>> {
    policy::CheckOptions options;
    options.may_suppress = templates.may_relax;
    for (const auto& [rule, level] : templates.severity) {
      const Result<policy::RuleLevel> parsed = policy::parse_level(level);
      if (!parsed) return fail(in_context("severity of " + rule, parsed.error()));
      options.severity[rule] = *parsed;
    }
    options.today = days(clock);
    std::vector<policy::Finding> errors;
    for (const Step& step : steps) keep_errors(judge_text(step, options), errors);
    return errors;
  };
}

}  // namespace postern::deploy
