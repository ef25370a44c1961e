#include "hooks/deploy/environment.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "hooks/deploy/backoff.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReportedSteps = 300;

std::string brief(std::string_view commit) { return std::string(commit.substr(0, 12)); }

bool same_text(std::string_view a, std::string_view b) { return ascii_lower(a) == ascii_lower(b); }

// "PUT /apis/orders/policies/policy: 409 PessimisticConcurrencyConflict: Operation on the API is in progress"
std::string describe_failure(const Step& step, const ArmFailure& failure) {
  std::string text = fmt::format("{} {}: ", to_string(step.action), printable(step.resource.arm_path));
  if (failure.status > 0) text += fmt::format("{} ", failure.status);
  if (!failure.code.empty()) text += printable(failure.code, 80) + ": ";
  text += failure.message;
  for (const std::string& line : describe_faults(failure, step.resource.file)) text += "; " + line;
  if (!failure.request_id.empty()) text += fmt::format(" (request {})", failure.request_id);
  return text;
}

}  // namespace

json::Value Environment::outcome(const EnvironmentRecord& record, const std::string& commit, State state,
                                 std::string_view reason, std::string_view message, const Plan* plan) const {
  json::Value detail = json::Object{};
  detail.set("message", printable(message, 4000));
  if (plan != nullptr) {
    json::Value written = to_json(*plan);
    // The gateway takes 256 KiB; the journal keeps the rest.
    if (plan->steps.size() > kReportedSteps) {
      written.set("steps", json::Array{});
      written.set("step_count", plan->steps.size());
    }
    detail.set("plan", std::move(written));
  }
  return json::Object{{"id", hex_encode(random_bytes(16))},
                      {"environment", settings_.name},
                      {"repository", settings_.repository},
                      {"ref", settings_.ref},
                      {"commit", commit},
                      {"previous", record.deployed},
                      {"state", std::string(to_string(state))},
                      {"reason", std::string(reason)},
                      {"detail", std::move(detail)}};
}

Pass Environment::wait_unrecorded(std::string message) {
  log::warning("deploy.waiting", {{"environment", settings_.name}, {"reason", message}});
  const auto pause = next_delay(++failures_, std::nullopt, static_cast<unsigned char>(random_bytes(1)[0]));
  return {State::waiting, {}, std::move(message), pause};
}

Pass Environment::wait(const EnvironmentRecord& record, const std::string& tip, std::string message,
                       std::optional<std::chrono::seconds> retry_after) {
  if (waiting_tip_ != tip) failures_ = 0;
  const auto pause = next_delay(++failures_, retry_after, static_cast<unsigned char>(random_bytes(1)[0]));
  const MonoTime now = parts_.clock.mono();
  waiting_tip_ = tip;
  waiting_asked_ = record.asked;
  not_before_ = now + pause;
  if (retry_after) throttled_until_ = now + *retry_after;
  log::warning("deploy.waiting",
               {{"environment", settings_.name}, {"commit", tip}, {"reason", message}, {"again_in_ms", pause.count()}});
  NewState state{State::waiting, {}, message, tip, record.plan};
  if (auto written = parts_.journal.set_state(settings_.name, state, std::nullopt, parts_.clock.wall()); !written) {
    log::error("deploy.journal", {{"environment", settings_.name}, {"error", written.error().message}});
  }
  return {State::waiting, {}, std::move(message), pause};
}

