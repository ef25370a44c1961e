// postern-policy.toml: what a repository says about the judgement of its own templates.
//
//   [severity]
//   missing-base = "error"            # rule = "off" | "advice" | "warning" | "error"
//
//   [[path]]                          # later entries win over earlier ones and over [severity]
//   paths    = ["apis/legacy/**"]     # `*` stays within a segment, `**` crosses
//   severity = { value-range = "off" }
//
// and the guardrails: gateways, allowed_hosts, [[required]], [[forbidden]], [external] (docs/policy-language.md).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/glob.h"
#include "gateway/base/result.h"
#include "hooks/policy/check.h"

namespace postern::policy {

using RuleLevels = std::map<std::string, RuleLevel, std::less<>>;

// Value.
struct Settings {
  struct ForPaths {
    std::vector<Glob> paths;
    RuleLevels severity;
  };
  RuleLevels severity;
  std::vector<ForPaths> for_paths;

  Guardrails guardrails;
  // Names that live outside the tree, as patterns.
  struct External {
    std::vector<std::string> named_values, fragments, backends, certificates, loggers, products, tags;
  } external;

  // The guardrails that speak of one file.
  Guardrails guardrails_for(std::string_view path) const;
  // The levels for one file: its path is relative to the root of the repository.
  RuleLevels levels_for(std::string_view path) const;
};

// Reads the file's text. invalid_input names line and key and what is accepted. `known_rules` are the ids that may
// stand there besides those of rules(); "*" accepts any.
Result<Settings> parse_settings(std::string_view text, const std::vector<std::string_view>& known_rules = {});

// "off", "advice", "warning", "error".
Result<RuleLevel> parse_level(std::string_view text);

// What the repository's settings give under the platform's hand (docs/policy-language.md): tightening always counts,
// loosening only for rules in `may_relax`; what the platform sets itself overrules both.
RuleLevels under_platform(const RuleLevels& repository, const RuleLevels& platform,
                          const std::vector<std::string>& may_relax);

}  // namespace postern::policy
