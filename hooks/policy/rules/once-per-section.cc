// Rule once-per-section: policies that work once per section stand there once.
#include <fmt/core.h>

#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.unsettled || e.child_count < 2 || e.child_count > 10000) continue;
    if (e.place != Place::section && !(e.spec != nullptr && e.spec->nested)) continue;
    std::vector<const catalogue::Policy*> seen;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.policy == nullptr || !child.policy->once_per_section || child.fit != Fit::fits) continue;
      bool before = false;
      for (const catalogue::Policy* one : seen) before |= one == child.policy;
      if (before)
        r.add(s.name_range(child), fmt::format("<{}> may stand once in a section", child.policy->name),
              "merge the two");
      else
        seen.push_back(child.policy);
    }
  }
}

}  // namespace

extern const Rule k_once_per_section;
const Rule k_once_per_section = {
    .id = "once-per-section",
    .severity = Severity::warning,
    .summary = "Policies that work once per section stand there once.",
    .why = "The reference allows some policies only once in a section; a second one is refused or without effect.",
    .bad =
        "<inbound><cache-lookup vary-by-developer=\"false\" vary-by-developer-groups=\"false\" />\n<cache-lookup "
        "vary-by-developer=\"true\" vary-by-developer-groups=\"false\" /></inbound>",
    .good = "<inbound><cache-lookup vary-by-developer=\"true\" vary-by-developer-groups=\"false\" /></inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
