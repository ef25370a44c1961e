// Rule unreachable-policy: nothing stands behind what ends the section.
#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

// Which elements end the processing of their section, by index; children come after their parents, so one walk from
// the end knows them all.
std::vector<bool> endings(const Subject& s) {
  const auto& elements = s.model.elements();
  std::vector<bool> ends(elements.size(), false);
  const auto any_child = [&](const ModelElement& e) {
    const auto children = s.model.children(e);
    return std::any_of(children.begin(), children.end(), [&](std::uint32_t child) { return ends[child]; });
  };
  for (std::size_t i = elements.size(); i-- > 0;) {
    const ModelElement& e = elements[i];
    if (e.unsettled || e.guessed) continue;
    const std::string_view name = s.name(e);
    if (e.place == Place::part) {
      ends[i] = (name == "when" || name == "otherwise") && any_child(e);
    } else if (e.place == Place::policy && (name == "return-response" || name == "mock-response")) {
      // mock-response has an undocumented switch.
      ends[i] = s.document.attribute(s.node(e), "enabled") == nullptr;
    } else if (e.place == Place::policy && name == "limit-concurrency") {
      ends[i] = any_child(e);
    } else if (e.place == Place::policy && name == "choose" && e.child_count > 0) {
      const auto children = s.model.children(e);
      ends[i] = s.name(s.model[children.back()]) == "otherwise" &&
                std::all_of(children.begin(), children.end(), [&](std::uint32_t child) { return ends[child]; });
    }
  }
  return ends;
}

void check(const Subject& s, Reporter& r) {
  const std::vector<bool> ends = endings(s);
  for (const ModelElement& e : s.model.elements()) {
    if (e.unsettled || e.child_count < 2 || (e.place != Place::section && !(e.spec != nullptr && e.spec->nested)))
      continue;
    const std::span<const std::uint32_t> children = s.model.children(e);
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
      if (!ends[children[i]]) continue;
      const ModelElement& last = s.model[children[i]];
      const ModelElement& next = s.model[children[i + 1]];
      r.add(s.name_range(next),
            fmt::format("<{}> never runs: {}<{}> on line {} ends the section", shown(s.name(next)),
                        last.child_count > 0 && s.name(last) == "choose" ? "every branch of " : "", s.name(last),
                        s.document.position(s.node(last).range.begin).line),
            fmt::format("move it before <{}>, or remove it", s.name(last)));
      break;
    }
  }
}

}  // namespace

extern const Rule k_unreachable_policy;
const Rule k_unreachable_policy = {
    .id = "unreachable-policy",
    .severity = Severity::warning,
    .summary = "Nothing stands behind what ends the section.",
    .why =
        "return-response and mock-response end the processing of the section, and so does a choose whose every branch "
        "does; what "
        "follows at the same place never runs.",
    .bad = "<inbound><return-response /><set-variable name=\"a\" value=\"b\" /></inbound>",
    .good = "<inbound><set-variable name=\"a\" value=\"b\" /><return-response /></inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
