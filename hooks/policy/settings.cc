#include "hooks/policy/settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "hooks/policy/rules.h"

namespace postern::policy {

RuleLevels Settings::levels_for(std::string_view path) const {
  RuleLevels levels = severity;
  for (const ForPaths& one : for_paths) {
    if (std::none_of(one.paths.begin(), one.paths.end(), [&](const Glob& glob) { return glob.matches(path); }))
      continue;
    for (const auto& [rule, level] : one.severity) levels[rule] = level;
  }
  return levels;
}

Guardrails Settings::guardrails_for(std::string_view path) const {
  Guardrails out = guardrails;
  const auto elsewhere = [&](const PolicyDemand& demand) { return !demand.is_about(path); };
  std::erase_if(out.required, elsewhere);
  std::erase_if(out.forbidden, elsewhere);
  return out;
}

Result<RuleLevel> parse_level(std::string_view text) {
  if (text == "off") return RuleLevel::off;
  if (text == "advice") return RuleLevel::advice;
  if (text == "warning") return RuleLevel::warning;
  if (text == "error") return RuleLevel::error;
  return fail(ErrorCode::invalid_input,
              fmt::format("'{}' is no severity; accepted: off, advice, warning, error", printable(text)));
}

RuleLevels under_platform(const RuleLevels& repository, const RuleLevels& platform,
                          const std::vector<std::string>& may_relax) {
  RuleLevels out = platform;
  for (const auto& [id, level] : repository) {
    if (platform.contains(id)) continue;
    const Rule* rule = find_rule(id);
    // An unknown rule belongs to another part of the program: without its own level, nothing may go below error.
    const Severity own = rule == nullptr ? Severity::error : rule->severity;
    const RuleLevel normal = own == Severity::error     ? RuleLevel::error
                             : own == Severity::warning ? RuleLevel::warning
                                                        : RuleLevel::advice;
    const bool relaxes = level < normal;
    if (relaxes && std::none_of(may_relax.begin(), may_relax.end(),
                                [&](const std::string& one) { return one == id || one == "*"; }))
      continue;
    out[id] = level;
  }
  return out;
}

}  // namespace postern::policy
