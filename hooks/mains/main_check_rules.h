// What postern-check knows about rules, settings and places.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/policy/check.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/settings.h"
#include "hooks/template/tree.h"

namespace postern::check {

// Every rule, one per line; or a JSON array.
std::string list_of_rules(bool json);
// What --explain prints; nullopt: there is no such rule.
std::optional<std::string> explanation(std::string_view rule);
// docs/rules.md, whole.
std::string rules_page();
// The rules of a document, then those of a tree.
std::vector<const policy::Rule*> all_rules();

// The scope that a path within an apiops layout tells, else unknown. With a root, the layout begins there.
policy::Scope scope_of_path(std::string_view path, const std::optional<std::string>& root);

// The settings of the file; without a name, those of postern-policy.toml in the root (else in the current directory),
// where there is one. bad_usage and invalid_input name file, line and key.
Result<policy::Settings> read_settings(const std::optional<std::string>& file, const std::optional<std::string>& root);

// What no single document shows, over the artifact tree at `root` (--root): files that do not parse, names that lead
// nowhere. `extent` narrows it to what a change could have broken, `before` (may be null) is the tree it changed, from
// the current directory; of `options`, may_suppress and today count.
Result<std::vector<policy::Finding>> check_artifacts(const std::string& root, const tree::Extent& extent,
                                                     const repo::FileSource* before, const policy::Settings& settings,
                                                     const policy::CheckOptions& options, policy::CheckCounts& counts);

}  // namespace postern::check
