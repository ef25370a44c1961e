// Rule missing-text: elements that live by their text have some.
#include <fmt/core.h>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.unsettled || e.has_text || s.node(e).attributes_unsure ||
        e.place == Place::unknown || e.place == Place::payload)
      continue;
    if (e.spec->text != catalogue::Text::required && e.spec->text != catalogue::Text::nonempty) continue;
    if (e.spec->mixed || e.spec->opaque || e.child_count > 0) continue;
    const bool empty = s.node(e).content.size() == 0;
    r.add(e.spec->text == catalogue::Text::nonempty && empty ? Severity::error : Severity::warning, s.name_range(e),
          fmt::format("<{}> is empty", s.name(e)), "give it its text, or remove it");
  }
}

}  // namespace

extern const Rule k_missing_text;
const Rule k_missing_text = {
    .id = "missing-text",
    .severity = Severity::warning,
    .summary = "Elements that live by their text have some.",
    .why = "An empty value is saved, but sets, matches or calls nothing.",
    .bad = "<set-url></set-url>",
    .good = "<set-url>https://a.example</set-url>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
