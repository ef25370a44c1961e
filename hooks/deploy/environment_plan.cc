// What an environment would do: may the range go out, and which writes bring the service there?
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/deploy/brief.h"
#include "hooks/deploy/environment.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

Pass held(HeldReason reason, std::string message) {
  return {State::held, std::string(to_string(reason)), std::move(message), std::nullopt};
}

Pass waits(const Error& error) { return {State::waiting, {}, error.message, std::nullopt}; }

// What changed, and what an interrupted apply has touched since L: that goes to where the new tree has it, or back to
// what it was before. Only steps from a tree have an id; their texts come later.
std::vector<Step> list_steps(const std::vector<Change>& changes, const std::vector<BeforeImage>& touched,
                             const Resources& wanted) {
  std::vector<Step> steps;
  std::set<std::string> changed;
  for (const Change& change : changes) {
    changed.insert(resource_key(change.resource.arm_path));
    steps.push_back({change.action, change.resource, {}});
  }
  for (const BeforeImage& image : touched) {
    const std::string key = resource_key(image.resource.arm_path);
    if (changed.contains(key)) continue;
    if (const auto found = wanted.find(key); found != wanted.end()) {
      steps.push_back({Action::put, found->second, {}});
    } else {
      steps.push_back({image.existed ? Action::put : Action::remove, image.resource, image.value});
    }
  }
  return steps;
}

bool is_from_tree(const Step& step) { return step.action == Action::put && !step.resource.id.empty(); }

Pass held_by_findings(const std::vector<policy::Finding>& findings) {
  const policy::Finding& first = findings.front();
  return held(HeldReason::findings,
              fmt::format("{}:{}:{}: error: {} [{}]{}. The hook should have refused this; to release: push a fix",
                          printable(first.path), first.line, first.column, printable(first.message, 400), first.rule,
                          findings.size() > 1 ? fmt::format(" and {} more", findings.size() - 1) : ""));
}

Pass held_by_deletes(const EnvironmentSettings& settings, const Plan& plan, std::size_t deletes) {
  std::string names;
  for (const Step& step : plan.steps) {
    if (step.action != Action::remove || names.size() > 400) continue;
    names += (names.empty() ? "" : ", ") + printable(step.resource.arm_path);
  }
  return held(
      HeldReason::deletes,
      fmt::format("{}..{} deletes {} of the resources deployed ({}), and max_deletes is {}. To release: push "
                  "a commit that brings them back, raise max_deletes of this environment after a review, or "
                  "postern-deploy adopt --environment {} --commit {} once they are removed by hand",
                  brief(plan.from), brief(plan.to), deletes, names, settings.max_deletes, settings.name, plan.to));
}

}  // namespace

std::optional<Pass> Environment::not_adopted(const std::optional<EnvironmentRecord>& record) const {
  if (record && record->repository == settings_.repository && record->ref == settings_.ref &&
      ascii_lower(record->service) == ascii_lower(settings_.service) && !record->deployed.empty()) {
    return std::nullopt;
  }
  return held(HeldReason::not_adopted,
              record ? fmt::format("{} was adopted for {} {} at {}; the configuration now says otherwise. To release: "
                                   "postern-deploy adopt --environment {}",
                                   settings_.name, record->repository, record->ref, record->service, settings_.name)
                     : fmt::format("nothing deploys to {} before a person says which commit its service holds. To "
                                   "release: postern-deploy adopt --environment {}",
                                   settings_.name, settings_.name));
}

Result<std::optional<Held>> Environment::judge_range(const EnvironmentRecord& record, const std::string& tip,
                                                     std::string& settings_at) {
  ChainQuestion question;
  question.environment = settings_.name;
  question.ref = settings_.ref;
  question.deployed = record.deployed;
  question.tip = tip;
  question.approvals_agents = settings_.approvals_agents;
  question.approvals_default = settings_.approvals_default;
  auto descends = parts_.source.descends(tip, record.deployed);
  if (!descends) return fail(descends.error());
  question.descends = *descends;
  if (question.descends) {
    for (bool more = true; more;) {
      auto page = parts_.records.moves(settings_.repository, settings_.ref, next_move_, 0s);
      if (!page) return fail(page.error());
      moves_.insert(moves_.end(), page->moves.begin(), page->moves.end());
      more = page->more && page->next > next_move_;
      next_move_ = std::max(next_move_, page->next);
    }
    question.moves = moves_;
    auto commits = parts_.source.commits_between(record.deployed, tip);
    if (!commits) return fail(commits.error());
    question.commits = std::move(*commits);
    auto introducers = parts_.records.introducers(settings_.repository, question.commits);
    if (!introducers) return fail(introducers.error());
    question.introducers = std::move(*introducers);
  }
  ChainAnswer answer = judge_chain(question);
  if (auto* held = std::get_if<Held>(&answer)) return std::optional(std::move(*held));
  settings_at = std::get<Clear>(answer).last_old;
  return std::optional<Held>();
}

