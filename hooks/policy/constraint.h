// Walks the catalogue's constraints over the document.
#pragma once

#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {

// Calls `judge(element, constraint)` for every element that a constraint of its policy is about.
template <class Judge>
void for_each_constraint(const Subject& s, Judge judge) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy == nullptr || e.spec == nullptr || e.guessed) continue;
    for (const catalogue::Constraint& c : catalogue::constraints(*e.policy)) {
      std::vector<const ModelElement*> found = {&e};
      std::string_view path = c.element;
      while (!path.empty() && !found.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view step = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        std::vector<const ModelElement*> next;
        for (const ModelElement* one : found)
          for (std::uint32_t index : s.model.children(*one))
            if (s.name(s.model[index]) == step) next.push_back(&s.model[index]);
        found = std::move(next);
      }
      for (const ModelElement* one : found) judge(*one, c);
    }
  }
}

}  // namespace postern::policy
