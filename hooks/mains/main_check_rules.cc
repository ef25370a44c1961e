#include "hooks/mains/main_check_rules.h"

#include <fmt/core.h>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "hooks/policy/catalogue.h"
#include "hooks/policy/rules.h"

namespace postern::check {
namespace {

std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out + "\n";
}

}  // namespace

std::vector<report::RuleInfo> rule_infos() {
  std::vector<report::RuleInfo> out;
  for (const policy::Rule* rule : policy::rules()) out.push_back({rule->id, rule->severity, rule->summary, rule->why});
  return out;
}

std::string list_of_rules(bool as_json) {
  if (as_json) {
    json::Array list;
    for (const policy::Rule* rule : policy::rules())
      list.emplace_back(json::Object{{"id", json::Value(rule->id)},
                                     {"severity", json::Value(to_string(rule->severity))},
                                     {"summary", json::Value(rule->summary)}});
    return json::dump_pretty(json::Value(std::move(list)));
  }
  std::string out;
  for (const policy::Rule* rule : policy::rules())
    out += fmt::format("{:<24} {:<8} {}\n", rule->id, to_string(rule->severity), rule->summary);
  return out;
}

std::optional<std::string> explanation(std::string_view id) {
  const policy::Rule* rule = policy::find_rule(id);
  if (rule == nullptr) return std::nullopt;
  std::string out = fmt::format("{} ({})\n\n{}\n{}\n\nbad:\n{}\ngood:\n{}\n", rule->id, to_string(rule->severity),
                                rule->summary, rule->why, indented(rule->bad), indented(rule->good));
  if (!rule->syntax)
    out += fmt::format(
        "to accept it in one place, with an end date and a reason:\n    <!-- postern-allow {} until 2027-12-31: why "
        "-->\n",
        rule->id);
  out += fmt::format(
      "to release it at once, everywhere (platform team, [[templates]] in postern.toml):\n    severity = {{ \"{}\" = "
      "\"off\" }}\n",
      rule->id);
  return out;
}

std::string rules_page() {
  std::string out =
      "# Rules\n\nMade by `postern-check`; a test keeps this page equal to the program. **error**: the service refuses "
      "it, or the "
      "organisation demands it. **warning**: the service takes it, but it does not do what it seems to. A rule that is "
      "an error "
      "may say a warning where the sources about the service disagree.\n\n| rule | severity | what it asks "
      "|\n|---|---|---|\n";
  for (const policy::Rule* rule : policy::rules())
    out += fmt::format("| [{}](#{}) | {} | {} |\n", rule->id, rule->id, to_string(rule->severity), rule->summary);
  for (const policy::Rule* rule : policy::rules())
    out += fmt::format("\n## {}\n\n{} {}\n\nBad:\n\n```xml\n{}\n```\n\nGood:\n\n```xml\n{}\n```\n", rule->id,
                       rule->summary, rule->why, rule->bad, rule->good);
  return out;
}

policy::Scope scope_of_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  const std::size_t n = parts.size();
  if (n < 3 || parts[n - 1] != "policy.xml") return policy::Scope::unknown;
  const std::string_view kind = parts[n - 3];
  const bool in_api = n >= 5 && parts[n - 5] == "apis";
  if (kind == "operations" && in_api) return policy::Scope::operation;
  if (kind == "resolvers" && in_api) return policy::Scope::resolver;
  if (kind == "apis") return policy::Scope::api;
  if (kind == "products") return policy::Scope::product;
  if (kind == "workspaces") return policy::Scope::workspace;
  if (kind == "policy fragments" || kind == "policyFragments") return policy::Scope::fragment;
  return policy::Scope::unknown;
}

Status read_settings(const std::optional<std::string>& file, const std::optional<std::string>&, policy::CheckOptions&) {
  if (file) return fail(ErrorCode::unsupported, "--settings is not read yet");
  return {};
}

}  // namespace postern::check
