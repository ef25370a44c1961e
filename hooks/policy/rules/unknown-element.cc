// Rule unknown-element: every element is one that the service knows at this place.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.fit != Fit::unknown_name || e.parent == kNoElement || (e.parent == 0 && s.model.is_policies())) continue;
    const ModelElement& parent = s.model[e.parent];
    const std::vector<std::string_view> names = s.model.accepted(parent);
    std::string message;
    if (parent.place == Place::section || parent.place == Place::root ||
        (parent.spec != nullptr && parent.spec->nested && parent.spec->child_count == 0))
      message = fmt::format("there is no policy <{}>", shown(s.name(e)));
    else if (names.empty())
      message = fmt::format("<{}> takes no child elements, but holds <{}>", s.name(parent), shown(s.name(e)));
    else
      message = fmt::format("<{}> has no child <{}>; it takes {}", s.name(parent), shown(s.name(e)), any_of(names));
    r.add(s.name_range(e), std::move(message),
          !e.suggestion.empty() ? fmt::format("did you mean <{}>?", e.suggestion)
          : names.size() > 12   ? fmt::format("accepted in <{}>: {}", s.name(parent), any_of(names, 80))
                                : std::string());
  }
}

}  // namespace

extern const Rule k_unknown_element;
const Rule k_unknown_element = {
    .id = "unknown-element",
    .severity = Severity::error,
    .summary = "Every element is one that the service knows at this place.",
    .why = "The schema of the service is strict: an element that it does not declare is refused.",
    .bad = "<set-heder name=\"X-A\"><value>1</value></set-heder>",
    .good = "<set-header name=\"X-A\"><value>1</value></set-header>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
