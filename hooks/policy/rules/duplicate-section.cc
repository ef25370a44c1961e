// Rule duplicate-section: each section stands at most once.
#include <fmt/core.h>

#include <string>
#include <string_view>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  if (!s.model.is_policies() || s.model.elements().empty()) return;
  const ModelElement* seen[4] = {};
  constexpr std::string_view kNames[] = {"inbound", "backend", "outbound", "on-error"};
  for (std::uint32_t index : s.model.children(s.model[0])) {
    const ModelElement& e = s.model[index];
    for (std::size_t i = 0; i < 4; ++i) {
      if (s.name(e) != kNames[i]) continue;
      if (seen[i] == nullptr) {
        seen[i] = &e;
        continue;
      }
      r.add(s.name_range(e),
            fmt::format("section <{}> stands here for the second time; the first is on line {}", kNames[i],
                        s.document.position(s.node(*seen[i]).range.begin).line),
            "merge the two");
    }
  }
}

}  // namespace

extern const Rule k_duplicate_section;
const Rule k_duplicate_section = {
    .id = "duplicate-section",
    .severity = Severity::error,
    .summary = "Each section stands at most once.",
    .why = "The service refuses a document with two sections of one name.",
    .bad = "<policies><inbound /><inbound /></policies>",
    .good = "<policies><inbound /></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
