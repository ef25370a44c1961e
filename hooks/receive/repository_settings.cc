#include "hooks/receive/repository_settings.h"

namespace postern::receive {

Result<RepositorySettings> settings_before(const repo::PushedTree&, const std::optional<repo::ObjectId>&,
                                           const access::Templates& templates) {
  RepositorySettings settings;
  settings.may_suppress = templates.may_relax;
  for (const auto& [rule, level] : templates.severity) {
    if (level == "error") {
      settings.severity[rule] = policy::RuleLevel::error;
    } else if (level == "warning") {
      settings.severity[rule] = policy::RuleLevel::warning;
    } else if (level == "advice") {
      settings.severity[rule] = policy::RuleLevel::advice;
    } else if (level == "off") {
      settings.severity[rule] = policy::RuleLevel::off;
    } else {
      return fail(ErrorCode::invalid_input,
                  "severity of " + rule + " is '" + level + "'; accepted: error, warning, advice, off");
    }
  }
  return settings;
}

}  // namespace postern::receive
