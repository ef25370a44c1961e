// Rule forbidden-policy: policies that the organisation forbids are not used.
#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const PolicyDemand& demand : s.options.guardrails.forbidden) {
    // Which scope a document has is not always known; what is forbidden everywhere is forbidden there, too.
    if (!demand.is_about(s.options.scope)) continue;
    for (const ModelElement& e : s.model.elements()) {
      if (e.policy == nullptr || e.place == Place::payload || e.place == Place::unknown) continue;
      if (demand.sections != 0 && (e.sections & demand.sections) == 0) continue;
      if (std::find(demand.policies.begin(), demand.policies.end(), s.name(e)) == demand.policies.end()) continue;
      const std::string where = s.options.scope == Scope::unknown || demand.scopes.empty()
                                    ? std::string()
                                    : fmt::format(" at scope {}", to_string(s.options.scope));
      r.add(s.name_range(e),
            fmt::format("<{}> is forbidden here{}{}", s.name(e), where,
                        demand.why.empty() ? "" : ": " + shown(demand.why, 200)),
            "remove it, or ask who keeps the settings of this repository");
    }
  }
}

}  // namespace

extern const Rule k_forbidden_policy;
const Rule k_forbidden_policy = {
    .id = "forbidden-policy",
    .severity = Severity::error,
    .summary = "Policies that the organisation forbids are not used.",
    .why =
        "[[forbidden]] in the settings names policies, and optionally scopes, sections and paths. Silent without one.",
    .bad = "<trace source=\"orders\"><message>here</message></trace> with [[forbidden]] policies = [\"trace\"]",
    .good = "<!-- no trace -->",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
