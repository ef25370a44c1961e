// Rule expression-syntax: an expression is C# that parses.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-syntax"); }

}  // namespace

extern const Rule k_expression_syntax;
const Rule k_expression_syntax = {
    .id = "expression-syntax",
    .severity = Severity::error,
    .summary = "An expression is C# that parses.",
    .why = "The service compiles every expression when the policy is saved; what does not parse is refused.",
    .bad = "<when condition=\"@(context.User.Id == )\" />",
    .good = "<when condition=\"@(context.User.Id == \"1\")\" />",
    .check = check,
};

}  // namespace postern::policy
