#include "gateway/app/in_force.h"

#include "gateway/base/encoding.h"
#include "gateway/base/log.h"

namespace postern::app {
namespace {

std::vector<identity::IssuerConfig> issuers_of(const config::Config& config) {
  std::vector<identity::IssuerConfig> issuers;
  for (const config::IssuerConfig& from : config.issuers) {
    identity::IssuerConfig& to = issuers.emplace_back();
    to.name = from.name;
    to.issuer = from.issuer;
    to.audiences = from.audiences;
    to.algorithms = from.algorithms;
    to.clock_skew = from.clock_skew;
    to.max_token_age = from.max_token_age;
    to.name_claim = from.name_claim;
    to.jwks_file = from.jwks_file;
    to.jwks_url = from.jwks_url;
    to.ca_file = from.ca_file;
  }
  return issuers;
}

Secret basic_authorization(const Secret& token) {
  const Secret pair(std::string(token.reveal()) + ":x");
  return Secret("Basic " + base64_encode(pair.reveal()));
}

}  // namespace

bool InForce::passes_through(const git::RepoPath& repo, WallTime now) const {
  if (passthrough.empty()) return false;
  if (config.upstream.passthrough_until && now >= *config.upstream.passthrough_until) return false;
  const access::Governance governance = rules->governance_of(repo);
  if (governance.governed && governance.mode == access::Mode::enforce) return false;
  const std::string name = repo.full_name();
  for (const Glob& pattern : passthrough) {
    if (repo.is_wiki() && !pattern.text().ends_with(".wiki")) continue;
    if (pattern.matches(name)) return true;
  }
  return false;
}

const Secret& InForce::upstream_authorization_for(std::string_view identity) const {
  const auto own = upstream_authorization_of.find(identity);
  return own == upstream_authorization_of.end() ? upstream_authorization : own->second;
}

Result<std::shared_ptr<const InForce>> make_in_force(config::Config config, const Clock& clock,
                                                     identity::KeyRefresher& keys) {
  auto made = std::make_shared<InForce>();
  std::vector<std::string> environments;
  for (const config::EnvironmentConfig& environment : config.environments) environments.push_back(environment.name);
  auto rules = access::AccessRules::make(config.rules, environments);
  if (!rules) return fail(rules.error());
  made->rules = std::move(*rules);
  auto providers = identity::Providers::make(issuers_of(config), clock, keys);
  if (!providers) return fail(in_context("[[issuer]]", providers.error()));
  made->providers = std::move(*providers);
  for (const config::SecretRef& ref : config.tickets.signing_keys) {
    Result<Secret> pem = config::resolve(ref);
    if (!pem) return fail(in_context("[tickets] signing_keys", pem.error()));
    Result<identity::SigningKey> key = identity::SigningKey::from_pem(*pem);
    if (!key) return fail(in_context("[tickets] signing_keys: " + ref.text(), key.error()));
    made->ticket_keys.push_back(std::move(*key));
  }
  if (made->ticket_keys.empty()) {
    return fail(ErrorCode::bad_usage,
                "[tickets] signing_keys: at least one key must stand there; `postern init` makes one");
  }
  if (!config.upstream.credentials.empty()) {
    const config::SecretRef& ref = config.upstream.credentials.front();
    Result<Secret> token = config::resolve(ref);
    if (!token) return fail(in_context("[upstream] credentials", token.error()));
    made->upstream_token = std::move(*token);
  }
  made->upstream_authorization = basic_authorization(made->upstream_token);
  for (const auto& [name, ref] : config.upstream.credential_of) {
    Result<Secret> token = config::resolve(ref);
    if (!token) return fail(in_context("[[identity]] " + name + ": upstream", token.error()));
    made->upstream_authorization_of.emplace(name, basic_authorization(*token));
  }
  for (const std::string& pattern : config.upstream.passthrough) made->passthrough.emplace_back(pattern);
  made->config = std::move(config);
  return std::shared_ptr<const InForce>(std::move(made));
}

Result<std::shared_ptr<const InForce>> load_in_force(const std::string& path, const Clock& clock,
                                                     identity::KeyRefresher& keys) {
  std::expected<config::Loaded, config::Mistakes> loaded = config::load(path);
  if (!loaded) return fail(ErrorCode::bad_usage, loaded.error().text());
  for (const config::Problem& warning : loaded->warnings) log::warning("config.warning", {{"what", warning.text()}});
  return make_in_force(std::move(loaded->config), clock, keys);
}

}  // namespace postern::app
