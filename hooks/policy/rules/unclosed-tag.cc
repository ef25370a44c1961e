// Rule unclosed-tag: every element is closed.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "unclosed-tag"); }

}  // namespace

extern const Rule k_unclosed_tag;
const Rule k_unclosed_tag = {
    .id = "unclosed-tag",
    .severity = Severity::error,
    .summary = "Every element is closed.",
    .why = "Without its end tag an element swallows what follows, and the service refuses the document.",
    .bad = "<inbound><base />\n<backend><base /></backend>",
    .good = "<inbound><base /></inbound>\n<backend><base /></backend>",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
