// Rule wrong-section: each policy stands in a section that takes it.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

std::string sections(std::uint8_t bits) {
  std::vector<std::string_view> names;
  for (std::uint8_t bit : {catalogue::kInbound, catalogue::kBackend, catalogue::kOutbound, catalogue::kOnError})
    if ((bits & bit) != 0) names.push_back(catalogue::section_name(bit));
  return any_of(names);
}

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.place != Place::policy || e.policy == nullptr || e.fit != Fit::fits || !e.policy->sections_known) continue;
    const std::uint8_t allowed = e.policy->sections | e.policy->sections_tolerated;
    if (allowed == 0) {
      r.add(e.sections == 0 ? Severity::warning : Severity::error, s.name_range(e),
            fmt::format("<{}> does not stand in a section of its own; it is part of another element", s.name(e)));
      continue;
    }
    if (e.sections == 0 || (e.policy->sections & e.sections) != 0) continue;
    const std::string_view here = catalogue::section_name(e.sections);
    if ((e.policy->sections_tolerated & e.sections) != 0)
      r.add(Severity::warning, s.name_range(e),
            fmt::format("the reference does not list <{}> for section {}; it lists {}", s.name(e), here,
                        sections(e.policy->sections)));
    else
      r.add(s.name_range(e),
            fmt::format("<{}> is not allowed in section {}; it is allowed in {}", s.name(e), here,
                        sections(e.policy->sections)),
            fmt::format("move it to {}", sections(e.policy->sections)));
  }
}

}  // namespace

extern const Rule k_wrong_section;
const Rule k_wrong_section = {
    .id = "wrong-section",
    .severity = Severity::error,
    .summary = "Each policy stands in a section that takes it.",
    .why = "The service refuses a policy in a section where it cannot run.",
    .bad = "<outbound><rewrite-uri template=\"/a\" /></outbound>",
    .good = "<inbound><rewrite-uri template=\"/a\" /></inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
