// What a repository says about the judgement of its own templates, within what the platform lets it (CONTRACTS §6).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/access/decision.h"
#include "hooks/policy/check.h"
#include "hooks/repo/pushed_tree.h"

namespace postern::receive {

// Value: the platform's severities over the repository's own, and which suppressions count.
struct RepositorySettings {
  std::map<std::string, policy::RuleLevel, std::less<>> severity;
  std::vector<std::string> may_suppress;
};

// The settings in force for a ref whose commit was `old` before the push (the default branch's tip for a created one;
// nullopt: there was nothing, so only the platform speaks). Never reads what is being pushed.
Result<RepositorySettings> settings_before(const repo::PushedTree& tree, const std::optional<repo::ObjectId>& old,
                                           const access::Templates& templates);

}  // namespace postern::receive
