#include "hooks/deploy/environment.h"

#include <fmt/core.h>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "hooks/deploy/backoff.h"
#include "hooks/deploy/brief.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReportedSteps = 300;

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

Pass Environment::reconcile() {
  auto found = parts_.journal.environment(settings_.name);
  if (!found) return wait_unrecorded(found.error().message);
  if (auto pass = not_adopted(*found)) return *std::move(pass);
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

}  // namespace postern::deploy
