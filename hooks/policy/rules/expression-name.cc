// Rule expression-name: names are declared once and before they are used.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_expressions(s, r, "expression-name"); }

}  // namespace

extern const Rule k_expression_name;
const Rule k_expression_name = {
    .id = "expression-name",
    .severity = Severity::error,
    .summary = "Names are declared once, and before they are used.",
    .why =
        "The service compiles every expression when the policy is saved, and a name that nothing declares does not "
        "compile.",
    .bad = "<set-variable name=\"a\" value=\"@{ var id = 1; return idd; }\" />",
    .good = "<set-variable name=\"a\" value=\"@{ var id = 1; return id; }\" />",
    .check = check,
};

}  // namespace postern::policy
