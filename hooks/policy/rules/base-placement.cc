// Rule base-placement: base stands once, directly in a section.
#include <fmt/core.h>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy != nullptr && e.policy->name == "base" && e.fit == Fit::fits && e.place == Place::policy) {
      const ModelElement& parent = s.model[e.parent];
      if (parent.place == Place::root && s.model.is_fragment())
        r.add(Severity::error, s.name_range(e), "<base> is not allowed in a fragment",
              "remove it; the document that includes the fragment has its own");
      else if (parent.place != Place::section && !(parent.place == Place::root && parent.unsettled))
        r.add(s.name_range(e),
              fmt::format("<base> stands inside <{}>; it belongs directly into a section", s.name(parent)));
    }
    if (e.place != Place::section) continue;
    bool seen = false;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.policy == nullptr || child.policy->name != "base") continue;
      if (seen) {
        r.add(s.name_range(child),
              fmt::format("<base> stands twice in section {}: what is inherited runs twice", s.name(e)),
              "remove one of them");
        break;
      }
      seen = true;
    }
  }
}

}  // namespace

extern const Rule k_base_placement;
const Rule k_base_placement = {
    .id = "base-placement",
    .severity = Severity::warning,
    .summary = "base stands once, directly in a section.",
    .why =
        "It pulls in the policies of the wider scope at that place. In a fragment it is refused; twice in a section it "
        "runs them twice; inside another policy the schema does not know it.",
    .bad = "<fragment><base /></fragment>",
    .good = "<inbound><base /></inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
