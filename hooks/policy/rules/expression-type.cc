// Rule expression-type: expressions use no type or keyword that the service forbids.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-type"); }

}  // namespace

extern const Rule k_expression_type;
const Rule k_expression_type = {
    .id = "expression-type",
    .severity = Severity::error,
    .summary = "Expressions use no type or keyword that the service forbids.",
    .why = "Expressions run in a sandbox: dynamic, await, reflection, files and network are refused.",
    .bad = "<set-variable name=\"a\" value=\"@(System.Environment.MachineName)\" />",
    .good = "<set-variable name=\"a\" value=\"@(context.Deployment.Region)\" />",
    .check = check,
};

}  // namespace postern::policy
