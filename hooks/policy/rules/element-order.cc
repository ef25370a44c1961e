// Rule element-order: child elements stand in the order of the schema.
#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || !e.spec->sequence || e.unsettled || e.child_count < 2) continue;
    const std::span<const catalogue::Child> slots = catalogue::children(*e.spec);
    const catalogue::Child* last = nullptr;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& child = s.model[index];
      if (child.slot == nullptr || child.fit != Fit::fits) continue;
      if (last != nullptr && child.slot < last) {
        std::vector<std::string_view> order;
        for (const catalogue::Child& slot : slots) order.push_back(slot.name);
        std::string text;
        for (std::string_view name : order) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
        r.add(e.spec->sequence_error ? Severity::error : Severity::warning, s.name_range(child),
              fmt::format("<{}> must stand before <{}> in <{}>", child.slot->name, last->name, s.name(e)),
              fmt::format("the order is: {}", text));
        break;
      }
      last = child.slot;
    }
  }
}

}  // namespace

extern const Rule k_element_order;
const Rule k_element_order = {
    .id = "element-order",
    .severity = Severity::error,
    .summary = "Child elements stand in the order of the schema.",
    .why = "Where the schema is a sequence, the service refuses another order: the element has invalid child element.",
    .bad =
        "<send-request response-variable-name=\"r\">\n  <set-method>GET</set-method>\n  "
        "<set-url>https://a.example</set-url>\n</send-request>",
    .good =
        "<send-request response-variable-name=\"r\">\n  <set-url>https://a.example</set-url>\n  "
        "<set-method>GET</set-method>\n</send-request>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
