// Rule certificate-unchecked: checks of certificates and tokens are not switched off.
#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

struct Switch {
  std::string_view policy;
  std::string_view attribute;
  bool off;  // the value that switches the check off
  std::string_view means;
};
constexpr std::array kSwitches = {
    Switch{"validate-client-certificate", "validate-trust", false, "certificates of any issuer pass"},
    Switch{"validate-client-certificate", "validate-not-before", false, "certificates pass before they are valid"},
    Switch{"validate-client-certificate", "validate-not-after", false, "certificates pass after they have ended"},
    Switch{"validate-client-certificate", "ignore-error", true, "calls go on with a certificate that was refused"},
    Switch{"validate-jwt", "require-signed-tokens", false, "anybody can write a token that passes"},
    Switch{"validate-jwt", "require-expiration-time", false, "tokens without an end pass for ever"},
};

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy == nullptr || e.place == Place::payload) continue;
    for (const Switch& one : kSwitches) {
      if (one.policy != s.name(e)) continue;
      const Attribute* a = s.document.attribute(s.node(e), one.attribute);
      if (a == nullptr) continue;
      const std::string_view value = s.document.value(*a);
      if (value != (one.off ? "true" : "false") && value != (one.off ? "1" : "0")) continue;
      r.add(a->whole, fmt::format("with {}=\"{}\" {}", one.attribute, value, one.means),
            "leave the attribute out, or agree on an exception with an end: <!-- postern-allow … -->");
    }
  }
}

}  // namespace

extern const Rule k_certificate_unchecked;
const Rule k_certificate_unchecked = {
    .id = "certificate-unchecked",
    .severity = Severity::warning,
    .summary = "Checks of certificates and tokens are not switched off.",
    .why =
        "These attributes switch off a part of what the policy is there for. That is sometimes needed for a while, and "
        "seldom for ever. For backends: tls-validation-off.",
    .bad = "<validate-client-certificate validate-trust=\"false\" />",
    .good = "<validate-client-certificate validate-revocation=\"true\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
