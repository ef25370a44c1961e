// Rule backend-single-policy: the backend section holds one policy.
#include <fmt/core.h>

#include <span>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

bool is_include(const Subject& s, const ModelElement& e) { return s.name(e) == "include-fragment"; }

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.place != Place::section || e.sections != catalogue::kBackend || e.unsettled || e.child_count < 2) continue;
    const ModelElement* first = nullptr;
    const ModelElement* second = nullptr;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.fit != Fit::fits && !child.guessed) continue;
      // One per field of the schema: the documentation asks for several.
      if (s.name(child) == "set-graphql-resolver") continue;
      if (first == nullptr) {
        first = &child;
        continue;
      }
      if (second == nullptr) second = &child;
      if (is_include(s, *first)) {
        if (is_include(s, child)) continue;
        first = &child;  // what else stands here is counted against it
        continue;
      }
      if (is_include(s, child)) continue;
      r.add(s.name_range(child),
            fmt::format("section backend takes one policy; <{}> is the second, after <{}>", shown(s.name(child)),
                        shown(s.name(*first))),
            "keep one of them; <base /> counts, and a container such as <retry> may hold several");
      second = nullptr;
      break;
    }
    if (second != nullptr)
      r.add(Severity::warning, s.name_range(*second),
            fmt::format("section backend takes one policy; <{}> is the second beside an <include-fragment>",
                        shown(s.name(*second))),
            "the fragment must not bring a policy of its own to the section");
  }
}

}  // namespace

extern const Rule k_backend_single_policy;
const Rule k_backend_single_policy = {
    .id = "backend-single-policy",
    .severity = Severity::error,
    .summary = "The backend section holds one policy.",
    .why =
        "Backend section allows only one policy to be specified, says the service; base counts as one. A container "
        "such as retry or choose may hold several. An included fragment beside the policy is a warning: it depends on "
        "what the fragment holds.",
    .bad = "<backend><base /><forward-request /></backend>",
    .good = "<backend><forward-request /></backend>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
