// What operators read: one line per event on standard error.
//
// A line is `2026-11-22T14:03:07.123Z info gate.refused request=… reason=…`: time, level, event, fields in the order
// given. Values are made printable; there is no way to hand a Secret in. Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace postern::log {

enum class Level { debug, info, warning, error };

// Value: a name and its printed form.
struct Field {
  Field(std::string_view name_, std::string_view value_) : name(name_), value(value_) {}
  Field(std::string_view name_, const std::string& value_) : name(name_), value(value_) {}
  Field(std::string_view name_, const char* value_) : name(name_), value(value_) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view name_, T value_) : name(name_), value(std::to_string(value_)) {}
  std::string_view name;
  std::string value;
};

using Fields = std::initializer_list<Field>;

// The least level that is written; info at start. `POSTERN_LOG=debug` in the environment is read by the mains.
void set_level(Level level);
bool set_level(std::string_view name);  // false: not a level (debug, info, warning, error)

void write(Level level, std::string_view event, Fields fields = {});
inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

}  // namespace postern::log
