// Rule missing-base: every section inherits from the wider scope.
#include <fmt/core.h>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  const Scope scope = s.options.scope;
  if (scope != Scope::workspace && scope != Scope::product && scope != Scope::api && scope != Scope::operation) return;
  for (const ModelElement& e : s.model.elements()) {
    if (e.place != Place::section || e.unsettled || e.fit != Fit::fits) continue;
    // An own policy in backend takes the place of base: there is room for one.
    if (e.sections == catalogue::kBackend && e.child_count > 0) continue;
    bool base = false;
    for (std::uint32_t index : s.model.children(e))
      base |= s.name(s.model[index]) == "base" || s.model[index].suggestion == "base";
    if (!base)
      r.add(s.name_range(e),
            fmt::format("section {} has no <base />: nothing is inherited from wider scopes", s.name(e)),
            "add <base /> where the inherited policies are to run");
  }
}

}  // namespace

extern const Rule k_missing_base;
const Rule k_missing_base = {
    .id = "missing-base",
    .severity = Severity::warning,
    .summary = "Every section inherits from the wider scope.",
    .why =
        "Without base a section drops everything that wider scopes contribute: authentication, rate limits, logging. "
        "That is legal and seldom meant.",
    .bad = "<!-- in an API: --> <policies><inbound><set-method>GET</set-method></inbound></policies>",
    .good = "<!-- in an API: --> <policies><inbound><base /><set-method>GET</set-method></inbound></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
