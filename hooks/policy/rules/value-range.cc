// Rule value-range: numbers are within the documented range.
#include <fmt/core.h>

#include <optional>
#include <string>

#include "hooks/policy/attributes.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for_each_literal(
      s, [&](const ModelElement& e, const Attribute& a, const catalogue::Attribute& entry, const std::string& value) {
        if (!entry.has_min && !entry.has_max) return;
        const std::optional<double> number = number_of(value);
        if (!number || !judge_value(entry, value).what.empty()) return;
        const std::string unit = entry.unit.empty() ? std::string() : fmt::format(" {}", entry.unit);
        const auto add = [&](std::string_view bound, double limit) {
          r.add(a.value, fmt::format("'{}' of <{}> is {}; the {} is {}{}", entry.name, s.name(e), s.document.value(a),
                                     bound, limit, unit));
        };
        if (entry.has_max && *number > entry.max)
          add("most", entry.max);
        else if (entry.has_min && *number < entry.min)
          add("least", entry.min);
      });
}

}  // namespace

extern const Rule k_value_range;
const Rule k_value_range = {
    .id = "value-range",
    .severity = Severity::warning,
    .summary = "Numbers are within the documented range.",
    .why = "Outside of it the service refuses the value or the policy does not do what it seems to.",
    .bad = "<retry condition=\"@(true)\" count=\"500\" interval=\"1\" />",
    .good = "<retry condition=\"@(true)\" count=\"5\" interval=\"1\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
