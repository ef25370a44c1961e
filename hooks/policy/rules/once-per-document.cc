// Rule once-per-document: rate-limit and quota stand once in a document.
#include <fmt/core.h>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const catalogue::Policy& policy : catalogue::policies()) {
    bool once = false;
    for (const catalogue::Constraint& c : catalogue::constraints(policy))
      once |= c.kind == catalogue::ConstraintKind::unique_in_document;
    if (!once) continue;
    const ModelElement* first = nullptr;
    for (const ModelElement& e : s.model.elements()) {
      if (e.place != Place::policy || e.policy != &policy || e.fit != Fit::fits) continue;
      if (first == nullptr) {
        first = &e;
        continue;
      }
      // In branches of which one runs, nobody has seen whether the service counts them.
      auto in_branch = [&](const ModelElement& one) {
        for (std::uint32_t up = one.parent; up != kNoElement; up = s.model[up].parent)
          if (s.model[up].slot != nullptr &&
              (s.model[up].slot->name == "when" || s.model[up].slot->name == "otherwise"))
            return true;
        return false;
      };
      r.add(in_branch(e) || in_branch(*first) ? Severity::warning : Severity::error, s.name_range(e),
            fmt::format("<{}> may stand once in a document; the first is on line {}", policy.name,
                        s.document.position(s.node(*first).range.begin).line),
            policy.name == "rate-limit" ? "use <rate-limit-by-key>, which may stand several times"
                                        : "use <quota-by-key>, which may stand several times");
    }
  }
}

}  // namespace

extern const Rule k_once_per_document;
const Rule k_once_per_document = {
    .id = "once-per-document",
    .severity = Severity::error,
    .summary = "rate-limit and quota stand once in a document.",
    .why = "The service counts per document and refuses a second one.",
    .bad =
        "<inbound>\n  <rate-limit calls=\"5\" renewal-period=\"60\" />\n  <rate-limit calls=\"9\" "
        "renewal-period=\"90\" />\n</inbound>",
    .good = "<inbound>\n  <rate-limit calls=\"5\" renewal-period=\"60\" />\n</inbound>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
