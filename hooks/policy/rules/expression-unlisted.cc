// Rule expression-unlisted: types and members are on the list that the service publishes.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-unlisted"); }

}  // namespace

extern const Rule k_expression_unlisted;
const Rule k_expression_unlisted = {
    .id = "expression-unlisted",
    .severity = Severity::warning,
    .summary = "Types and members are on the list that the service publishes.",
    .why = "What is not on it is likely refused; since the list changes, this is a warning.",
    .bad = "<set-variable name=\"a\" value=\"@(System.Globalization.CultureInfo.InvariantCulture.Name)\" />",
    .good = "<set-variable name=\"a\" value=\"@(context.Api.Name)\" />",
    .check = check,
};

}  // namespace postern::policy