Pass Environment::hold(const EnvironmentRecord& record, const std::string& tip, HeldReason reason,
                       std::string message) {
  const std::string name(to_string(reason));
  const bool news = record.state != State::held || record.reason != name || record.tip != tip;
  NewState state{State::held, name, message, tip, record.plan};
  std::optional<json::Value> report;
  if (news) {
    report = outcome(record, tip, State::held, name, message, nullptr);
    log::warning("deploy.held",
                 {{"environment", settings_.name}, {"commit", tip}, {"reason", name}, {"message", message}});
  }
  if (news || record.message != message) {
    if (auto written = parts_.journal.set_state(settings_.name, state, report, parts_.clock.wall()); !written) {
      return wait_unrecorded(written.error().message);
    }
  }
  failures_ = 0;
  return {State::held, name, std::move(message), std::nullopt};
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

// From L to `to`: changed files, and whatever an interrupted apply has touched since L.
Environment::Prepared Environment::prepare_plan(const EnvironmentRecord& record, const std::string& to,
                                                const std::string& settings_at, bool limit_deletes) {
  const auto waits = [&](const Error& error) { return Pass{State::waiting, {}, error.message, std::nullopt}; };
  auto old_files = parts_.source.files(record.deployed, settings_.root);
  if (!old_files) return waits(old_files.error());
  auto new_files = parts_.source.files(to, settings_.root);
  if (!new_files) return waits(new_files.error());
  auto old_resources = list_resources(*old_files, settings_.root, settings_.kinds);
  auto new_resources = list_resources(*new_files, settings_.root, settings_.kinds);
  if (!new_resources) {
    return Pass{State::held, std::string(to_string(HeldReason::findings)),
                new_resources.error().message + ". To release: push a commit with one of them removed", std::nullopt};
  }
  // What was deployed once was free of such a clash; adopting a commit that has one leaves both as new.
  if (!old_resources) old_resources = Resources{};
  auto images = parts_.journal.before_images(settings_.name);
  if (!images) return waits(images.error());

  std::vector<Change> changes = list_changes(*old_resources, *new_resources);
  const auto deletes = static_cast<unsigned>(std::count_if(
      changes.begin(), changes.end(), [](const Change& change) { return change.action == Action::remove; }));
  std::map<std::string, const Change*> by_key;
  for (const Change& change : changes) by_key[resource_key(change.resource.arm_path)] = &change;

  std::vector<Step> steps;
  std::vector<std::string> ids;
  for (const Change& change : changes) {
    steps.push_back({change.action, change.resource, {}});
    if (change.action == Action::put) ids.push_back(change.resource.id);
  }
  for (const BeforeImage& image : *images) {
    const std::string key = resource_key(image.resource.arm_path);
    if (by_key.contains(key)) continue;
    if (const auto wanted = new_resources->find(key); wanted != new_resources->end()) {
      steps.push_back({Action::put, wanted->second, {}});
      ids.push_back(wanted->second.id);
    } else if (image.existed) {
      steps.push_back({Action::put, image.resource, image.value});
    } else {
      steps.push_back({Action::remove, image.resource, {}});
    }
  }
  auto texts = parts_.source.contents(ids);
  if (!texts) return waits(texts.error());
  for (Step& step : steps) {
    if (step.action == Action::put && !step.resource.id.empty()) step.text = (*texts)[step.resource.id];
  }

  std::vector<Step> judged;
  for (const Step& step : steps)
    if (step.action == Action::put && !step.resource.id.empty()) judged.push_back(step);
  auto findings = parts_.judge(judged, {record.deployed, to, settings_at});
  if (!findings) return waits(findings.error());
  if (!findings->empty()) {
    const policy::Finding& first = findings->front();
    return Pass{State::held, std::string(to_string(HeldReason::findings)),
                fmt::format("{}:{}:{}: error: {} [{}]{}. The hook should have refused this; to release: push a fix",
                            printable(first.path), first.line, first.column, printable(first.message, 400), first.rule,
                            findings->size() > 1 ? fmt::format(" and {} more", findings->size() - 1) : ""),
                std::nullopt};
  }
  Plan plan = make_plan(settings_.name, settings_.service, record.deployed, to, std::move(steps));
  if (limit_deletes && deletes > settings_.max_deletes) {
    std::string names;
    for (const Step& step : plan.steps) {
      if (step.action != Action::remove || names.size() > 400) continue;
      names += (names.empty() ? "" : ", ") + printable(step.resource.arm_path);
    }
    return Pass{
        State::held, std::string(to_string(HeldReason::deletes)),
        fmt::format("{}..{} deletes {} of the resources deployed ({}), and max_deletes is {}. To release: push "
                    "a commit that brings them back, raise max_deletes of this environment after a review, or "
                    "postern-deploy adopt --environment {} --commit {} once they are removed by hand",
                    brief(record.deployed), brief(to), deletes, names, settings_.max_deletes, settings_.name, to),
        std::nullopt};
  }
  return plan;
}

Environment::Prepared Environment::prepare(const EnvironmentRecord& record, const std::string& tip) {
  const auto waits = [&](const Error& error) { return Pass{State::waiting, {}, error.message, std::nullopt}; };
  if (auto fetched = parts_.source.fetch(settings_.ref, tip); !fetched) return waits(fetched.error());
  // Back at L after an interrupted apply: nothing new to judge, only what was touched to put right.
  if (tip == record.deployed) return prepare_plan(record, tip, record.deployed, true);
  std::string settings_at;
  auto held = judge_range(record, tip, settings_at);
  if (!held) return waits(held.error());
  if (*held) {
    const MonoTime now = parts_.clock.mono();
    if (seen_tip_ != tip) {
      seen_tip_ = tip;
      seen_at_ = now;
    }
    // The ref moves a moment before the gateway has recorded it.
    if ((*held)->reason == HeldReason::gap && now - seen_at_ < gap_grace_) {
      return Pass{State::waiting, {}, fmt::format("the record of the push to {} is not there yet", brief(tip)), 500ms};
    }
    return Pass{State::held, std::string(to_string((*held)->reason)), (*held)->message, std::nullopt};
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

// True when the journal's L belongs to what the configuration says now.
static bool is_same_place(const EnvironmentRecord& record, const EnvironmentSettings& settings) {
  return record.repository == settings.repository && record.ref == settings.ref &&
         same_text(record.service, settings.service) && !record.deployed.empty();
}

static Pass not_adopted(const EnvironmentSettings& settings, const std::optional<EnvironmentRecord>& record) {
  return {State::held, std::string(to_string(HeldReason::not_adopted)),
          record ? fmt::format("{} was adopted for {} {} at {}; the configuration now says otherwise. To release: "
                               "postern-deploy adopt --environment {}",
                               settings.name, record->repository, record->ref, record->service, settings.name)
                 : fmt::format("nothing deploys to {} before a person says which commit its service holds. To release: "
                               "postern-deploy adopt --environment {}",
                               settings.name, settings.name),
          std::nullopt};
}

std::variant<Plan, Pass> Environment::preview() {
  auto record = parts_.journal.environment(settings_.name);
  if (!record) return Pass{State::waiting, {}, record.error().message, std::nullopt};
  if (!*record || !is_same_place(**record, settings_)) return not_adopted(settings_, *record);
  auto tip = parts_.source.tip(settings_.ref);
  if (!tip) return Pass{State::waiting, {}, tip.error().message, std::nullopt};
  if (!*tip) return Pass{State::held, "not-descendant", fmt::format("{} is gone", settings_.ref), std::nullopt};
  gap_grace_ = 0ms;
  return prepare(**record, **tip);
}

Pass Environment::reconcile() {
  auto found = parts_.journal.environment(settings_.name);
  if (!found) return wait_unrecorded(found.error().message);
  if (!*found || !is_same_place(**found, settings_)) return not_adopted(settings_, *found);
  const EnvironmentRecord& record = **found;
  const MonoTime now = parts_.clock.mono();
  const bool asked = record.asked != waiting_asked_;
  if (now < throttled_until_ && !asked) {
    return {State::waiting, {}, record.message, std::chrono::ceil<std::chrono::milliseconds>(throttled_until_ - now)};
  }
  if (!record.undo.empty() || !record.rollback_to.empty()) {
    if (now < not_before_ && !asked) {
      return {State::waiting, {}, record.message, std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now)};
    }
    return record.undo.empty() ? roll_back(record) : take_back(record);
  }
  if (record.pinned) return {State::pinned, {}, record.message, std::nullopt};

  auto tip = parts_.source.tip(settings_.ref);
  if (!tip) return wait(record, record.tip, tip.error().message);
  if (!*tip) {
    return hold(record, "", HeldReason::not_descendant,
                fmt::format("{} is gone. To release: push the ref again, from {} on", settings_.ref, record.deployed));
  }
  const std::string& commit = **tip;
  // Attack 21: what failed here is not tried again by itself.
  if (!record.failed.empty() && commit == record.failed) {
    return {State::held, record.reason, record.message, std::nullopt};
  }
  if (now < not_before_ && commit == waiting_tip_ && !asked) {
    return {State::waiting, {}, record.message, std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now)};
  }
  auto images = parts_.journal.before_images(settings_.name);
  if (!images) return wait_unrecorded(images.error().message);
  if (commit == record.deployed && images->empty()) {
    failures_ = 0;
    if (record.state != State::healthy && record.state != State::idle) {
      NewState state{State::healthy, {}, fmt::format("{} is deployed", brief(commit)), commit, record.plan};
      if (auto written = parts_.journal.set_state(settings_.name, state, std::nullopt, parts_.clock.wall()); !written) {
        return wait_unrecorded(written.error().message);
      }
      return {State::healthy, {}, state.message, std::nullopt};
    }
    return {record.state, {}, record.message, std::nullopt};
  }

  Prepared prepared = prepare(record, commit);
  if (const Pass* pass = std::get_if<Pass>(&prepared)) {
    if (pass->state == State::held) {
      for (const HeldReason reason : {HeldReason::gap, HeldReason::not_descendant, HeldReason::approval,
                                      HeldReason::deletes, HeldReason::findings}) {
        if (to_string(reason) == pass->reason) return hold(record, commit, reason, pass->message);
      }
    }
    if (pass->again_in) {  // a short, expected wait: no failure
      NewState state{State::waiting, {}, pass->message, commit, record.plan};
      if (record.message != pass->message || record.state != State::waiting) {
        if (auto written = parts_.journal.set_state(settings_.name, state, std::nullopt, parts_.clock.wall());
            !written) {
          return wait_unrecorded(written.error().message);
        }
      }
      return *pass;
    }
    return wait(record, commit, pass->message);
  }
  const Plan& plan = std::get<Plan>(prepared);
  if (!settings_.apply) {
    const std::string message =
        fmt::format("mode is plan; would apply {} write{} to reach {}: plan {}", plan.steps.size(),
                    plan.steps.size() == 1 ? "" : "s", brief(commit), plan.digest.substr(0, 16));
    const bool news = record.state != State::planned || record.plan != plan.digest;
    if (news) {
      NewState state{State::planned, {}, message, commit, plan.digest};
      auto written = parts_.journal.set_state(
          settings_.name, state, outcome(record, commit, State::planned, "", message, &plan), parts_.clock.wall());
      if (!written) return wait_unrecorded(written.error().message);
    }
    failures_ = 0;
    return {State::planned, {}, message, std::nullopt};
  }
  return carry_out(record, plan, false);
}

// One write: read, compare, journal, write, journal.
std::optional<ArmFailure> Environment::take_step(std::int64_t run, unsigned number, const Step& step,
                                                 Status& journalled) {
  auto stored = parts_.target.read(step.resource);
  if (!stored) return stored.error();
  if (step.action == Action::put) {
    if (*stored && parts_.target.holds(step.resource, **stored, step.text)) return std::nullopt;
  } else if (!*stored) {
    return std::nullopt;
  }
  BeforeImage before{step.resource, stored->has_value(), stored->has_value() ? (*stored)->text : std::string()};
  journalled = parts_.journal.begin_step(run, number, step, settings_.name, before, parts_.clock.wall());
  if (!journalled) return std::nullopt;
  auto done = step.action == Action::put ? parts_.target.put(step.resource, step.text, *stored)
                                         : parts_.target.remove(step.resource, **stored);
  const std::string result = done ? "done" : describe_failure(step, done.error());
  journalled = parts_.journal.end_step(run, number, result, parts_.clock.wall());
  if (!done) return done.error();
  log::info("deploy.step", {{"environment", settings_.name},
                            {"action", to_string(step.action)},
                            {"resource", step.resource.arm_path},
                            {"file", step.resource.file}});
  return std::nullopt;
}

Pass Environment::carry_out(const EnvironmentRecord& record, const Plan& plan, bool pin) {
  const auto now = [&] { return parts_.clock.wall(); };
  const std::string& commit = plan.to;
  NewState applying{State::applying, {}, fmt::format("applying {}", brief(commit)), commit, plan.digest};
  if (auto written = parts_.journal.set_state(settings_.name, applying, std::nullopt, now()); !written) {
    return wait_unrecorded(written.error().message);
  }
  auto run = parts_.journal.begin_run(settings_.name, plan, now());
  if (!run) return wait_unrecorded(run.error().message);
  log::info("deploy.applying", {{"environment", settings_.name}, {"commit", commit}, {"plan", plan.digest}});
  for (unsigned number = 0; number < plan.steps.size(); ++number) {
    const Step& step = plan.steps[number];
    Status journalled;
    auto failure = take_step(*run, number, step, journalled);
    if (!journalled) return wait(record, commit, journalled.error().message);
    if (!failure) continue;
    const std::string message = describe_failure(step, *failure);
    (void)parts_.journal.end_run(*run, message, now());
    if (failure->kind != ArmFailure::Kind::refused) return wait(record, commit, message, failure->retry_after);
    if (pin) return wait(record, commit, message);  // a rollback that is refused stays asked for
    log::error("deploy.failed", {{"environment", settings_.name}, {"commit", commit}, {"message", message}});
    auto begun = parts_.journal.begin_undo(settings_.name, "failed", commit, message,
                                           outcome(record, commit, State::failed, "failed", message, &plan), now());
    if (!begun) return wait_unrecorded(begun.error().message);
    not_before_ = {};
    return reconcile();
  }
  if (parts_.healthy) {
    if (auto sick = parts_.healthy()) {
      // A check that was cut short because the program is to end says nothing about the service.
      if (!parts_.wait(0ms)) return wait(record, commit, "stopped during the health check");
      const std::string message = "health: " + *sick;
      (void)parts_.journal.end_run(*run, message, now());
      if (pin) {
        log::error("deploy.rollback_unhealthy", {{"environment", settings_.name}, {"message", message}});
      } else {
        log::error("deploy.failed", {{"environment", settings_.name}, {"commit", commit}, {"message", message}});
        auto begun = parts_.journal.begin_undo(settings_.name, "health", commit, message,
                                               outcome(record, commit, State::failed, "health", message, &plan), now());
        if (!begun) return wait_unrecorded(begun.error().message);
        not_before_ = {};
        return reconcile();
      }
    }
  }
  (void)parts_.journal.end_run(*run, "done", now());
  const State state = pin ? State::pinned : State::healthy;
  const std::string message =
      pin ? fmt::format("rolled back to {}; moves of {} are ignored until: postern-deploy retry --environment {}",
                        brief(commit), settings_.ref, settings_.name)
          : fmt::format("{} is deployed", brief(commit));
  NewState reached{state, {}, message, commit, plan.digest};
  auto written = parts_.journal.deployed(settings_.name, commit, reached,
                                         outcome(record, commit, state, "", message, &plan), now());
  if (!written) return wait_unrecorded(written.error().message);
  failures_ = 0;
  not_before_ = {};
  log::info("deploy.healthy", {{"environment", settings_.name}, {"commit", commit}, {"previous", record.deployed}});
  return {state, {}, message, std::nullopt};
}

// Back to L: every resource touched since gets what it held before.
Pass Environment::take_back(const EnvironmentRecord& record) {
  auto images = parts_.journal.before_images(settings_.name);
  if (!images) return wait_unrecorded(images.error().message);
  std::vector<Step> steps;
  for (const BeforeImage& image : *images) {
    steps.push_back({image.existed ? Action::put : Action::remove, image.resource, image.value});
  }
  const Plan plan = make_plan(settings_.name, settings_.service, record.failed, record.deployed, std::move(steps));
  auto run = parts_.journal.begin_run(settings_.name, plan, parts_.clock.wall());
  if (!run) return wait_unrecorded(run.error().message);
  for (unsigned number = 0; number < plan.steps.size(); ++number) {
    Status journalled;
    auto failure = take_step(*run, number, plan.steps[number], journalled);
    if (!journalled) return wait_unrecorded(journalled.error().message);
    if (!failure) continue;
    // Not through wait(): the reason of the failure stays the environment's message.
    const auto pause = next_delay(++failures_, failure->retry_after, static_cast<unsigned char>(random_bytes(1)[0]));
    not_before_ = parts_.clock.mono() + pause;
    waiting_asked_ = record.asked;
    const std::string message = describe_failure(plan.steps[number], *failure);
    log::warning("deploy.undo_waiting", {{"environment", settings_.name}, {"reason", message}});
    (void)parts_.journal.end_run(*run, message, parts_.clock.wall());
    return {State::waiting, {}, "taking back " + brief(record.failed) + ": " + message, pause};
  }
  (void)parts_.journal.end_run(*run, "taken back", parts_.clock.wall());
  const std::string message = fmt::format(
      "{}. The service is back at {}. To release: push a commit that fixes it, or postern-deploy retry "
      "--environment {}",
      record.message, brief(record.deployed), settings_.name);
  NewState state{State::held, record.undo, message, record.failed, record.plan};
  auto written = parts_.journal.end_undo(settings_.name, state,
                                         outcome(record, record.failed, State::held, record.undo, message, nullptr),
                                         parts_.clock.wall());
  if (!written) return wait_unrecorded(written.error().message);
  failures_ = 0;
  not_before_ = {};
  return {State::held, record.undo, message, std::nullopt};
}

Pass Environment::roll_back(const EnvironmentRecord& record) {
  // Its commit was fetched when it was deployed; a new machine has to fetch the ref first.
  auto tip = parts_.source.tip(settings_.ref);
  if (!tip) return wait(record, record.tip, tip.error().message);
  if (*tip) {
    if (auto fetched = parts_.source.fetch(settings_.ref, **tip); !fetched) {
      return wait(record, **tip, fetched.error().message);
    }
  }
  Prepared prepared = prepare_plan(record, record.rollback_to, record.rollback_to, false);
  if (const Pass* pass = std::get_if<Pass>(&prepared)) return wait(record, record.rollback_to, pass->message);
  return carry_out(record, std::get<Plan>(prepared), true);
}

}  // namespace postern::deploy
