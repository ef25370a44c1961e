#include <yaml-cpp/yaml.h>

#include <array>

#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

constexpr std::array kMethods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};

}  // namespace

std::optional<YamlFault> find_yaml_fault(std::string_view text) {
  try {
    YAML::LoadAll(std::string(text));
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    YamlFault out;
    if (fault.mark.line >= 0) out.line = static_cast<unsigned>(fault.mark.line) + 1;
    if (fault.mark.column >= 0) out.column = static_cast<unsigned>(fault.mark.column) + 1;
    out.message = fault.msg;
    return out;
  }
}

std::optional<OperationIds> yaml_operation_ids(std::string_view text) {
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    OperationIds out;
    if (!root.IsMap() || !root["paths"] || !root["paths"].IsMap()) return std::nullopt;
    for (const auto& path : root["paths"]) {
      if (!path.second.IsMap()) continue;
      for (const char* method : kMethods) {
        const YAML::Node operation = path.second[method];
        if (!operation || !operation.IsMap()) continue;
        if (operation["operationId"] && operation["operationId"].IsScalar()) {
          out.ids.insert(operation["operationId"].Scalar());
        } else {
          out.complete = false;
        }
      }
    }
    return out;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  }
}

}  // namespace postern::tree
