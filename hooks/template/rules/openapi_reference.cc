#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::specification) continue;
    const Result<const Specification*> specification = view.specification(file.path);
    if (!specification) return fail(specification.error());
    if (!(*specification)->api) continue;
    for (const SpecificationFault& fault : (*specification)->api->lost_references)
      reporter.add_at(file.path, fault.at.line, fault.at.column, fault.message, fault.help);
  }
  return {};
}

}  // namespace

const TreeRule kOpenapiReference{
    {"openapi-reference", policy::Severity::warning, "What a specification refers to in itself is there.",
     "The import of a specification resolves every $ref; one that leads nowhere fails it, or leaves an operation "
     "without its schema. References to other files are not looked at: the service takes none.",
     "$ref: '#/components/schemas/Oder' where the schema is named Order", "$ref: '#/components/schemas/Order'"},
    check};

}  // namespace postern::tree
