// Rule too-many-elements: no child element stands more often than it may.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.unsettled || e.spec->opaque || e.child_count < 2) continue;
    for (const catalogue::Child& slot : catalogue::children(*e.spec)) {
      if (slot.max_usual == catalogue::kUnbounded) continue;
      unsigned count = 0;
      for (std::uint32_t index : s.model.children(e)) {
        if (s.name(s.model[index]) != slot.name) continue;
        ++count;
        const bool error = count > slot.max;
        if (!error && count <= slot.max_usual) continue;
        r.add(error ? Severity::error : Severity::warning, s.name_range(s.model[index]),
              fmt::format("<{}> takes <{}> at most {}", s.name(e), slot.name,
                          slot.max_usual == 1 ? std::string("once") : fmt::format("{} times", slot.max_usual)),
              "remove or merge it");
        break;
      }
    }
  }
}

}  // namespace

extern const Rule k_too_many_elements;
const Rule k_too_many_elements = {
    .id = "too-many-elements",
    .severity = Severity::error,
    .summary = "No child element stands more often than it may.",
    .why = "The schema of the service gives each child an upper bound.",
    .bad = "<return-response><set-status code=\"200\" /><set-status code=\"201\" /></return-response>",
    .good = "<return-response><set-status code=\"201\" /></return-response>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
