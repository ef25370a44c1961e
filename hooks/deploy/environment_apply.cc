// How an environment does it: write by write, each one journalled before it is made, and back again where it failed.
#include <fmt/core.h>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "hooks/deploy/backoff.h"
#include "hooks/deploy/brief.h"
#include "hooks/deploy/environment.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

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
  const auto undo = [&](const std::string& reason, const std::string& message) {
    log::error("deploy.failed", {{"environment", settings_.name}, {"commit", commit}, {"message", message}});
    auto begun = parts_.journal.begin_undo(settings_.name, reason, commit, message,
                                           outcome(record, commit, State::failed, reason, message, &plan), now());
    if (!begun) return wait_unrecorded(begun.error().message);
    not_before_ = {};
    return reconcile();
  };
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
    return undo("failed", message);
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
        return undo("health", message);
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
