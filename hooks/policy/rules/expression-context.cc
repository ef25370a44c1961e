// Rule expression-context: members of context exist.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-context"); }

}  // namespace

extern const Rule k_expression_context;
const Rule k_expression_context = {
    .id = "expression-context",
    .severity = Severity::error,
    .summary = "Members of context exist.",
    .why = "The service binds every member when the policy is saved and refuses those that it does not know.",
    .bad = "<set-variable name=\"a\" value=\"@(context.Request.Ipaddress)\" />",
    .good = "<set-variable name=\"a\" value=\"@(context.Request.IpAddress)\" />",
    .check = check,
};

}  // namespace postern::policy
