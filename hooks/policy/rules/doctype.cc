// Rule doctype: there is no DOCTYPE.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "doctype"); }

}  // namespace

extern const Rule k_doctype;
const Rule k_doctype = {
    .id = "doctype",
    .severity = Severity::error,
    .summary = "There is no DOCTYPE.",
    .why = "The service does not process document type declarations; one that declares entities is refused.",
    .bad = "<!DOCTYPE policies [<!ENTITY x \"y\">]>\n<policies />",
    .good = "<policies />",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
