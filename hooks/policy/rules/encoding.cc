// Rule encoding: the file is valid UTF-8.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "encoding"); }

}  // namespace

extern const Rule k_encoding;
const Rule k_encoding = {
    .id = "encoding",
    .severity = Severity::error,
    .summary = "The file is valid UTF-8.",
    .why =
        "The management API takes JSON, and JSON is UTF-8. A file in UTF-16 cannot be sent (error); a stray byte of "
        "another encoding arrives as U+FFFD (warning).",
    .bad = "<!-- caf\\xe9 in Latin-1 -->",
    .good = "<!-- café in UTF-8 -->",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
