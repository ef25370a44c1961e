// JSON values: parsed strictly, written canonically.
//
// The parser refuses what two readers could understand differently: duplicate member names (compared after unescaping),
// lone surrogates, invalid UTF-8, a byte order mark, trailing bytes, and anything deeper or larger than its limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/result.h"

namespace postern::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;  // in the order they were written; names are unique

// Where a value stood in the text it was parsed from: bytes [begin, end). Both 0 when it was made by hand.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Value (copied and compared). Numbers keep what was written: an integer that fits int64 is one, all else is a double.
class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(unsigned value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : data_(value) {}
  Value(std::uint64_t value) : data_(static_cast<std::int64_t>(value)) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(Array value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  // Null unless the value is of that type.
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }
  Array* as_array() { return std::get_if<Array>(&data_); }
  Object* as_object() { return std::get_if<Object>(&data_); }

  // The member of that name; null when there is none or this is no object. Valid while this value is unchanged.
  const Value* find(std::string_view name) const;
  // The string member of that name; null when absent or of another type.
  const std::string* find_string(std::string_view name) const;
  // The integer member of that name; null when absent or of another type.
  const std::int64_t* find_int(std::string_view name) const;
  // Adds or replaces a member; this must be an object or null (which becomes one).
  Value& set(std::string_view name, Value value);

  std::string_view type_name() const;  // "string", "number", … for messages
  Span span;                           // takes no part in comparison
  bool operator==(const Value& other) const { return data_ == other.data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Limits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 64;
  std::size_t values = 100000;
  // Keep members whose name stood before in the same object; find() gives the first. For texts of others that only need
  // to be understood, never for what is signed or decided upon.
  bool repeated_names = false;
};

// One JSON text (RFC 8259). invalid_input names line and column of the fault; limit names the limit.
Result<Value> parse(std::string_view text, const Limits& limits = {});

// One line, no blanks, members in the order of the value, only the escapes that RFC 8259 demands.
std::string dump(const Value& value);
void append_dump(std::string& out, const Value& value);
// Two-space indentation and a final newline, for files that people read.
std::string dump_pretty(const Value& value);
// A quoted JSON string. Invalid UTF-8 becomes U+FFFD.
std::string quote(std::string_view text);
void append_quoted(std::string& out, std::string_view text);

}  // namespace postern::json
