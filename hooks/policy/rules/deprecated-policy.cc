// Rule deprecated-policy: no policy is used that has been replaced.
#include <fmt/core.h>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements())
    if (e.policy != nullptr && e.policy->deprecated && e.fit == Fit::fits && e.place == Place::policy)
      r.add(s.name_range(e), fmt::format("<{}> has been replaced", s.name(e)), fmt::format("see {}", e.policy->doc));
}

}  // namespace

extern const Rule k_deprecated_policy;
const Rule k_deprecated_policy = {
    .id = "deprecated-policy",
    .severity = Severity::warning,
    .summary = "No policy is used that has been replaced.",
    .why = "Replaced policies still run but get no fixes, and go one day.",
    .bad = "<set-graphql-resolver parent-type=\"Query\" field=\"a\"><http-data-source /></set-graphql-resolver>",
    .good = "a resolver resource with the root http-data-source",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
