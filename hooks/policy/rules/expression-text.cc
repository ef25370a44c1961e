// Rule expression-text: an expression is the whole value.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "expression-text"); }

}  // namespace

extern const Rule k_expression_text;
const Rule k_expression_text = {
    .id = "expression-text",
    .severity = Severity::warning,
    .summary = "An expression is the whole value.",
    .why =
        "Text beside an expression in the same value is not part of the expression; the service does not put the two "
        "together as one might hope.",
    .bad = "<value>@(context.Elapsed.TotalMilliseconds) ms</value>",
    .good = "<value>@(context.Elapsed.TotalMilliseconds + \" ms\")</value>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
