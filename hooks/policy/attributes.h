// Walks the attributes that the catalogue knows.
#pragma once

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {

// Calls `judge(element, attribute, entry)` for every attribute that stands in the document and in the catalogue.
template <class Judge>
void for_each_attribute(const Subject& s, Judge judge) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.place == Place::unknown) continue;
    for (const Attribute& a : s.document.attributes(s.node(e))) {
      const catalogue::Attribute* entry = catalogue::find_attribute(*e.spec, s.document.name(a));
      if (entry != nullptr && a.has_value) judge(e, a, *entry);
    }
  }
}

// The same for those whose value stands there literally; `value` is decoded.
template <class Judge>
void for_each_literal(const Subject& s, Judge judge) {
  for_each_attribute(s, [&](const ModelElement& e, const Attribute& a, const catalogue::Attribute& entry) {
    if (!s.document.has_placeholder(a) && !s.document.is_expression(a)) judge(e, a, entry, s.document.decoded(a.value));
  });
}

}  // namespace postern::policy
