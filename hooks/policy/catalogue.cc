#include "hooks/policy/catalogue.h"

#include <algorithm>

namespace postern::policy::catalogue {
namespace {

#include "catalogue_tables.inc"

}  // namespace

std::span<const Policy> policies() { return kPolicies; }

const Policy* find_policy(std::string_view name) {
  const auto* it = std::lower_bound(std::begin(kPolicies), std::end(kPolicies), name,
                                    [](const Policy& p, std::string_view n) { return p.name < n; });
  return it != std::end(kPolicies) && it->name == name ? it : nullptr;
}

const Element& element(std::uint16_t index) { return kElements[index]; }
std::span<const Attribute> attributes(const Element& e) { return {kAttributes + e.first_attribute, e.attribute_count}; }
std::span<const Child> children(const Element& e) { return {kChildren + e.first_child, e.child_count}; }
std::span<const Constraint> constraints(const Policy& p) {
  return {kConstraints + p.first_constraint, p.constraint_count};
}
std::span<const std::string_view> values(const Attribute& a) { return {kValues + a.first_value, a.value_count}; }
std::span<const std::string_view> names(const Constraint& c) { return {kValues + c.first_name, c.name_count}; }
std::span<const std::string_view> notes(const Policy& p) { return {kValues + p.first_note, p.note_count}; }

const Attribute* find_attribute(const Element& e, std::string_view name) {
  for (const Attribute& a : attributes(e))
    if (a.name == name) return &a;
  return nullptr;
}

const Child* find_child(const Element& e, std::string_view name) {
  for (const Child& c : children(e))
    if (c.name == name) return &c;
  return nullptr;
}

std::uint8_t section_bit(std::string_view name) {
  if (name == "inbound") return kInbound;
  if (name == "backend") return kBackend;
  if (name == "outbound") return kOutbound;
  if (name == "on-error") return kOnError;
  return 0;
}

std::string_view section_name(std::uint8_t bit) {
  switch (bit) {
    case kInbound: return "inbound";
    case kBackend: return "backend";
    case kOutbound: return "outbound";
    case kOnError: return "on-error";
    default: return "";
  }
}

std::string_view as_of() { return kAsOf; }

}  // namespace postern::policy::catalogue
