// TOML 1.0 as plain values that know the lines they stand on, so that settings can be read without the library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace postern {

// The value types of the specification.
enum class TomlType {
  boolean,
  integer,
  floating,
  string,
  offset_date_time,  // text is its RFC 3339 date-time
  local_date_time,
  local_date,  // text is its RFC 3339 full-date
  local_time,
  array,
  table,
};

struct TomlMember;

// Value (copied, moved). Only what belongs to `type` means something.
struct TomlValue {
  TomlType type = TomlType::table;
  unsigned line = 0;  // 1-based; 0 for the whole document
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<TomlValue> items;     // of an array
  std::vector<TomlMember> members;  // of a table, ordered by key; keys are unique

  bool is(TomlType other) const { return type == other; }
  // Null unless this is a string.
  const std::string* as_string() const { return is(TomlType::string) ? &text : nullptr; }
  // The value under `key`; null when there is none. Valid while this value is unchanged.
  const TomlValue* find(std::string_view key) const;
  std::string_view type_name() const;  // "a string", "a whole number", … for messages
};

struct TomlMember {
  std::string key;
  unsigned line = 0;  // of the key
  TomlValue value;
};

// What is no TOML, and where.
struct TomlFault {
  unsigned line = 0;
  std::string message;  // the library's words, cut to 200 printable characters
};

// One TOML document as a table.
std::expected<TomlValue, TomlFault> parse_toml(std::string_view text);

}  // namespace postern
