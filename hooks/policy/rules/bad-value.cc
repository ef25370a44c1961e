// Rule bad-value: attribute values have the type that the service expects.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/attributes.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for_each_literal(
      s, [&](const ModelElement& e, const Attribute& a, const catalogue::Attribute& entry, const std::string& value) {
        if (s.node(e).attributes_unsure) return;
        const ValueFault fault = judge_value(entry, value);
        if (fault.what.empty()) return;
        r.add(entry.value_error && !fault.mild ? Severity::error : Severity::warning,
              a.value.size() == 0 ? a.name : a.value,
              fmt::format("'{}' is no value for '{}' of <{}>; {}", shown(value), entry.name, s.name(e), fault.what),
              fault.help);
      });
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
