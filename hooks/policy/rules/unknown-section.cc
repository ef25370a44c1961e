// Rule unknown-section: policies holds inbound, backend, outbound and on-error.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.parent != 0 || !s.model.is_policies() || e.fit == Fit::fits) continue;
    if (e.fit == Fit::outside_section)
      r.add(s.name_range(e),
            fmt::format("<{}> stands outside of a section; it must be in inbound, backend, outbound or on-error",
                        shown(s.name(e))),
            "move it into the section where it is to run");
    else if (e.fit == Fit::unknown_name)
      r.add(s.name_range(e),
            fmt::format("<{}> is not a section; the sections are 'inbound', 'backend', 'outbound' and 'on-error'",
                        shown(s.name(e))),
            e.suggestion.empty() ? std::string() : fmt::format("did you mean <{}>?", e.suggestion));
  }
}

}  // namespace

extern const Rule k_unknown_section;
const Rule k_unknown_section = {
    .id = "unknown-section",
    .severity = Severity::error,
    .summary = "policies holds inbound, backend, outbound and on-error.",
    .why = "Any other element at the top is refused: Policy section is not allowed in the specified scope.",
    .bad = "<policies><inbuond><base /></inbuond></policies>",
    .good = "<policies><inbound><base /></inbound></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
