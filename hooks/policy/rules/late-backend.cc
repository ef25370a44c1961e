// Rule late-backend: the backend is chosen before the request is sent.
#include <fmt/core.h>

#include <string_view>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

bool is_sender(const Subject& s, const ModelElement& e) {
  return e.place == Place::policy && s.name(e) == "forward-request";
}

// Every request that goes to the backend has gone before what follows at the same place.
void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.unsettled || e.child_count < 2 || (e.place != Place::section && !(e.spec != nullptr && e.spec->nested)))
      continue;
    // What a retry holds runs again: the next round takes what the last one set.
    bool again = false;
    for (const ModelElement* outer = &e; outer->place == Place::policy || outer->place == Place::part;
         outer = &s.model[outer->parent]) {
      again |= s.name(*outer) == "retry";
      if (outer->parent == kNoElement) break;
    }
    if (again) continue;
    const ModelElement* sender = nullptr;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (sender != nullptr && child.place == Place::policy && s.name(child) == "set-backend-service") {
        r.add(s.name_range(child),
              fmt::format("<set-backend-service> has no effect here: the request went to the backend on line {}",
                          s.document.position(s.node(*sender).range.begin).line),
              "move it before <forward-request>, or into inbound");
        break;
      }
      if (is_sender(s, child)) sender = &child;
    }
  }
}

}  // namespace

extern const Rule k_late_backend;
const Rule k_late_backend = {
    .id = "late-backend",
    .severity = Severity::warning,
    .summary = "The backend is chosen before the request is sent.",
    .why =
        "forward-request sends the request to the backend that is set by then. A set-backend-service behind it at the "
        "same place changes nothing, unless a retry runs both again.",
    .bad =
        "<limit-concurrency key=\"a\" max-count=\"3\"><forward-request /><set-backend-service backend-id=\"b\" "
        "/></limit-concurrency>",
    .good =
        "<limit-concurrency key=\"a\" max-count=\"3\"><set-backend-service backend-id=\"b\" /><forward-request "
        "/></limit-concurrency>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
