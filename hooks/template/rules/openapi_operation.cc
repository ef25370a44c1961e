#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  return tell_openapi_faults(view, reporter, &OpenApi::broken_operations);
}

}  // namespace

const TreeRule kOpenapiOperation{
    {"openapi-operation", policy::Severity::warning,
     "The operations of a specification differ, and have the parameters of their paths.",
     "The service refuses an import with two operations of one signature (paths that differ in the names of their "
     "parameters alone), and wants the parameters of a path and those in its braces to be the same.",
     "/orders/{id}: with get that declares no parameter id",
     "/orders/{id}: with parameters: [{ name: id, in: path, required: true, schema: { type: string } }]"},
    check};

}  // namespace postern::tree
