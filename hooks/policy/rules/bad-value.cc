// Rule bad-value: attribute values have the type that the service expects.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.place == Place::unknown) continue;
    for (const Attribute& a : s.document.attributes(s.node(e))) {
      if (!a.has_value || s.node(e).attributes_unsure) continue;
      const catalogue::Attribute* spec = catalogue::find_attribute(*e.spec, s.document.name(a));
      if (spec == nullptr || s.document.has_placeholder(a) || s.document.is_expression(a)) continue;
      const std::string value = s.document.decoded(a.value);
      const ValueFault fault = judge_value(*spec, value);
      if (fault.what.empty()) continue;
      r.add(spec->value_error && !fault.mild ? Severity::error : Severity::warning,
            a.value.size() == 0 ? a.name : a.value,
            fmt::format("'{}' is no value for '{}' of <{}>; {}", shown(value), spec->name, s.name(e), fault.what),
            fault.help);
    }
  }
}

}  // namespace

extern const Rule k_bad_value;
const Rule k_bad_value = {
    .id = "bad-value",
    .severity = Severity::error,
    .summary = "Attribute values have the type that the service expects.",
    .why =
        "Numbers, booleans and enumerations are checked when the policy is saved. Booleans are true, false, 1 or 0, in "
        "lower case.",
    .bad = "<forward-request timeout=\"soon\" />",
    .good = "<forward-request timeout=\"20\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
