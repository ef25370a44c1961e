// Rule xml-syntax: outside of expressions the document is well-formed XML.
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) { report_faults(s, r, "xml-syntax"); }

}  // namespace

extern const Rule k_xml_syntax;
const Rule k_xml_syntax = {
    .id = "xml-syntax",
    .severity = Severity::error,
    .summary = "Outside of expressions the document is well-formed XML.",
    .why =
        "The service reads the document as XML once its expressions are set aside; what is not well-formed cannot be "
        "saved.",
    .bad = "<set-header name=\"X-A exists-action=\"override\" />",
    .good = "<set-header name=\"X-A\" exists-action=\"override\" />",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
