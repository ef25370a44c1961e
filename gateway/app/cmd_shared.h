// What the commands of `postern` share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/rules.h"
#include "gateway/config/config.h"

namespace postern::app {

// "postern: <text>" on standard error.
void say_error(std::string_view text);

// The configuration at --config, $POSTERN_CONFIG or the usual place; nullopt when it was refused, all mistakes said.
std::optional<config::Loaded> load_or_say(const std::string& config_option, bool with_warnings = true);
// Its rules; null when they were refused, which load() would have said before.
std::shared_ptr<const access::AccessRules> rules_or_say(const config::Config& config);

// One sentence for each end that has passed: such a rule, or the cut-over, does nothing any more.
std::vector<std::string> lapsed(const config::Config& config, WallTime now);

// `detail` or `title` of a problem document (RFC 9457), else the text itself, fit for a terminal.
std::string problem_detail(std::string_view body);

}  // namespace postern::app
