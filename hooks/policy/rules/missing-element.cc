// Rule missing-element: required child elements are there.
#include <fmt/core.h>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.unsettled || e.place == Place::unknown || e.spec->opaque) continue;
    for (const catalogue::Child& slot : catalogue::children(*e.spec)) {
      if (slot.min_usual == 0 && slot.min == 0) continue;
      unsigned count = 0;
      bool misspelt = false;
      for (std::uint32_t index : s.model.children(e)) {
        if (s.name(s.model[index]) == slot.name) ++count;
        if (s.model[index].fit != Fit::fits &&
            (s.model[index].suggestion == slot.name || s.model[index].suggestion.empty()))
          misspelt = true;
      }
      if (count >= slot.min_usual || misspelt) continue;
      r.add(count < slot.min ? Severity::error : Severity::warning, s.name_range(e),
            fmt::format("<{}> needs the child <{}>", s.name(e), slot.name), fmt::format("add <{}>", slot.name));
    }
  }
}

}  // namespace

extern const Rule k_missing_element;
const Rule k_missing_element = {
    .id = "missing-element",
    .severity = Severity::error,
    .summary = "Required child elements are there.",
    .why =
        "The service refuses an element without a child that its schema requires; where only the reference requires "
        "it, this is a warning.",
    .bad = "<cors allow-credentials=\"false\" />",
    .good =
        "<cors "
        "allow-credentials=\"false\"><allowed-origins><origin>https://a.example</origin></allowed-origins></cors>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
