// Rule misplaced-element: policies stand where their parent takes them.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.fit != Fit::misplaced || e.parent == kNoElement) continue;
    const ModelElement& parent = s.model[e.parent];
    if (s.model.is_fragment() && catalogue::section_bit(s.name(e)) != 0) {
      r.add(s.name_range(e), fmt::format("a fragment holds policies, not the section <{}>", s.name(e)),
            "put what is in it directly into <fragment>");
      continue;
    }
    if (catalogue::section_bit(s.name(e)) != 0) {
      r.add(s.name_range(e),
            fmt::format("section <{}> stands inside <{}>; sections stand directly in <policies>", s.name(e),
                        shown(s.name(parent))),
            fmt::format("close <{}> before it", shown(s.name(parent))));
      continue;
    }
    const std::vector<std::string_view> names = s.model.accepted(parent);
    r.add(s.name_range(e),
          names.empty() ? fmt::format("<{}> cannot stand inside <{}>, which takes no child elements", s.name(e),
                                      shown(s.name(parent)))
                        : fmt::format("<{}> cannot stand inside <{}>; accepted there: {}", s.name(e),
                                      shown(s.name(parent)), any_of(names)),
          fmt::format("move it out of <{}>", shown(s.name(parent))));
  }
}

}  // namespace

extern const Rule k_misplaced_element;
const Rule k_misplaced_element = {
    .id = "misplaced-element",
    .severity = Severity::error,
    .summary = "Policies stand where their parent takes them.",
    .why =
        "Inside most policies only their own children are accepted; inside wait and return-response only a few "
        "policies.",
    .bad = "<return-response><set-variable name=\"a\" value=\"b\" /></return-response>",
    .good = "<set-variable name=\"a\" value=\"b\" />\n<return-response />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
