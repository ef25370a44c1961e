// What postern-check knows about rules, settings and places.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/policy/check.h"
#include "hooks/report/report.h"

namespace postern::check {

// Every rule, one per line; or a JSON array.
std::string list_of_rules(bool json);
// What --explain prints; nullopt: there is no such rule.
std::optional<std::string> explanation(std::string_view rule);
// docs/rules.md, whole.
std::string rules_page();
std::vector<report::RuleInfo> rule_infos();

// The scope that a path within an apiops layout tells, else unknown.
policy::Scope scope_of_path(std::string_view path);

// Fills `options` from the settings file; without a name, from postern-policy.toml in the root, where there is one.
// bad_usage and invalid_input name file, line and key.
Status read_settings(const std::optional<std::string>& file, const std::optional<std::string>& root,
                     policy::CheckOptions& options);

}  // namespace postern::check
