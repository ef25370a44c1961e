#include "hooks/template/specification.h"

#include <algorithm>
#include <array>

#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

constexpr std::array<std::string_view, 8> kMethods = {"get",     "put",  "post",  "delete",
                                                      "options", "head", "patch", "trace"};

OpenApi::Shape shape_of(const json::Value& value) {
  if (value.is_null()) return OpenApi::Shape::nothing;
  if (value.as_object() != nullptr) return OpenApi::Shape::object;
  return value.as_array() != nullptr ? OpenApi::Shape::list : OpenApi::Shape::scalar;
}

}  // namespace

std::optional<OpenApi> read_openapi_json(std::string_view text) {
  const Result<json::Value> root = parse_artifact(text);
  if (!root) return std::nullopt;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  OpenApi out;
  out.shape = shape_of(*root);
  if (root->as_object() == nullptr) return out;
  for (const auto& [name, value] : *root->as_object()) {
    const LineColumn at = line_column(text, value.span.begin);
    out.members.emplace(name, OpenApi::Member{shape_of(value), value.as_string() ? *value.as_string() : std::string(),
                                              at.line, at.column});
  }
  const json::Value* paths = root->find("paths");
  if (paths == nullptr || paths->as_object() == nullptr) return out;
  for (const auto& [path, item] : *paths->as_object()) {
    if (item.as_object() == nullptr) continue;
    if (item.find("$ref") != nullptr) out.complete = false;
    for (const auto& [method, operation] : *item.as_object()) {
      if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) continue;
      if (const std::string* id = operation.find_string("operationId")) {
        out.operation_ids.insert(*id);
      } else {
        out.complete = false;
      }
    }
  }
  return out;
}

}  // namespace postern::tree
