#include "gateway/store/store.h"

#include <array>
#include <future>

namespace postern::store {
namespace {

constexpr std::array kOutcomes = {
    std::pair{Outcome::accepted, std::string_view("accepted")},
    std::pair{Outcome::refused, std::string_view("refused")},
    std::pair{Outcome::failed, std::string_view("failed")},
    std::pair{Outcome::unknown, std::string_view("unknown")},
};

// Runs `start` with a callback and waits for what it is told.
template <class T, class Start>
Result<T> wait_for(Start start) {
  auto answer = std::make_shared<std::promise<Result<T>>>();
  auto future = answer->get_future();
  start([answer](Result<T> result) { answer->set_value(std::move(result)); });
  return future.get();
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  for (const auto& [value, name] : kOutcomes) {
    if (value == outcome) return name;
  }
  return "";
}

std::optional<Outcome> parse_outcome(std::string_view text) {
  for (const auto& [value, name] : kOutcomes) {
    if (name == text) return value;
  }
  return std::nullopt;
}

Result<Seq> AuditLog::append_and_wait(audit::AuditEntry entry) {
  return wait_for<Seq>([&](auto done) { append(std::move(entry), done); });
}

Result<Seq> PushLog::begin_push_and_wait(PushIntent intent) {
  return wait_for<Seq>([&](auto done) { begin_push(std::move(intent), done); });
}

Result<Settled> PushLog::settle_push_and_wait(PushOutcome outcome) {
  return wait_for<Settled>([&](auto done) { settle_push(std::move(outcome), done); });
}

Result<Settled> PushLog::record_direct_and_wait(PushOutcome write, bool link) {
  return wait_for<Settled>([&](auto done) { record_direct(std::move(write), link, done); });
}

Result<Settled> DeploymentLog::record_deployment_and_wait(Deployment deployment, audit::AuditEntry entry) {
  return wait_for<Settled>([&](auto done) { record_deployment(std::move(deployment), std::move(entry), done); });
}

}  // namespace postern::store
