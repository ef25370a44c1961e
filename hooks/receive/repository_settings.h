// What a repository says about the judgement of its own templates, within what the platform lets it
// (docs/configuration.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/decision.h"
#include "hooks/policy/baseline.h"
#include "hooks/policy/check.h"
#include "hooks/policy/settings.h"
#include "hooks/repo/file_source.h"
#include "hooks/repo/pushed_tree.h"

namespace postern::receive {

inline constexpr std::size_t kSettingsMaxBytes = std::size_t{1} << 20;  // of the settings file

// Value.
struct RepositorySettings {
  policy::RuleLevels severity;            // for every path that the repository's settings do not name
  std::vector<std::string> may_suppress;  // rules whose findings a comment or the baseline may take away
  policy::Baseline baseline;

  // The levels for one file, its path relative to the root of the repository.
  policy::RuleLevels levels_for(std::string_view path) const;
  bool may_relax(std::string_view rule) const;

  policy::Settings repository;
  policy::RuleLevels platform;
};

// "postern-baseline.json" beside the settings.
std::string baseline_path(const access::Templates& templates);

// The settings that stand in `files` (null: only the platform speaks), `where` for messages. invalid_input: a file is
// there and cannot be understood.
Result<RepositorySettings> settings_in(const repo::FileSource* files, const std::string& where,
                                       const access::Templates& templates);

// The settings in force for a ref whose commit was `old` before the push (the default branch's tip for a created one;
// nullopt: there was nothing, so only the platform speaks). Never reads what is being pushed. invalid_input: a file is
// there and cannot be understood.
Result<RepositorySettings> settings_before(const repo::PushedTree& tree, const std::optional<repo::ObjectId>& old,
                                           const access::Templates& templates);

}  // namespace postern::receive
