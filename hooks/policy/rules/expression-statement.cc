// Rule expression-statement: statements do something, and assignments stand where they may.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-statement"); }

}  // namespace

extern const Rule k_expression_statement;
const Rule k_expression_statement = {
    .id = "expression-statement",
    .severity = Severity::error,
    .summary = "Statements do something, and assignments stand where they may.",
    .why =
        "An expression that does nothing is no C# statement; an assignment where a comparison was meant does not "
        "compile or does not compare.",
    .bad = "<when condition=\"@(context.Response.StatusCode = 200)\" />",
    .good = "<when condition=\"@(context.Response.StatusCode == 200)\" />",
    .check = check,
};

}  // namespace postern::policy
