// Rule expression-not-allowed: expressions stand only where the service evaluates them.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/attributes.h"
#include "hooks/policy/value.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  const std::string help = "write the value itself, or a named value: {{name}}";
  for_each_attribute(s, [&](const ModelElement& e, const Attribute& a, const catalogue::Attribute& entry) {
    if (!s.document.is_expression(a)) return;
    if (entry.expressions == catalogue::Expressions::no)
      r.add(a.value, fmt::format("'{}' of <{}> takes no expression; {}", entry.name, s.name(e), describe_type(entry)),
            help);
    else if (entry.expressions == catalogue::Expressions::discouraged)
      r.add(Severity::warning, a.value,
            fmt::format("the reference says that '{}' of <{}> takes no expression", entry.name, s.name(e)), help);
  });
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.place == Place::unknown) continue;
    if (e.has_text && !e.spec->text_expressions && e.spec->text != catalogue::Text::none && e.first_text != kNoNode &&
        s.document.node(e.first_text).kind == NodeKind::expression)
      r.add(Severity::warning, s.document.node(e.first_text).range,
            fmt::format("the reference does not say that the text of <{}> takes an expression", s.name(e)));
  }
}

}  // namespace

extern const Rule k_expression_not_allowed;
const Rule k_expression_not_allowed = {
    .id = "expression-not-allowed",
    .severity = Severity::error,
    .summary = "Expressions stand only where the service evaluates them.",
    .why =
        "Where the schema demands a number, a boolean or one of a list, an expression is refused; where the reference "
        "alone excludes it, it is taken as plain text.",
    .bad = "<rate-limit calls=\"@(10)\" renewal-period=\"60\" />",
    .good = "<rate-limit-by-key calls=\"@(10)\" renewal-period=\"60\" counter-key=\"@(context.Request.IpAddress)\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
