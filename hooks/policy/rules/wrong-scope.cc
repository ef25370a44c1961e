// Rule wrong-scope: each policy stands at a scope that takes it.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  const Scope scope = s.options.scope;
  if (scope == Scope::unknown || scope == Scope::fragment) return;
  const auto bit = static_cast<std::uint16_t>(1U << static_cast<unsigned>(scope));
  for (const ModelElement& e : s.model.elements()) {
    if (e.place != Place::policy || e.policy == nullptr || e.fit == Fit::outside_section || !e.policy->scopes_known)
      continue;
    if ((e.policy->scopes & bit) != 0 || e.policy->scopes == 0 || scope == Scope::resolver) continue;
    if (e.policy->sections == 0) continue;
    std::vector<std::string_view> names;
    for (Scope one : {Scope::global, Scope::workspace, Scope::product, Scope::api, Scope::operation, Scope::resolver})
      if ((e.policy->scopes & (1U << static_cast<unsigned>(one))) != 0) names.push_back(to_string(one));
    r.add(e.policy->scope_error && scope != Scope::workspace ? Severity::error : Severity::warning, s.name_range(e),
          fmt::format("<{}> is not allowed at scope {}; it is allowed at {}", s.name(e), to_string(scope),
                      any_of(names)));
  }
}

}  // namespace

extern const Rule k_wrong_scope;
const Rule k_wrong_scope = {
    .id = "wrong-scope",
    .severity = Severity::error,
    .summary = "Each policy stands at a scope that takes it.",
    .why =
        "Policy is not allowed in the specified scope, says the service: quota only for products, rate-limit not "
        "globally, and so on.",
    .bad = "<!-- in an API: --> <quota calls=\"10\" renewal-period=\"3600\" />",
    .good = "<!-- in a product: --> <quota calls=\"10\" renewal-period=\"3600\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
