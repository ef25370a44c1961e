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
    const Result<const Specification*> specification = view.specification(file.path);
    if (!specification) return fail(specification.error());
    if (const auto& fault = (*specification)->fault) {
      reporter.add_at(file.path, fault->line, fault->column, "not YAML: " + fault->message);
    } else if (const auto& repeat = (*specification)->repeat) {
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