Environment::Prepared Environment::prepare_plan(const EnvironmentRecord& record, const std::string& to,
                                                const std::string& settings_at, bool limit_deletes) {
  auto old_files = parts_.source.files(record.deployed, settings_.root);
  if (!old_files) return waits(old_files.error());
  auto new_files = parts_.source.files(to, settings_.root);
  if (!new_files) return waits(new_files.error());
  auto old_resources = list_resources(*old_files, settings_.root, settings_.kinds);
  auto new_resources = list_resources(*new_files, settings_.root, settings_.kinds);
  if (!new_resources) {
    return held(HeldReason::findings,
                new_resources.error().message + ". To release: push a commit with one of them removed");
  }
  // What was deployed once was free of such a clash; adopting a commit that has one leaves both as new.
  if (!old_resources) old_resources = Resources{};
  auto images = parts_.journal.before_images(settings_.name);
  if (!images) return waits(images.error());

  const std::vector<Change> changes = list_changes(*old_resources, *new_resources);
  std::vector<Step> steps = list_steps(changes, *images, *new_resources);
  std::vector<std::string> ids;
  for (const Step& step : steps) {
    if (is_from_tree(step)) ids.push_back(step.resource.id);
  }
  auto texts = parts_.source.contents(ids);
  if (!texts) return waits(texts.error());
  std::vector<Step> judged;
  for (Step& step : steps) {
    if (!is_from_tree(step)) continue;
    step.text = (*texts)[step.resource.id];
    judged.push_back(step);
  }
  auto findings = parts_.judge(judged, {record.deployed, to, settings_at});
  if (!findings) return waits(findings.error());
  if (!findings->empty()) return held_by_findings(*findings);

  Plan plan = make_plan(settings_.name, settings_.service, record.deployed, to, std::move(steps));
  // Of the commits' own: what only undoes an interrupted apply takes nothing away that was deployed.
  const auto deletes = static_cast<std::size_t>(std::count_if(
      changes.begin(), changes.end(), [](const Change& change) { return change.action == Action::remove; }));
  if (limit_deletes && deletes > settings_.max_deletes) return held_by_deletes(settings_, plan, deletes);
  return plan;
}

Environment::Prepared Environment::prepare(const EnvironmentRecord& record, const std::string& tip) {
  if (auto fetched = parts_.source.fetch(settings_.ref, tip); !fetched) return waits(fetched.error());
  // Back at L after an interrupted apply: nothing new to judge, only what was touched to put right.
  if (tip == record.deployed) return prepare_plan(record, tip, record.deployed, true);
  std::string settings_at;
  auto judged = judge_range(record, tip, settings_at);
  if (!judged) return waits(judged.error());
  if (*judged) {
    const MonoTime now = parts_.clock.mono();
    if (seen_tip_ != tip) {
      seen_tip_ = tip;
      seen_at_ = now;
    }
    // The ref moves a moment before the gateway has recorded it.
    if ((*judged)->reason == HeldReason::gap && now - seen_at_ < gap_grace_) {
      return Pass{State::waiting, {}, fmt::format("the record of the push to {} is not there yet", brief(tip)), 500ms};
    }
    return held((*judged)->reason, (*judged)->message);
  }
  for (const std::string& first : settings_.after) {
    auto healthy = parts_.journal.was_healthy(first, tip);
    if (!healthy) return waits(healthy.error());
    if (!*healthy) {
      return Pass{State::waiting, {}, fmt::format("{} is not healthy in {} yet", brief(tip), first), 2000ms};
    }
  }
  return prepare_plan(record, tip, settings_at, true);
}

std::variant<Plan, Pass> Environment::preview() {
  auto record = parts_.journal.environment(settings_.name);
  if (!record) return waits(record.error());
  if (auto pass = not_adopted(*record)) return *std::move(pass);
  auto tip = parts_.source.tip(settings_.ref);
  if (!tip) return waits(tip.error());
  if (!*tip) return held(HeldReason::not_descendant, fmt::format("{} is gone", settings_.ref));
  gap_grace_ = 0ms;
  return prepare(**record, **tip);
}

}  // namespace postern::deploy
