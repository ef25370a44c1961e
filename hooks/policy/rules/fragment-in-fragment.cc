// Rule fragment-in-fragment: a fragment includes no other fragment.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  if (!s.model.is_fragment()) return;
  for (const ModelElement& e : s.model.elements())
    if (e.place == Place::policy && s.name(e) == "include-fragment")
      r.add(s.name_range(e), "the reference does not allow a fragment inside a fragment",
            "include both in the document that needs them");
}

}  // namespace

extern const Rule k_fragment_in_fragment;
const Rule k_fragment_in_fragment = {
    .id = "fragment-in-fragment",
    .severity = Severity::warning,
    .summary = "A fragment includes no other fragment.",
    .why = "The reference excludes it.",
    .bad = "<fragment><include-fragment fragment-id=\"other\" /></fragment>",
    .good =
        "<policies><inbound><include-fragment fragment-id=\"one\" /><include-fragment fragment-id=\"other\" "
        "/></inbound></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
