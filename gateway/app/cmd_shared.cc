#include "gateway/app/cmd_shared.h"

#include <fmt/core.h>

#include <cstdio>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"

namespace postern::app {

void say_error(std::string_view text) { fmt::print(stderr, "postern: {}\n", text); }

std::optional<config::Loaded> load_or_say(const std::string& config_option, bool with_warnings) {
  auto loaded = config::load(config::config_path(config_option));
  const auto& warnings = loaded ? loaded->warnings : loaded.error().warnings;
  if (with_warnings) {
    for (const auto& problem : warnings) fmt::print(stderr, "warning: {}\n", problem.text());
  }
  if (!loaded) {
    for (const auto& problem : loaded.error().errors) fmt::print(stderr, "error: {}\n", problem.text());
    return std::nullopt;
  }
  return *std::move(loaded);
}

std::shared_ptr<const access::AccessRules> rules_or_say(const config::Config& config) {
  std::vector<std::string> environments;
  for (const auto& environment : config.environments) environments.push_back(environment.name);
  auto rules = access::AccessRules::make(config.rules, environments);
  if (!rules) {
    say_error(rules.error().message);
    return nullptr;
  }
  return *std::move(rules);
}

std::vector<std::string> lapsed(const config::Config& config, WallTime now) {
  std::vector<std::string> all;
  const auto rules = [&](std::string_view section, const std::vector<access::GrantRule>& list) {
    for (const auto& rule : list) {
      if (!rule.until || *rule.until > now) continue;
      all.push_back(fmt::format("{}:{}: [[{}]] {}: until: has passed ({}): it decides nothing any more",
                                rule.origin.file, rule.origin.line, section, rule.name, to_rfc3339(*rule.until)));
    }
  };
  rules("grant", config.rules.grants);
  rules("deny", config.rules.denies);
  const auto& end = config.upstream.passthrough_until;
  if (!config.upstream.passthrough.empty() && end && *end <= now) {
    all.push_back(fmt::format("{}: [upstream] passthrough_until: has passed ({}): Gogs' own credentials are refused",
                              config.file, to_rfc3339(*end)));
  }
  return all;
}

std::string problem_detail(std::string_view body) {
  const auto document = json::parse(body);
  if (document) {
    for (const std::string_view member : {"detail", "title"}) {
      if (const auto* text = document->find_string(member)) return printable(*text, 4000);
    }
  }
  while (body.ends_with('\n')) body.remove_suffix(1);
  return printable(body, 400);
}

}  // namespace postern::app
