#include <fmt/core.h>

#include "gateway/base/encoding.h"
#include "hooks/template/specification.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::specification) continue;
    const std::string name = ascii_lower(file.path);
    if (!name.ends_with(".yaml") && !name.ends_with(".yml")) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (const auto fault = find_yaml_fault(*text)) {
      reporter.add_at(file.path, fault->line, fault->column, "not YAML: " + fault->message);
    } else if (const auto repeat = find_yaml_repeat(*text)) {
      reporter.add_at(file.path, repeat->line, repeat->column,
                      fmt::format("the key '{}' stands a second time in this mapping", printable(repeat->message, 80)),
                      "keep one of them; readers refuse the second, or forget the first", policy::Severity::warning);
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactYaml{
    {"artifact-yaml", policy::Severity::error, "A specification in YAML parses.",
     "The import of an API fails on a specification that cannot be read, and the API keeps its old operations.",
     "paths:\n  /orders: [", "paths:\n  /orders: {}"},
    check};

}  // namespace postern::tree
