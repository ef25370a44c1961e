#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  return tell_openapi_faults(view, reporter, &OpenApi::lost_references);
}

}  // namespace

const TreeRule kOpenapiReference{
    {"openapi-reference", policy::Severity::warning, "What a specification refers to in itself is there.",
     "The import of a specification resolves every $ref; one that leads nowhere fails it, or leaves an operation "
     "without its schema. References to other files are not looked at: the service takes none.",
     "$ref: '#/components/schemas/Oder' where the schema is named Order", "$ref: '#/components/schemas/Order'"},
    check};

}  // namespace postern::tree
