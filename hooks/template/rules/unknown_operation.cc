#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

constexpr std::array<std::string_view, 8> kMethods = {"get",     "put",  "post",  "delete",
                                                      "options", "head", "patch", "trace"};

std::optional<OperationIds> json_operation_ids(std::string_view text) {
  const Result<json::Value> root = parse_artifact(text);
  if (!root) return std::nullopt;
  const json::Value* paths = root->find("paths");
  if (paths == nullptr || paths->as_object() == nullptr) return std::nullopt;
  OperationIds out;
  for (const auto& [path, item] : *paths->as_object()) {
    if (item.as_object() == nullptr) continue;
    for (const auto& [method, operation] : *item.as_object()) {
      if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) continue;
      if (const std::string* id = operation.find_string("operationId")) {
        out.ids.insert(*id);
      } else {
        out.complete = false;
      }
    }
  }
  return out;
}

// APIM makes a resource name of an operationId: what a name cannot hold becomes a dash.
std::string folded(std::string_view id) {
  std::string out;
  for (const char c : ascii_lower(id)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) out += c;
  }
  return out;
}

Status check(TreeView& view, TreeReporter& reporter) {
  std::map<std::string, std::optional<std::set<std::string>>> known;  // API folder -> folded ids
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::policy || file.artifact.scope != policy::Scope::operation) continue;
    const std::string api = file.path.substr(0, file.path.rfind("/operations/"));
    if (!known.contains(api)) {
      std::optional<std::set<std::string>>& ids = known[api];
      for (const char* name : {"/specification.json", "/specification.yaml", "/specification.yml"}) {
        const Result<bool> there = view.exists(api + name);
        if (!there) return fail(there.error());
        if (!*there) continue;
        const Result<std::string_view> text = view.text(api + name);
        if (!text) return fail(text.error());
        const auto found =
            std::string_view(name).ends_with("json") ? json_operation_ids(*text) : yaml_operation_ids(*text);
        // Operations without an id get one from the import; nothing can be said then.
        if (!found || !found->complete || found->ids.empty()) break;
        ids.emplace();
        for (const std::string& id : found->ids) ids->insert(folded(id));
        break;
      }
    }
    const auto& ids = known[api];
    const std::string& operation = file.artifact.resource.back().name;
    if (!ids || ids->contains(folded(operation))) continue;
    reporter.add_at(file.path, 1, 1,
                    fmt::format("no operation of the API's specification is named '{}'", printable(operation, 100)),
                    "rename the folder to an operationId of the specification, or add the operation");
  }
  return {};
}

}  // namespace

const TreeRule kUnknownOperation{
    {"unknown-operation", policy::Severity::warning, "an operation's policy names an operation of the specification",
     "ARM refuses a policy of an operation that the API does not have.", "apis/orders/operations/getOrdres/policy.xml",
     "apis/orders/operations/getOrders/policy.xml"},
    check};

}  // namespace postern::tree
