// <!-- postern-allow RULE[, RULE] until YYYY-MM-DD: reason -->
// accepts the findings of those rules in the next element and all that is in it. Without an end date or a reason it has
// no effect, and neither has one that is out of date or not allowed: each of these is a finding of rule "suppression".
#pragma once

#include <span>
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

// A rule over the whole tree (hooks/template), which a comment may name as well. `in_documents`: it has findings there.
struct TreeRuleName {
  std::string_view id;
  bool in_documents = false;
};
std::span<const TreeRuleName> tree_rule_names();

// Value: one of a rule over the tree, in force. It covers [begin, end); `whole`: that is the root element, and with it
// what is said of the document as such, at its first line.
struct TreeSuppression {
  std::string rule;
  Position begin;
  Position end;
  bool whole = false;
};
// Those of a document, under `may_suppress` and `today` of the options. What is wrong with a comment is told by
// check_policy().
std::vector<TreeSuppression> read_tree_suppressions(std::string_view text, const CheckOptions& options);
bool covers(const TreeSuppression& suppression, const Finding& finding);

// Reads the comments of the document; what is wrong with them goes to `reporter`.
std::vector<Suppression> read_suppressions(const Subject& subject, Reporter& reporter);

}  // namespace postern::policy
