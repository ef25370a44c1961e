#include "gateway/base/json.h"

#include <fmt/core.h>

#include <cmath>

#include "gateway/base/encoding.h"

namespace postern::json {
namespace {

// `text` is UTF-8. Runs without an escape go over in one piece.
void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(from, at - from);
    from = at + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out += text.substr(from);
  out += '"';
}

void append(std::string& out, const Value& value, int indent) {
  const auto newline = [&](int level) {
    if (level < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(level) * 2, ' ');
  };
  const int inner = indent < 0 ? -1 : indent + 1;
  if (const auto* flag = value.as_bool()) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = value.as_int()) {
    out += std::to_string(*integer);
  } else if (const auto* real = value.as_double()) {
    out += std::isfinite(*real) ? fmt::format("{}", *real) : "null";
  } else if (const auto* text = value.as_string()) {
    append_quoted(out, *text);
  } else if (const auto* array = value.as_array()) {
    out += '[';
    bool first = true;
    for (const Value& item : *array) {
      if (!first) out += ',';
      first = false;
      newline(inner);
      append(out, item, inner);
    }
    if (!first) newline(indent);
    out += ']';
  } else if (const auto* object = value.as_object()) {
    out += '{';
    bool first = true;
    for (const auto& [name, item] : *object) {
      if (!first) out += ',';
      first = false;
      newline(inner);
      append_quoted(out, name);
      out += indent < 0 ? ":" : ": ";
      append(out, item, inner);
    }
    if (!first) newline(indent);
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

const Value* Value::find(std::string_view name) const {
  if (const Object* object = as_object()) {
    for (const auto& [key, value] : *object) {
      if (key == name) return &value;
    }
  }
  return nullptr;
}

const std::string* Value::find_string(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? nullptr : value->as_string();
}

const std::int64_t* Value::find_int(std::string_view name) const {
  const Value* value = find(name);
  return value == nullptr ? nullptr : value->as_int();
}

Value& Value::set(std::string_view name, Value value) {
  if (is_null()) data_ = Object{};
  Object& object = std::get<Object>(data_);
  for (auto& [key, old] : object) {
    if (key == name) return old = std::move(value);
  }
  object.emplace_back(std::string(name), std::move(value));
  return object.back().second;
}

std::string_view Value::type_name() const {
  if (is_null()) return "null";
  if (as_bool() != nullptr) return "boolean";
  if (as_string() != nullptr) return "string";
  if (as_array() != nullptr) return "array";
  if (as_object() != nullptr) return "object";
  return "number";
}

void append_quoted(std::string& out, std::string_view text) {
  if (is_utf8(text)) return append_escaped(out, text);
  append_escaped(out, as_utf8(text));
}

std::string quote(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void append_dump(std::string& out, const Value& value) { append(out, value, -1); }

std::string dump(const Value& value) {
  std::string out;
  append_dump(out, value);
  return out;
}

std::string dump_pretty(const Value& value) {
  std::string out;
  append(out, value, 0);
  out += '\n';
  return out;
}

}  // namespace postern::json
