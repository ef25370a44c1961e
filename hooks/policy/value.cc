#include "hooks/policy/value.h"

#include <fmt/core.h>

#include <cstdlib>
#include <vector>

#include "gateway/base/encoding.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/suggest.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {
namespace {

using catalogue::Type;
using xml::trimmed;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [+-]?[0-9]+ (XML Schema integer)
bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text.empty()) return false;
  for (char c : text)
    if (!is_digit(c)) return false;
  return true;
}

// The integer's digits without sign and leading zeros compare against a bound of the same form.
bool magnitude_above(std::string_view text, std::string_view bound) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  while (text.size() > 1 && text[0] == '0') text.remove_prefix(1);
  return text.size() != bound.size() ? text.size() > bound.size() : text > bound;
}

bool is_number(std::string_view text) {
  if (text == "INF" || text == "-INF" || text == "NaN") return true;
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  std::size_t digits = 0;
  while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (i == from) return false;
  }
  return i == text.size();
}

// -?YYYY-MM-DDThh:mm:ss(.f+)?(Z|±hh:mm)? with fields in range
bool is_datetime(std::string_view text) {
  static constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  if (two(5) < 1 || two(5) > 12 || two(8) < 1 || two(8) > 31 || two(11) > 24 || two(14) > 59 || two(17) > 59)
    return false;
  std::string_view rest = text.substr(kShape.size());
  if (rest.starts_with(".")) {
    std::size_t i = 1;
    while (i < rest.size() && is_digit(rest[i])) ++i;
    if (i == 1) return false;
    rest.remove_prefix(i);
  }
  if (rest.empty() || rest == "Z") return true;
  return rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && is_digit(rest[1]) && is_digit(rest[2]) &&
         rest[3] == ':' && is_digit(rest[4]) && is_digit(rest[5]);
}

}  // namespace

std::string describe_type(const catalogue::Attribute& spec) {
  switch (spec.type) {
    case Type::boolean: return "it takes 'true' or 'false'";
    case Type::enumeration: {
      const auto values = catalogue::values(spec);
      return "it takes " + any_of({values.begin(), values.end()}, 20);
    }
    case Type::integer:
    case Type::int32:
    case Type::int64: return "it takes a whole number";
    case Type::unsigned32: return "it takes a whole number from 0 on";
    case Type::positive: return "it takes a whole number from 1 on";
    case Type::number: return "it takes a number";
    case Type::datetime: return "it takes a time such as 2027-01-31T00:00:00Z";
    case Type::uri: return "it takes a URL such as https://host/path";
    case Type::string: break;
  }
  return "it takes text";
}

std::optional<double> number_of(std::string_view value) {
  const std::string text(trimmed(value));
  if (!is_number(text) || text.size() > 40) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

ValueFault judge_value(const catalogue::Attribute& spec, std::string_view value) {
  const std::string_view text = trimmed(value);
  bool fine = true;
  ValueFault fault;
  switch (spec.type) {
    case Type::string:
      if (spec.min_length && value.empty()) return {"it must not be empty", {}, false};
      return {};
    case Type::boolean: {
      fine = text == "true" || text == "false" || text == "1" || text == "0";
      const std::string lower = ascii_lower(text);
      if (!fine && (lower == "true" || lower == "false")) fault.help = fmt::format("write it in lower case: {}", lower);
      break;
    }
    case Type::enumeration: {
      const auto values = catalogue::values(spec);
      fine = false;
      for (std::string_view one : values) fine |= one == text;
      if (!fine) {
        const std::string_view meant = closest(text, values);
        if (!meant.empty()) fault.help = fmt::format("did you mean '{}'?", meant);
      }
      break;
    }
    case Type::integer: fine = is_integer(text); break;
    case Type::int32:
      fine = is_integer(text) && !magnitude_above(text, text.starts_with("-") ? "2147483648" : "2147483647");
      break;
    case Type::int64:
      fine = is_integer(text) &&
             !magnitude_above(text, text.starts_with("-") ? "9223372036854775808" : "9223372036854775807");
      break;
    case Type::unsigned32:
      fine =
          is_integer(text) && !magnitude_above(text, "4294967295") && (text[0] != '-' || !magnitude_above(text, "0"));
      break;
    case Type::positive: fine = is_integer(text) && text[0] != '-' && magnitude_above(text, "0"); break;
    case Type::number: fine = is_number(text); break;
    case Type::datetime: fine = is_datetime(text); break;
    case Type::uri:
      // The schema has it as text; only what can be no URL at all is told.
      fine = text.find("://") != std::string_view::npos && text.find(' ') == std::string_view::npos;
      fault.mild = true;
      break;
  }
  if (fine) return {};
  fault.what = describe_type(spec);
  return fault;
}

}  // namespace postern::policy
