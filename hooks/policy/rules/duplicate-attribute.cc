// Rule duplicate-attribute: no attribute stands twice in one tag.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "duplicate-attribute"); }

}  // namespace

extern const Rule k_duplicate_attribute;
const Rule k_duplicate_attribute = {
    .id = "duplicate-attribute",
    .severity = Severity::error,
    .summary = "No attribute stands twice in one tag.",
    .why = "XML does not allow it, and nobody could tell which one counts.",
    .bad = "<set-header name=\"X-A\" name=\"X-B\" />",
    .good = "<set-header name=\"X-A\" />",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
