// Rule expression-return: every path through @{ } returns a value.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-return"); }

}  // namespace

extern const Rule k_expression_return;
const Rule k_expression_return = {
    .id = "expression-return",
    .severity = Severity::error,
    .summary = "Every path through @{ } returns a value.",
    .why = "A block of statements is the body of a method; the compiler refuses one that can end without a value.",
    .bad = "<set-variable name=\"a\" value=\"@{ var x = 1; }\" />",
    .good = "<set-variable name=\"a\" value=\"@{ var x = 1; return x; }\" />",
    .check = check,
};

}  // namespace postern::policy
