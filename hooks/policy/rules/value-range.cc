// Rule value-range: numbers are within the documented range.
#include <fmt/core.h>

#include <optional>
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
      const catalogue::Attribute* spec = catalogue::find_attribute(*e.spec, s.document.name(a));
      if (spec == nullptr || (!spec->has_min && !spec->has_max) || !a.has_value) continue;
      if (s.document.has_placeholder(a) || s.document.is_expression(a)) continue;
      const std::optional<double> number = number_of(s.document.decoded(a.value));
      if (!number) continue;
      if (!judge_value(*spec, s.document.decoded(a.value)).what.empty()) continue;
      const std::string unit = spec->unit.empty() ? std::string() : fmt::format(" {}", spec->unit);
      if (spec->has_max && *number > spec->max)
        r.add(a.value, fmt::format("'{}' of <{}> is {}; the most is {}{}", spec->name, s.name(e), s.document.value(a),
                                   spec->max, unit));
      else if (spec->has_min && *number < spec->min)
        r.add(a.value, fmt::format("'{}' of <{}> is {}; the least is {}{}", spec->name, s.name(e), s.document.value(a),
                                   spec->min, unit));
    }
  }
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
