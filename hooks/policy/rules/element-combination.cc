// Rule element-combination: child elements that exclude or demand one another do so.
#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/constraint.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/suggest.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

using catalogue::Constraint;
using catalogue::ConstraintKind;

void judge(const Subject& s, Reporter& r, const ModelElement& e, const Constraint& c) {
  const std::span<const std::string_view> names = catalogue::names(c);
  const Severity severity = c.error ? Severity::error : Severity::warning;
  if (e.unsettled) return;
  unsigned count = 0;
  unsigned kinds = 0;
  bool misspelt = false;
  const ModelElement* second = nullptr;
  for (std::string_view name : names) {
    bool any = false;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.fit != Fit::fits && (child.suggestion == name || child.suggestion.empty())) misspelt = true;
      if (s.name(child) != name) continue;
      any = true;
      if (++count == 2) second = &child;
    }
    kinds += any;
  }
  const std::vector<std::string_view> list(names.begin(), names.end());
  switch (c.kind) {
    case ConstraintKind::exactly_one_child:
      if (count > 1 && second != nullptr)
        r.add(severity, s.name_range(*second), fmt::format("<{}> takes only one of {}", s.name(e), any_of(list)),
              "keep one of them");
      [[fallthrough]];
    case ConstraintKind::at_least_one_child:
      // Where the entry already demands the child, missing-element tells it.
      if (list.size() == 1 && e.spec != nullptr && catalogue::find_child(*e.spec, list[0]) != nullptr &&
          catalogue::find_child(*e.spec, list[0])->min_usual > 0)
        return;
      if (count == 0 && !misspelt)
        r.add(severity, s.name_range(e),
              list.size() == 1 ? fmt::format("<{}> needs the child <{}>", s.name(e), list[0])
                               : fmt::format("<{}> needs a child {}", s.name(e), any_of(list)));
      return;
    case ConstraintKind::at_least_one_child_or_text:
      if (count == 0 && !e.has_text && e.child_count == 0)
        r.add(severity, s.name_range(e), fmt::format("<{}> needs the child {}", s.name(e), any_of(list)));
      return;
    case ConstraintKind::requires_child_unless_value: {
      const Attribute* a = s.document.attribute(s.node(e), c.attribute);
      if (s.node(e).attributes_unsure) return;
      // A misspelt attribute or value is told as such.
      for (const Attribute& there : s.document.attributes(s.node(e)))
        if (a == nullptr && catalogue::find_attribute(*e.spec, s.document.name(there)) == nullptr &&
            is_alike(s.document.name(there), c.attribute))
          return;
      if (const catalogue::Attribute* spec = catalogue::find_attribute(*e.spec, c.attribute);
          a != nullptr && spec != nullptr && !s.document.is_expression(*a) &&
          !judge_value(*spec, s.document.decoded(a->value)).what.empty())
        return;
      if (a != nullptr &&
          (s.document.is_expression(*a) || s.document.has_placeholder(*a) || s.document.value(*a) == c.value))
        return;
      if (kinds >= names.size() || misspelt) return;
      for (std::string_view name : names) {
        bool there = false;
        for (std::uint32_t index : s.model.children(e)) there |= s.name(s.model[index]) == name;
        if (there) continue;
        r.add(severity, s.name_range(e),
              fmt::format("<{}> needs the child <{}> unless {}=\"{}\"", s.name(e), name, c.attribute, c.value),
              fmt::format("add <{}>", name));
      }
      return;
    }
    case ConstraintKind::excludes_text: break;  // the cors rule
    default: break;
  }
}

void check(const Subject& s, Reporter& r) {
  for_each_constraint(s, [&](const ModelElement& e, const Constraint& c) { judge(s, r, e, c); });
}

}  // namespace

extern const Rule k_element_combination;
const Rule k_element_combination = {
    .id = "element-combination",
    .severity = Severity::error,
    .summary = "Child elements that exclude or demand one another do so.",
    .why = "A choose without a when, a header to be set without a value: the service refuses it, or it has no effect.",
    .bad = "<choose><otherwise /></choose>",
    .good = "<choose><when condition=\"@(true)\" /></choose>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
