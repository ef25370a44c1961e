#include "hooks/deploy/judge.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "gateway/git/lfs.h"
#include "hooks/policy/check.h"
#include "hooks/policy/settings.h"
#include "hooks/receive/judge_templates.h"
#include "hooks/receive/repository_settings.h"
#include "hooks/template/tree.h"

namespace postern::deploy {
namespace {

// Of one deployment; a chain may be many pushes long.
constexpr std::uint64_t kMaxChanges = 1'000'000;

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

// What the change from the one commit to the other breaks across the tree.
Result<std::vector<policy::Finding>> judge_across(const repo::PushedTree& tree, const Span& span,
                                                  const access::Templates& templates,
                                                  const receive::RepositorySettings& settings, std::uint64_t max_bytes,
                                                  std::int64_t today) {
  const auto from = git::ObjectId::parse(span.from);
  if (!from) return fail(from.error());
  const auto to = git::ObjectId::parse(span.to);
  if (!to) return fail(to.error());
  if (*from == *to) return std::vector<policy::Finding>();
  const auto changes = tree.changes(*from, *to);
  if (!changes) return fail(changes.error());
  return receive::check_tree_change(tree, templates, *from, *to, *changes, false, settings, max_bytes, today);
}

std::int64_t days(const Clock& clock) {
  return std::chrono::floor<std::chrono::days>(clock.wall()).time_since_epoch().count();
}

}  // namespace

Judge repository_judge(std::string directory, access::Templates templates, const Clock& clock) {
  return [directory = std::move(directory), templates = std::move(templates), &clock](
             const std::vector<Step>& steps, const Span& span) -> Result<std::vector<policy::Finding>> {
    if (steps.empty() && span.from == span.to) return std::vector<policy::Finding>();
    repo::ReadLimits limits;
    limits.paths = kMaxChanges;
    auto tree = repo::open_pushed_tree(directory, limits);
    if (!tree) return fail(in_context("reading the settings", tree.error()));
    auto old = git::ObjectId::parse(span.settings_at);
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
                                                  *settings, limits.blob_bytes, options.today);
      if (!kept) return fail(in_context(file, kept.error()));
      keep_errors(std::move(findings), errors);
    }
    auto across = judge_across(**tree, span, templates, *settings, limits.blob_bytes, options.today);
    if (!across) return fail(in_context("reading the tree", across.error()));
    keep_errors(std::move(*across), errors);
    std::sort(errors.begin(), errors.end());
    return errors;
  };
}

Result<std::vector<policy::Finding>> judge_directory(const repo::FileSource& files, const access::Templates& templates,
                                                     const std::vector<Step>& steps, const Clock& clock) {
  const auto settings = receive::settings_in(&files, "", templates);
  if (!settings) return fail(settings.error());
  policy::CheckOptions options;
  options.may_suppress = settings->may_suppress;
  options.today = days(clock);
  std::vector<policy::Finding> findings;
  for (const Step& step : steps) {
    options.severity = settings->levels_for(step.resource.file);
    options.guardrails = settings->repository.guardrails_for(step.resource.file);
    std::ranges::move(judge_text(step, options), std::back_inserter(findings));
  }
  if (templates.layout != "loose") {
    tree::TreeOptions of_tree;
    tree::declare(of_tree, settings->repository);
    of_tree.levels_for = [&settings](const std::string& path) { return settings->levels_for(path); };
    of_tree.may_suppress = settings->may_suppress;
    of_tree.today = options.today;
    auto across = tree::check_tree(files, templates.root, of_tree);
    if (!across) return fail(across.error());
    std::ranges::move(*across, std::back_inserter(findings));
  }
  // There is no tree before in which a finding could have stood: the baseline holds where the rule may be relaxed.
  std::erase_if(findings, [&settings](const policy::Finding& finding) {
    return settings->baseline.contains(finding.fingerprint) && settings->may_relax(finding.rule);
  });
  std::vector<policy::Finding> errors;
  keep_errors(std::move(findings), errors);
  std::sort(errors.begin(), errors.end());
  return errors;
}

}  // namespace postern::deploy
