// <!-- postern-allow RULE[, RULE] until YYYY-MM-DD: reason -->
// accepts the findings of those rules in the next element and all that is in it. Without an end date or a reason it has
// no effect, and neither has one that is out of date or not allowed: each of these is a finding of rule "suppression".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/rule.h"

namespace postern::policy {

// Value: one that is in force.
struct Suppression {
  std::string_view rule;
  Range covers;
};

// Reads the comments of the document; what is wrong with them goes to `reporter`.
std::vector<Suppression> read_suppressions(const Subject& subject, Reporter& reporter);

}  // namespace postern::policy
