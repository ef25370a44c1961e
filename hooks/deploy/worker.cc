#include "hooks/deploy/worker.h"

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/log.h"
#include "hooks/deploy/backoff.h"

namespace postern::deploy {

using namespace std::chrono_literals;

void work(Environment& environment, Journal& journal, Nudge& nudge, Stop& stop, std::chrono::milliseconds poll) {
  std::int64_t asked = -1;
  std::string said;
  while (!stop.requested()) {
    if (auto record = journal.environment(environment.settings().name); record && *record) asked = (*record)->asked;
    const Pass pass = environment.reconcile();
    if (pass.state == State::held && pass.reason == "not-adopted" && said != pass.message) {
      said = pass.message;
      log::warning("deploy.held",
                   {{"environment", environment.settings().name}, {"reason", pass.reason}, {"message", pass.message}});
    }
    const auto pause = pass.again_in ? std::min(*pass.again_in, poll) : poll;
    const auto end = std::chrono::steady_clock::now() + pause;
    while (!stop.requested()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= 0ms || nudge.take(std::min<std::chrono::milliseconds>(left, 500ms))) break;
      // adopt, retry and rollback are commands of another process: the journal is where they are heard.
      auto record = journal.environment(environment.settings().name);
      if (record && (*record ? (*record)->asked : -1) != asked) break;
    }
  }
}

void listen(PushRecords& records, const EnvironmentSettings& settings, Nudge& nudge, Stop& stop) {
  std::int64_t after = 0;
  bool caught_up = false;
  unsigned failures = 0;
  while (!stop.requested()) {
    auto page = records.moves(settings.repository, settings.ref, after, caught_up ? 30s : 0s);
    if (!page) {
      if (++failures == 1) {
        log::warning("deploy.no_nudges", {{"environment", settings.name}, {"error", page.error().message}});
      }
      const auto pause =
          next_delay(std::min(failures, 6U), std::nullopt, static_cast<unsigned char>(random_bytes(1)[0]));
      if (!stop.sleep(pause)) return;
      continue;
    }
    if (failures > 0) nudge.give();  // something may have happened meanwhile
    failures = 0;
    if (!page->moves.empty() && caught_up) nudge.give();
    caught_up = caught_up || !page->more;
    after = std::max(after, page->next);
    if (page->moves.empty() && caught_up && !stop.sleep(20ms)) return;  // an answer that comes at once must not spin
  }
}

std::size_t report_once(PushRecords& records, Journal& journal) {
  auto items = journal.unacknowledged(50);
  if (!items) {
    log::error("deploy.journal", {{"error", items.error().message}});
    return 1;
  }
  std::size_t left = items->size();
  for (const OutboxItem& item : *items) {
    auto told = records.report(item.body);
    if (!told && told.error().code == ErrorCode::conflict) {
      log::error("deploy.report_conflict", {{"id", item.id}, {"error", told.error().message}});
    } else if (!told) {
      log::warning("deploy.report_waiting", {{"id", item.id}, {"error", told.error().message}});
      // One that is refused must not keep the others; a gateway that is down keeps all.
      if (told.error().code == ErrorCode::invalid_input) continue;
      return left;
    }
    if (journal.acknowledge(item.id)) --left;
  }
  return left;
}

void report(PushRecords& records, Journal& journal, Stop& stop) {
  unsigned failures = 0;
  while (!stop.requested()) {
    failures = report_once(records, journal) == 0 ? 0 : std::min(failures + 1, 6U);
    const auto pause =
        failures == 0 ? 500ms : next_delay(failures, std::nullopt, static_cast<unsigned char>(random_bytes(1)[0]));
    if (!stop.sleep(pause)) return;
  }
}

}  // namespace postern::deploy
