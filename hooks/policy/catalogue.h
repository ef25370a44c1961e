// What Azure API Management accepts in a policy document: schema/policies.json as constant tables, made at build time
// by generate_catalogue.cc. Nothing is read or initialised when a program starts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace postern::policy::catalogue {

enum class Type : std::uint8_t {
  string,
  boolean,
  enumeration,
  integer,
  int32,
  int64,
  unsigned32,
  positive,
  number,
  uri,
  datetime
};
enum class Need : std::uint8_t { no, warning, error };  // what leaving it out is
enum class Expressions : std::uint8_t {
  yes,
  unknown,
  discouraged,
  no
};  // unknown: silence; discouraged: warning; no: error
enum class Text : std::uint8_t { none, optional, required, nonempty };

struct Attribute {
  std::string_view name;
  Type type = Type::string;
  bool value_error = true;  // a value of the wrong type is refused; false: the sources disagree, so it is a warning
  Need need = Need::no;
  Expressions expressions = Expressions::unknown;
  std::uint16_t first_value = 0;  // into values(), for an enumeration
  std::uint16_t value_count = 0;
  bool has_min = false;
  bool has_max = false;
  double min = 0;
  double max = 0;
  bool min_length = false;  // must not be empty
  std::string_view unit;
};

inline constexpr std::uint16_t kNone = 0xffff;
inline constexpr std::uint16_t kUnbounded = 0xffff;

struct Child {
  std::string_view name;
  std::uint16_t element = kNone;  // into elements()
  bool policy = false;            // a policy of its own, judged by its own entry
  std::uint16_t min = 0;          // fewer is an error
  std::uint16_t min_usual = 0;    // fewer is a warning
  std::uint16_t max = kUnbounded;
  std::uint16_t max_usual = kUnbounded;
};

struct Element {
  std::string_view name;
  std::uint16_t first_attribute = 0;
  std::uint16_t attribute_count = 0;
  std::uint16_t first_child = 0;
  std::uint16_t child_count = 0;
  bool sequence = false;       // children stand in the order of the table
  bool sequence_error = true;  // false: another order is a warning
  Text text = Text::none;
  bool text_expressions = true;
  bool mixed = false;   // text may stand among children
  bool opaque = false;  // what is inside is not judged
  bool nested = false;  // holds policies of the surrounding section
};

enum Section : std::uint8_t { kInbound = 1, kBackend = 2, kOutbound = 4, kOnError = 8, kAllSections = 15 };

enum class ConstraintKind : std::uint8_t {
  exactly_one_attribute,
  at_least_one_attribute,
  at_most_one_attribute,
  together,
  excludes,
  requires_attributes,
  requires_if_value,
  only_with_value,
  literal_int_in,
  exactly_one_child,
  at_least_one_child,
  at_least_one_child_or_text,
  requires_child_unless_value,
  excludes_text,
  unique_in_document,
};

struct Constraint {
  ConstraintKind kind = ConstraintKind::exactly_one_attribute;
  bool error = true;
  std::string_view element;    // path of a child, empty: the policy itself
  std::string_view attribute;  // the one that the rule is about, where there is one
  std::string_view value;
  std::string_view other;
  std::string_view text;
  std::uint16_t first_name = 0;  // into values(): the attributes or children
  std::uint16_t name_count = 0;
};

struct Policy {
  std::string_view name;
  std::string_view category;
  std::string_view doc;
  std::uint16_t element = 0;
  std::uint8_t sections = 0;            // where the reference allows it
  std::uint8_t sections_tolerated = 0;  // where another source allows it, too: a warning at most
  bool sections_known = true;
  std::uint16_t scopes = 0;  // bits of policy::Scope
  bool scopes_known = true;
  bool scope_error = false;   // false: a warning
  std::uint8_t gateways = 0;  // classic 1, v2 2, consumption 4, self-hosted 8, workspace 16; 0: not known
  bool once_per_section = false;
  bool deprecated = false;
  bool documented = true;
  bool preview = false;
  bool document_root = false;
  std::uint16_t first_constraint = 0;
  std::uint16_t constraint_count = 0;
  std::uint16_t first_note = 0;  // into values()
  std::uint16_t note_count = 0;
};

std::span<const Policy> policies();  // sorted by name
const Policy* find_policy(std::string_view name);

const Element& element(std::uint16_t index);
std::span<const Attribute> attributes(const Element& element);
std::span<const Child> children(const Element& element);
std::span<const Constraint> constraints(const Policy& policy);
std::span<const std::string_view> values(const Attribute& attribute);
std::span<const std::string_view> names(const Constraint& constraint);
std::span<const std::string_view> notes(const Policy& policy);

const Attribute* find_attribute(const Element& element, std::string_view name);
const Child* find_child(const Element& element, std::string_view name);

// The bit of a section element's name, 0 when it is none.
std::uint8_t section_bit(std::string_view name);
std::string_view section_name(std::uint8_t bit);
// The date of the facts, YYYY-MM-DD.
std::string_view as_of();

}  // namespace postern::policy::catalogue
