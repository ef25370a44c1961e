// Rule unknown-attribute: every attribute is one that the element takes.
#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    const std::span<const Attribute> attributes = s.document.attributes(s.node(e));
    const bool bare = (e.place == Place::root && e.policy == nullptr) || e.place == Place::section;
    if (attributes.empty() || e.guessed || (e.spec == nullptr && !bare) || e.place == Place::unknown ||
        e.place == Place::payload)
      continue;
    if (e.spec != nullptr && e.spec->opaque && e.slot != nullptr && !e.slot->policy) continue;
    // Listed at the first that is not known, and once: an element may have a hundred thousand of them.
    std::vector<std::string_view> all;
    std::vector<std::string_view> missing;
    const auto list = [&] {
      if (e.spec == nullptr || !all.empty()) return;
      for (const catalogue::Attribute& known : catalogue::attributes(*e.spec)) {
        all.push_back(known.name);
        if (s.document.attribute(s.node(e), known.name) == nullptr) missing.push_back(known.name);
      }
    };
    for (const Attribute& a : attributes) {
      const std::string_view name = s.document.name(a);
      if (name.starts_with("xmlns") || name.find(':') != std::string_view::npos || is_templated_name(name)) continue;
      if (!a.has_value || (e.spec != nullptr && catalogue::find_attribute(*e.spec, name) != nullptr)) continue;
      if (s.node(e).attributes_unsure) continue;
      // Every policy may carry an id, also where the catalogue forgot it; base is none.
      if (name == "id" && e.policy != nullptr && e.policy->name != "base") continue;
      if (name == "fragment-id" && e.place == Place::root && s.model.is_fragment()) {
        r.add(Severity::warning, a.name,
              "<fragment> takes no attributes, but has 'fragment-id', as some pages write it",
              "remove it: the name of the file is the name of the fragment");
        continue;
      }
      list();
      const std::string_view meant = closest(name, missing);
      r.add(a.name,
            all.empty() ? fmt::format("<{}> takes no attributes, but has '{}'", s.name(e), shown(name))
                        : fmt::format("<{}> has no attribute '{}'; it takes {}", s.name(e), shown(name), any_of(all)),
            meant.empty() ? std::string("remove it") : fmt::format("did you mean '{}'?", meant));
    }
  }
}

}  // namespace

extern const Rule k_unknown_attribute;
const Rule k_unknown_attribute = {
    .id = "unknown-attribute",
    .severity = Severity::error,
    .summary = "Every attribute is one that the element takes.",
    .why = "The schema of the service is strict: an attribute that it does not declare is refused.",
    .bad = "<set-header nam=\"X-A\" exists-action=\"delete\" />",
    .good = "<set-header name=\"X-A\" exists-action=\"delete\" />",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
