// Literal attribute values against the type that the catalogue gives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hooks/policy/catalogue.h"

namespace postern::policy {

// Value. `what` says what is expected, empty when the value is fine.
struct ValueFault {
  std::string what;
  std::string help;
  bool mild = false;  // a warning whatever the catalogue says
};

// `value` is decoded and holds neither expression nor placeholder. XML Schema's lexical rules, white space around
// aside.
ValueFault judge_value(const catalogue::Attribute& spec, std::string_view value);

// "it takes a whole number", "it takes 'a' or 'b'".
std::string describe_type(const catalogue::Attribute& spec);

// A number in XML Schema's spelling, white space around it aside.
std::optional<double> number_of(std::string_view value);

}  // namespace postern::policy
