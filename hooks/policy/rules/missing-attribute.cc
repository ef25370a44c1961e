// Rule missing-attribute: required attributes are there.
#include <fmt/core.h>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || s.node(e).attributes_unsure || e.place == Place::unknown) continue;
    for (const catalogue::Attribute& a : catalogue::attributes(*e.spec)) {
      if (a.need == catalogue::Need::no || s.document.attribute(s.node(e), a.name) != nullptr) continue;
      // A misspelt attribute is told as such: it is not missing as well.
      bool misspelt = false;
      for (const Attribute& there : s.document.attributes(s.node(e)))
        if (catalogue::find_attribute(*e.spec, s.document.name(there)) == nullptr &&
            is_alike(s.document.name(there), a.name))
          misspelt = true;
      if (misspelt) continue;
      r.add(a.need == catalogue::Need::error ? Severity::error : Severity::warning, s.name_range(e),
            fmt::format("<{}> needs the attribute '{}'", s.name(e), a.name), fmt::format("add {}=\"…\"", a.name));
    }
  }
}

}  // namespace

extern const Rule k_missing_attribute;
const Rule k_missing_attribute = {
    .id = "missing-attribute",
    .severity = Severity::error,
    .summary = "Required attributes are there.",
    .why =
        "The service refuses an element without an attribute that its schema requires; where only the reference "
        "requires it, this is a warning.",
    .bad = "<set-variable value=\"1\" />",
    .good = "<set-variable name=\"n\" value=\"1\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
