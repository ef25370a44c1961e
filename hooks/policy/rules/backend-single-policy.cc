// Rule backend-single-policy: the backend section holds one policy.
#include <fmt/core.h>

#include <span>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.place != Place::section || e.sections != catalogue::kBackend || e.unsettled || e.child_count < 2) continue;
    const ModelElement* first = nullptr;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.fit != Fit::fits && !child.guessed) continue;
      if (first == nullptr) {
        first = &child;
        continue;
      }
      r.add(s.name_range(child),
            fmt::format("section backend takes one policy; <{}> is the second, after <{}>", shown(s.name(child)),
                        shown(s.name(*first))),
            "keep one of them; <base /> counts, and a container such as <retry> may hold several");
      break;
    }
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
        "such as retry or choose may hold several.",
    .bad = "<backend><base /><forward-request /></backend>",
    .good = "<backend><forward-request /></backend>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
