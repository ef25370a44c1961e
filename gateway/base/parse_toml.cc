#include <fmt/core.h>
#include <toml++/toml.h>

#include <cstdlib>

#include "gateway/base/encoding.h"
#include "gateway/base/toml.h"

namespace postern {
namespace {

std::string full_date(const ::toml::date& date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string date_time(const ::toml::date_time& value) {
  const int minutes = value.offset->minutes;
  return fmt::format("{}T{:02}:{:02}:{:02}.{:03}{}{:02}:{:02}", full_date(value.date), value.time.hour,
                     value.time.minute, value.time.second, value.time.nanosecond / 1000000, minutes < 0 ? '-' : '+',
                     std::abs(minutes) / 60, std::abs(minutes) % 60);
}

unsigned line_of(const ::toml::source_region& region) { return static_cast<unsigned>(region.begin.line); }

// The library itself refuses what is nested deeper than it reads.
TomlValue value_of(const ::toml::node& node) {
  TomlValue value;
  value.line = line_of(node.source());
  switch (node.type()) {
    case ::toml::node_type::table:
      value.type = TomlType::table;
      for (const auto& [key, member] : *node.as_table()) {
        value.members.push_back({std::string(key.str()), line_of(key.source()), value_of(member)});
      }
      break;
    case ::toml::node_type::array:
      value.type = TomlType::array;
      for (const ::toml::node& item : *node.as_array()) value.items.push_back(value_of(item));
      break;
    case ::toml::node_type::string:
      value.type = TomlType::string;
      value.text = node.as_string()->get();
      break;
    case ::toml::node_type::integer:
      value.type = TomlType::integer;
      value.integer = node.as_integer()->get();
      break;
    case ::toml::node_type::boolean:
      value.type = TomlType::boolean;
      value.boolean = node.as_boolean()->get();
      break;
    case ::toml::node_type::date:
      value.type = TomlType::local_date;
      value.text = full_date(node.as_date()->get());
      break;
    case ::toml::node_type::date_time:
      value.type = TomlType::local_date_time;
      if (const ::toml::date_time& moment = node.as_date_time()->get(); moment.offset) {
        value.type = TomlType::offset_date_time;
        value.text = date_time(moment);
      }
      break;
    case ::toml::node_type::time: value.type = TomlType::local_time; break;
    default: value.type = TomlType::floating; break;
  }
  return value;
}

}  // namespace

const TomlValue* TomlValue::find(std::string_view key) const {
  for (const TomlMember& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string_view TomlValue::type_name() const {
  switch (type) {
    case TomlType::boolean: return "true or false";
    case TomlType::integer: return "a whole number";
    case TomlType::floating: return "a number with a fraction";
    case TomlType::string: return "a string";
    case TomlType::local_date:
    case TomlType::offset_date_time:
    case TomlType::local_date_time:
    case TomlType::local_time: return "a date or time";
    case TomlType::array: return "an array";
    case TomlType::table: return "a table";
  }
  return "nothing";
}

std::expected<TomlValue, TomlFault> parse_toml(std::string_view text) {
  try {
    return value_of(::toml::parse(text));
  } catch (const ::toml::parse_error& fault) {
    return std::unexpected(TomlFault{line_of(fault.source()), printable(fault.description(), 200)});
  }
}

}  // namespace postern
