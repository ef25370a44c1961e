#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::specification) continue;
    if (!file.path.ends_with(".yaml") && !file.path.ends_with(".yml")) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (const auto fault = find_yaml_fault(*text)) {
      reporter.add_at(file.path, fault->line, fault->column, "not YAML: " + fault->message);
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactYaml{
    {"artifact-yaml", policy::Severity::error, "a specification in YAML parses",
     "The import of an API fails on a specification that cannot be read, and the API keeps its old operations.",
     "paths:\n  /orders: [", "paths:\n  /orders: {}"},
    check};

}  // namespace postern::tree
