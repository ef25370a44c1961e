// Rule wrong-gateway: each policy is supported on the gateways of the service.
#include <fmt/core.h>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  const std::uint8_t here = s.options.guardrails.gateways;
  if (here == 0) return;
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy == nullptr || e.policy->gateways == 0 || e.fit != Fit::fits || e.place == Place::payload) continue;
    const auto without = static_cast<std::uint8_t>(here & ~e.policy->gateways);
    if (without == 0) continue;
    r.add(s.name_range(e),
          fmt::format("<{}> is not supported on the gateway {}; it is on {}", s.name(e), any_of(gateway_names(without)),
                      any_of(gateway_names(e.policy->gateways))),
          e.policy->doc.empty() ? std::string() : fmt::format("see {}", e.policy->doc));
  }
}

}  // namespace

extern const Rule k_wrong_gateway;
const Rule k_wrong_gateway = {
    .id = "wrong-gateway",
    .severity = Severity::warning,
    .summary = "Each policy is supported on the gateways of the service.",
    .why =
        "Tiers and gateways differ in what they support; elsewhere a policy is refused or has no effect. The setting "
        "gateways names those of the service (classic, v2, consumption, self-hosted, workspace). Silent without it.",
    .bad = "<quota-by-key calls=\"10\" renewal-period=\"3600\" counter-key=\"a\" /> with gateways = [\"consumption\"]",
    .good = "<quota-by-key calls=\"10\" renewal-period=\"3600\" counter-key=\"a\" /> with gateways = [\"v2\"]",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
