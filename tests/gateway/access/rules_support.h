// Rules for tests, written as an operator writes them.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/access/rules.h"
#include "gateway/config/config.h"

namespace postern::access::test {

inline constexpr std::string_view kPreamble = R"([server]
external_url = "https://git.example.com"
[upstream]
url = "http://127.0.0.1:3000"
credentials = ["env:TOKEN"]
[tickets]
signing_keys = ["env:KEY"]
[audit]
signing_keys = ["env:KEY"]
witness = ["syslog:"]
)";

// The rules of a configuration that holds `text` beside what every configuration must hold.
inline std::expected<config::Loaded, config::Mistakes> load(std::string_view text) {
  const config::Files files{
      .read = [&](const std::string&) -> Result<std::string> { return std::string(kPreamble) + std::string(text); },
      .list = [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{}; }};
  return config::load("/etc/postern/postern.toml", files);
}

inline std::shared_ptr<const AccessRules> rules_of(std::string_view text) {
  auto loaded = load(text);
  if (!loaded) throw std::runtime_error(loaded.error().text());
  std::vector<std::string> environments;
  for (const auto& environment : loaded->config.environments) environments.push_back(environment.name);
  auto rules = AccessRules::make(std::move(loaded->config.rules), environments);
  if (!rules) throw std::runtime_error(rules.error().message);
  return *std::move(rules);
}

// An issuer and three identities that most tests are about.
inline constexpr std::string_view kPeople = R"(
[[issuer]]
name = "idp"
issuer = "https://idp.example.com"
audiences = ["postern"]
[[identity]]
name = "alice"
kind = "human"
issuer = "idp"
match = { oid = "a1" }
clients = ["cli"]
gogs_user = "Alice"
[[identity]]
name = "sync"
kind = "workload"
issuer = "idp"
match = { oid = "s1", idtyp = "app" }
[[identity]]
name = "bot"
kind = "agent"
issuer = "idp"
match = { oid = "b1" }
sponsor = "alice"
[[group]]
name = "team"
members = ["alice"]
claims = [{ issuer = "idp", claim = "groups", value = "g1" }]
)";

inline std::shared_ptr<const AccessRules> people_with(std::string_view rules) {
  return rules_of(std::string(kPeople) + std::string(rules));
}

inline identity::Identity somebody(std::string name, std::vector<std::string> groups = {}) {
  identity::Identity identity;
  identity.name = std::move(name);
  identity.issuer = "idp";
  identity.groups = std::move(groups);
  return identity;
}

inline git::RepoPath repo(std::string_view text) { return *git::RepoPath::parse(text); }
inline const WallTime kNow = *parse_rfc3339("2026-06-01T12:00:00Z");

inline identity::VerifiedToken token(json::Value claims, std::string client = "cli", std::string issuer = "idp") {
  identity::VerifiedToken made;
  made.issuer_name = std::move(issuer);
  if (const auto* subject = claims.find_string("sub")) made.subject = *subject;
  made.client = std::move(client);
  made.has_actor = claims.find("act") != nullptr;
  made.claims = std::move(claims);
  return made;
}

inline json::Value claims(std::initializer_list<json::Member> members) { return json::Value(json::Object(members)); }

}  // namespace postern::access::test
