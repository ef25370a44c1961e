// Rule mismatched-tag: every end tag closes the element that is open there.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "mismatched-tag"); }

}  // namespace

extern const Rule k_mismatched_tag;
const Rule k_mismatched_tag = {
    .id = "mismatched-tag",
    .severity = Severity::error,
    .summary = "Every end tag closes the element that is open there.",
    .why = "An end tag with another name, or one too many, makes the document unreadable for the service.",
    .bad = "<inbound><base /></inbuond>",
    .good = "<inbound><base /></inbound>",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
