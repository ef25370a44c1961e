// Rule attribute-combination: attributes that exclude or demand one another do so.
#include <fmt/core.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/constraint.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/suggest.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

using catalogue::Constraint;
using catalogue::ConstraintKind;

std::string quoted(std::span<const std::string_view> names) { return any_of({names.begin(), names.end()}); }

void judge(const Subject& s, Reporter& r, const ModelElement& e, const Constraint& c) {
  if (s.node(e).attributes_unsure) return;
  const std::span<const std::string_view> names = catalogue::names(c);
  const Severity severity = c.error ? Severity::error : Severity::warning;
  auto has = [&](std::string_view name) { return s.document.attribute(s.node(e), name) != nullptr; };
  // The literal value; nullopt when absent or not known here.
  auto literal = [&](std::string_view name) -> std::optional<std::string> {
    const Attribute* a = s.document.attribute(s.node(e), name);
    if (a == nullptr || s.document.is_expression(*a) || s.document.has_placeholder(*a)) return std::nullopt;
    return s.document.decoded(a->value);
  };
  unsigned count = 0;
  const Attribute* second = nullptr;
  // A misspelt one is told as such, and not missing as well.
  bool misspelt = false;
  for (std::string_view name : names) {
    if (const Attribute* a = s.document.attribute(s.node(e), name); a != nullptr && ++count == 2) second = a;
    for (const Attribute& there : s.document.attributes(s.node(e)))
      if (e.spec != nullptr && catalogue::find_attribute(*e.spec, s.document.name(there)) == nullptr &&
          is_alike(s.document.name(there), name))
        misspelt = true;
  }
  switch (c.kind) {
    case ConstraintKind::exactly_one_attribute:
      if (count == 0 && !misspelt)
        r.add(severity, s.name_range(e), fmt::format("<{}> needs exactly one of {}", s.name(e), quoted(names)),
              "add one of them");
      [[fallthrough]];
    case ConstraintKind::at_most_one_attribute:
      if (second != nullptr)
        r.add(severity, second->name, fmt::format("<{}> takes only one of {}", s.name(e), quoted(names)),
              "keep one of them");
      return;
    case ConstraintKind::at_least_one_attribute:
      if (count == 0 && !misspelt)
        r.add(severity, s.name_range(e), fmt::format("<{}> needs at least one of {}", s.name(e), quoted(names)),
              "add one of them");
      return;
    case ConstraintKind::together:
      if (count != 0 && count != names.size())
        r.add(severity, s.name_range(e), fmt::format("{} of <{}> go together", quoted(names), s.name(e)),
              "give all of them, or none");
      return;
    case ConstraintKind::excludes:
      if (has(c.attribute) && count > 0)
        r.add(severity, s.document.attribute(s.node(e), c.attribute)->name,
              fmt::format("'{}' of <{}> excludes {}", c.attribute, s.name(e), quoted(names)));
      return;
    case ConstraintKind::requires_attributes:
      if (has(c.attribute) && count < names.size() && !misspelt)
        r.add(severity, s.document.attribute(s.node(e), c.attribute)->name,
              fmt::format("'{}' of <{}> needs {} beside it", c.attribute, s.name(e), quoted(names)));
      return;
    case ConstraintKind::requires_if_value:
      if (literal(c.attribute) == c.value && count < names.size() && !misspelt)
        r.add(severity, s.document.attribute(s.node(e), c.attribute)->value,
              fmt::format("{}=\"{}\" of <{}> needs {}", c.attribute, c.value, s.name(e), quoted(names)));
      return;
    case ConstraintKind::only_with_value: {
      if (!has(c.attribute)) return;
      const std::optional<std::string> other = literal(c.other);
      if ((has(c.other) && !other) || other == c.value) return;
      r.add(severity, s.document.attribute(s.node(e), c.attribute)->name,
            fmt::format("'{}' of <{}> works only with {}=\"{}\"", c.attribute, s.name(e), c.other, c.value));
      return;
    }
    case ConstraintKind::literal_int_in: {
      const std::optional<std::string> value = literal(c.attribute);
      if (!value || value->starts_with("P")) return;
      const std::optional<double> number = number_of(*value);
      if (number && (*number == 0 || *number >= 300)) return;
      r.add(severity, s.document.attribute(s.node(e), c.attribute)->value,
            fmt::format("'{}' of <{}> is 0 or at least 300 seconds", c.attribute, s.name(e)));
      return;
    }
    default: return;
  }
}

void check(const Subject& s, Reporter& r) {
  for_each_constraint(s, [&](const ModelElement& e, const Constraint& c) { judge(s, r, e, c); });
}

}  // namespace

extern const Rule k_attribute_combination;
const Rule k_attribute_combination = {
    .id = "attribute-combination",
    .severity = Severity::error,
    .summary = "Attributes that exclude or demand one another do so.",
    .why =
        "Exactly one of, at least one of, only together with: the service checks these when the policy is saved, or "
        "the policy does not work.",
    .bad = "<set-backend-service base-url=\"https://a.example\" backend-id=\"b\" />",
    .good = "<set-backend-service backend-id=\"b\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
