// The whole configuration (docs/configuration.md): plain values, checked before anything opens.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/bundle.h"
#include "gateway/access/rules.h"
#include "gateway/base/clock.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/identity/jws.h"

namespace postern::config {

// Where a secret is kept, never the secret itself (docs/configuration.md).
struct SecretRef {
  enum class Kind { env, file, keyvault };
  Kind kind = Kind::file;
  std::string value;         // the variable's name, the absolute path, or VAULT/NAME[/VERSION]
  std::string text() const;  // "file:/etc/postern/ticket.pem": may be shown
  bool operator==(const SecretRef&) const = default;
};

// Gets a secret from Key Vault: (vault, name, version or ""). Absent where the program has no identity for it.
using KeyVaultReader =
    std::function<Result<Secret>(const std::string& vault, const std::string& name, const std::string& version)>;

// The secret itself, one final line end stripped. not_found, denied (a file that others can read: 0004 or 0002 set, or
// no regular file), unsupported (keyvault without a reader). Never empty.
Result<Secret> resolve(const SecretRef& ref, const KeyVaultReader& key_vault = {});

struct Listen {
  bool is_unix = false;
  std::string host;        // an IP address in canonical form, without brackets
  std::uint16_t port = 0;  // 0: any free one
  std::string path;        // of the Unix socket
  std::string text() const;
};

struct ServerConfig {
  std::vector<Listen> listen;              // default: 127.0.0.1:8080 and unix:/run/postern/gateway.sock
  std::string external_url;                // no trailing slash
  std::vector<IpNetwork> trusted_proxies;  // default: the loopback addresses
  std::string tls_certificate;             // path; empty: no TLS of our own
  std::optional<SecretRef> tls_key;
};

struct UpstreamConfig {
  enum class Kind { gogs, git };
  Kind kind = Kind::gogs;
  std::string url;  // no trailing slash
  std::vector<SecretRef> credentials;
  std::chrono::milliseconds hook_timeout{std::chrono::minutes(10)};
  std::vector<std::string> passthrough;  // repository patterns, lower case
  std::optional<WallTime> passthrough_until;
  // Identities with a Gogs token of their own ([[identity]] upstream), by name.
  std::map<std::string, SecretRef, std::less<>> credential_of;
};

struct StoreConfig {
  std::string url = "sqlite:/var/lib/postern/postern.db";
};

// No ticket lives longer, whatever a reload made of [tickets] lifetime.
inline constexpr std::chrono::hours kMaxTicketLifetime{48};

struct TicketsConfig {
  std::vector<SecretRef> signing_keys;
  std::string bundle = "/var/lib/postern/bundle";
  std::string spool = "/var/spool/postern";
  std::chrono::milliseconds lifetime{std::chrono::hours(6)};
  access::HookLimits limits;
};

struct AuditConfig {
  std::vector<SecretRef> signing_keys;
  std::vector<std::string> witness;  // "file:/absolute/path", "syslog:"
  unsigned retention_days = 400;
};

struct IssuerConfig {
  std::string name;
  std::string issuer;  // compared byte by byte with `iss`
  std::vector<std::string> audiences;
  access::Unnamed unnamed = access::Unnamed::refuse;
  std::vector<std::string> clients;             // required with unnamed = human
  std::string jwks_file;                        // path
  std::string jwks_url;                         // neither: discovery
  std::string ca_file;                          // of the issuer's server; empty: the system's
  std::vector<identity::Algorithm> algorithms;  // empty: whatever the key can do
  std::chrono::milliseconds clock_skew{std::chrono::seconds(60)};
  std::optional<std::chrono::milliseconds> max_token_age;
  std::string name_claim;  // shown to people, never decides
  access::Origin origin;
};

struct HealthCheck {
  std::string get;  // URL
  int expect = 200;
};

struct ApprovalsConfig {
  unsigned agents = 1;
  unsigned default_ = 0;
  std::vector<std::string> by;  // identities or groups
};

struct EnvironmentConfig {
  enum class Mode { plan, apply };
  std::string name;
  Mode mode = Mode::plan;
  std::string repo;  // owner/name, lower case
  std::string ref;   // refs/heads/…
  std::vector<std::string> after;
  std::string service;  // ARM id, no trailing slash
  // "managed-identity", "workload-identity", "azure-cli", or "client-secret" with `client_secret`.
  std::string credential = "managed-identity";
  std::optional<SecretRef> client_secret;
  std::string client_id;  // of a user-assigned identity or an application; empty: the system's
  std::string tenant;
  std::vector<std::string> kinds;  // default: policy, fragment
  unsigned max_deletes = 0;
  ApprovalsConfig approvals;
  std::string overrides;  // file in the repository's root directory; empty: none
  std::vector<HealthCheck> health;
  access::Origin origin;
};

struct DeployConfig {
  std::string store = "sqlite:/var/lib/postern-deploy/deploy.db";
  std::string gateway = "unix:/run/postern/gateway.sock";  // or an http(s) URL
  std::string git_url;
  std::optional<SecretRef> git_credential;
  std::string arm_endpoint = "https://management.azure.com";
  std::string arm_ca_file;
  std::string imds_endpoint = "http://169.254.169.254";
  std::chrono::milliseconds poll{std::chrono::seconds(60)};
};

// Value.
struct Config {
  std::string file;      // absolute path of postern.toml
  bool gateway = false;  // [server], [upstream], [tickets] and [audit] are there; a deployer of its own host has none
  ServerConfig server;
  UpstreamConfig upstream;
  StoreConfig store;
  TicketsConfig tickets;
  AuditConfig audit;
  std::vector<IssuerConfig> issuers;
  access::RuleSet rules;  // checked: AccessRules::make takes them
  std::vector<EnvironmentConfig> environments;
  std::optional<DeployConfig> deploy;
};

// A mistake or a warning. `key` is "[section] key"; `message` says what is wrong and what is accepted.
struct Problem {
  std::string file;
  unsigned line = 0;  // 0: the whole file
  std::string key;
  std::string message;
  std::string text() const;  // "file:line: [section] key: message"
};

struct Loaded {
  Config config;
  std::vector<Problem> warnings;
};
// Every mistake, not the first; `errors` is never empty.
struct Mistakes {
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
  std::string text() const;  // one line each, without the last line break
};

// Where the texts come from: the disk, or a test.
struct Files {
  std::function<Result<std::string>(const std::string& path)> read;
  // The files of an `include` pattern, sorted; an absolute pattern whose last segment may hold `*` and `?`.
  std::function<Result<std::vector<std::string>>(const std::string& pattern)> list;
};
Files disk_files();

// --config, else $POSTERN_CONFIG, else /etc/postern/postern.toml.
std::string config_path(const std::string& option);

// The configuration in `path` and what it includes. Relative paths in it are relative to its directory. Resolves no
// secret and opens nothing else.
std::expected<Loaded, Mistakes> load(const std::string& path, const Files& files = disk_files());

// What the hook is to know of this configuration.
access::HookBundle make_hook_bundle(const Config& config, const access::AccessRules& rules,
                                    std::vector<identity::PublicKey> ticket_keys, WallTime now);

}  // namespace postern::config
