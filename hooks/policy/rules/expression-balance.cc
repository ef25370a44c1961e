// Rule expression-balance: every bracket, string and comment of an expression is closed.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "expression-balance"); }

}  // namespace

extern const Rule k_expression_balance;
const Rule k_expression_balance = {
    .id = "expression-balance",
    .severity = Severity::error,
    .summary = "Every bracket, string and comment of an expression is closed.",
    .why = "The service compiles expressions when the policy is saved; one that never ends is refused.",
    .bad = "<set-variable name=\"id\" value=\"@(context.RequestId.ToString()\" />",
    .good = "<set-variable name=\"id\" value=\"@(context.RequestId.ToString())\" />",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
