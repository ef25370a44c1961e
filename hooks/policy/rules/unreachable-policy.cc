// Rule unreachable-policy: nothing stands behind a return-response.
#include <fmt/core.h>

#include <span>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.unsettled || e.child_count < 2 || (e.place != Place::section && !(e.spec != nullptr && e.spec->nested)))
      continue;
    const std::span<const std::uint32_t> children = s.model.children(e);
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
      if (s.name(s.model[children[i]]) != "return-response" || s.model[children[i]].place != Place::policy) continue;
      const ModelElement& next = s.model[children[i + 1]];
      r.add(s.name_range(next),
            fmt::format("<{}> never runs: <return-response> on line {} ends the section", shown(s.name(next)),
                        s.document.position(s.node(s.model[children[i]]).range.begin).line),
            "move it before <return-response>, or remove it");
      break;
    }
  }
}

}  // namespace

extern const Rule k_unreachable_policy;
const Rule k_unreachable_policy = {
    .id = "unreachable-policy",
    .severity = Severity::warning,
    .summary = "Nothing stands behind a return-response.",
    .why = "return-response ends the processing of the section; what follows it at the same place never runs.",
    .bad = "<inbound><return-response /><set-variable name=\"a\" value=\"b\" /></inbound>",
    .good = "<inbound><set-variable name=\"a\" value=\"b\" /><return-response /></inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
