// Rule expression-operand: operators stand between types that they take.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-operand"); }

}  // namespace

extern const Rule k_expression_operand;
const Rule k_expression_operand = {
    .id = "expression-operand",
    .severity = Severity::error,
    .summary = "Operators stand between types that they take.",
    .why =
        "The service compiles every expression when the policy is saved, and a comparison of a number with a string "
        "does not compile.",
    .bad = "<set-variable name=\"a\" value=\"@(context.Response.StatusCode == &quot;404&quot;)\" />",
    .good = "<set-variable name=\"a\" value=\"@(context.Response.StatusCode == 404)\" />",
    .check = check,
};

}  // namespace postern::policy
