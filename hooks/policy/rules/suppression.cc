// Rule suppression: comments that suppress findings are complete, in date and allowed.
#include "hooks/policy/rule.h"

namespace postern::policy {

extern const Rule k_suppression;
const Rule k_suppression = {
    .id = "suppression",
    .severity = Severity::warning,
    .summary = "Comments that suppress findings are complete, in date and allowed.",
    .why =
        "<!-- postern-allow RULE until YYYY-MM-DD: reason --> accepts the findings of a rule in the next element. One "
        "that is misspelt, out of date or not allowed has no effect, and says so here.",
    .bad = "<!-- postern-allow everything -->",
    .good = "<!-- postern-allow value-range until 2030-01-31: the partner asks for 400 seconds -->",
    .check = nullptr,
    .syntax = false,
};

}  // namespace postern::policy
