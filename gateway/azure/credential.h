// Where an Azure access token comes from: one source, named by the configuration. Sources are never tried in turn: a
// chain would pick another principal after a redeployment and nobody would notice.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/http_client.h"

namespace postern::azure {

// Sleeps, or returns false at once when the caller is to stop.
using Wait = std::function<bool(std::chrono::milliseconds)>;

// Value (move-only). Lifetimes are relative to the moment the request was begun.
struct AcquiredToken {
  Secret value;
  std::chrono::seconds lifetime{0};
  std::chrono::seconds refresh_after{0};  // 0: the issuer did not say
};

// One way to a token. Thread-safe. acquire() talks to the network at every call; TokenCache is what callers want.
class Credential {
 public:
  virtual ~Credential() = default;
  // `audience` is the resource without "/.default", as the platform documents it ("https://management.azure.com/").
  // denied: the identity is not there or not ours; unavailable and timeout: worth another try later.
  virtual Result<AcquiredToken> acquire(const std::string& audience) = 0;
  virtual std::string describe() const = 0;  // for messages; holds no secret
};

inline constexpr std::string_view kImdsEndpoint = "http://169.254.169.254";

// The instance metadata service of a virtual machine, scale set or AKS node. `client_id` picks a user-assigned
// identity (empty: the only one); the answer must name that identity, since a selector that a host does not
// understand is ignored silently.
std::unique_ptr<Credential> managed_identity(net::HttpClient& http, const Clock& clock, Wait wait,
                                             std::string endpoint = std::string(kImdsEndpoint),
                                             std::string client_id = {});

// What the workload identity webhook puts into a pod's environment.
struct WorkloadIdentity {
  std::string client_id;       // AZURE_CLIENT_ID
  std::string tenant_id;       // AZURE_TENANT_ID
  std::string authority_host;  // AZURE_AUTHORITY_HOST; empty: https://login.microsoftonline.com/
  std::string token_file;      // AZURE_FEDERATED_TOKEN_FILE; read again for every exchange, it is rotated
  std::string ca_file;         // empty: the system's
};
std::unique_ptr<Credential> workload_identity(net::HttpClient& http, WorkloadIdentity settings);

// The last resort. `secret` stays in memory.
std::unique_ptr<Credential> client_secret(net::HttpClient& http, std::string tenant_id, std::string client_id,
                                          Secret secret, std::string authority_host = {}, std::string ca_file = {});

// `az account get-access-token`, for developers' machines. `path` and `home` are PATH and HOME of the child.
std::unique_ptr<Credential> azure_cli(const Clock& clock, std::string path, std::string home);

// A credential as the configuration names it.
struct CredentialName {
  enum class Kind { managed_identity, workload_identity, client_secret, azure_cli } kind = Kind::managed_identity;
  std::string client_id;  // managed-identity:CLIENT_ID and client-secret
  std::string tenant_id;  // client-secret
  std::string secret;     // client-secret: a reference, "file:…" or "env:…"
};
// "managed-identity[:CLIENT_ID]", "workload-identity", "client-secret:TENANT/CLIENT_ID/REFERENCE" or "azure-cli".
Result<CredentialName> parse_credential(std::string_view text);

// A token answer of IMDS or Entra: access_token, and expires_in or expires_on, each a number or a string of digits.
// `now` is the wall clock at the request's start. invalid_input for anything else; never quotes the answer.
Result<AcquiredToken> parse_token_answer(std::string_view body, WallTime now);

}  // namespace postern::azure
