#include "gateway/azure/credential.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/base/process.h"

namespace postern::azure {
namespace {

using namespace std::chrono_literals;

// A number, or a string that holds one: IMDS writes strings, Entra numbers.
std::optional<std::int64_t> flexible_int(const json::Value* value) {
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->as_int()) return *number;
  if (const auto* number = value->as_double()) return static_cast<std::int64_t>(std::clamp(*number, -1e15, 1e15));
  if (const auto* text = value->as_string()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error == std::errc() && end == text->data() + text->size()) return number;
  }
  return std::nullopt;
}

// "invalid_request: Identity not found" out of an error answer. Only these two members are quoted; an answer with a
// token in it has neither.
std::string error_text(const std::string& body) {
  auto parsed = json::parse(body);
  if (!parsed) return "(no reason given)";
  const auto* code = parsed->find_string("error");
  const auto* text = parsed->find_string("error_description");
  if (code == nullptr && text == nullptr) return "(no reason given)";
  return printable(fmt::format("{}: {}", code ? *code : "?", text ? *text : "?"), 300);
}

// A claim of a token's payload, unverified: only to see whether the platform gave us the identity we asked for.
std::optional<std::string> peek_claim(std::string_view token, std::string_view name) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;
  auto parsed = json::parse(*payload);
  if (!parsed) return std::nullopt;
  const auto* claim = parsed->find_string(name);
  return claim ? std::optional(*claim) : std::nullopt;
}

class ManagedIdentity final : public Credential {
 public:
  ManagedIdentity(net::HttpClient& http, const Clock& clock, Wait wait, std::string endpoint, std::string client_id)
      : http_(http),
        clock_(clock),
        wait_(std::move(wait)),
        endpoint_(std::move(endpoint)),
        client_id_(std::move(client_id)) {}

  std::string describe() const override {
    return client_id_.empty() ? "managed-identity" : "managed-identity:" + client_id_;
  }

  Result<AcquiredToken> acquire(const std::string& audience) override {
    net::HttpRequest request;
    request.url = fmt::format("{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}", endpoint_,
                              percent_encode(audience));
    if (!client_id_.empty()) request.url += "&client_id=" + percent_encode(client_id_);
    request.headers = {{"Metadata", "true"}, {"Accept", "application/json"}};
    request.timeout = 15s;
    // The service asks for 0, 2, 6, 14, 30 s; while it updates itself (410) it is back within 70 s.
    static constexpr std::chrono::seconds kPauses[] = {2s, 4s, 8s, 16s, 20s, 25s};
    Error last{ErrorCode::unavailable, ""};
    for (std::size_t attempt = 0;; ++attempt) {
      const WallTime started = clock_.wall();
      auto response = http_.send(request);
      bool updating = false;
      if (!response) {
        last = in_context(fmt::format("asking {} for a token", endpoint_), response.error());
        if (last.code == ErrorCode::denied || last.code == ErrorCode::bad_usage) return fail(last);
      } else if (response->status == 200) {
        auto token = parse_token_answer(response->body, started);
        if (!token) return fail(in_context(fmt::format("the token answer of {}", endpoint_), token.error()));
        if (auto ours = check_identity(response->body, *token); !ours) return fail(ours.error());
        return token;
      } else {
        const int status = response->status;
        updating = status == 410;
        const bool again = status == 404 || status == 410 || status == 429 || status >= 500;
        last = {again ? ErrorCode::unavailable : ErrorCode::denied,
                fmt::format("{} answered {} to {}: {}", endpoint_, status, describe(), error_text(response->body))};
        if (!again) return fail(last);
      }
      const std::size_t limit = updating ? std::size(kPauses) : 4;
      if (attempt >= limit || !wait_(kPauses[std::min(attempt, std::size(kPauses) - 1)])) return fail(last);
    }
  }

 private:
  // A selector that the host does not understand is ignored and the system-assigned identity comes back: the answer has
  // to name the identity that was asked for.
  Status check_identity(const std::string& body, const AcquiredToken& token) const {
    if (client_id_.empty()) return {};
    std::optional<std::string> given;
    if (auto parsed = json::parse(body)) {
      if (const auto* echo = parsed->find_string("client_id"); echo != nullptr && !echo->empty()) given = *echo;
    }
    for (const char* claim : {"appid", "azp"}) {
      if (!given) given = peek_claim(token.value.reveal(), claim);
    }
    if (given && ascii_lower(*given) == ascii_lower(client_id_)) return {};
    return fail(ErrorCode::denied,
                fmt::format("{} gave a token of {}, not of {}; assign that identity to this machine", endpoint_,
                            given ? "identity " + printable(*given, 80) : "an identity it does not name", client_id_));
  }

  net::HttpClient& http_;
  const Clock& clock_;
  Wait wait_;
  std::string endpoint_;
  std::string client_id_;
};

std::string authority(const std::string& host) {
  std::string base = host.empty() ? "https://login.microsoftonline.com/" : host;
  if (base.back() != '/') base += '/';
  return base;
}

// grant_type=client_credentials with a secret or an assertion. `proof` is percent-encoded into the body.
Result<AcquiredToken> client_credentials(net::HttpClient& http, const std::string& authority_host,
                                         const std::string& tenant, const std::string& client,
                                         const std::string& audience, std::string_view proof, bool assertion,
                                         const std::string& ca_file) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = fmt::format("{}{}/oauth2/v2.0/token", authority(authority_host), percent_encode(tenant));
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.ca_file = ca_file;
  request.timeout = 30s;
  request.body = fmt::format("grant_type=client_credentials&client_id={}&scope={}", percent_encode(client),
                             percent_encode(audience + (audience.ends_with('/') ? ".default" : "/.default")));
  request.body += assertion ? "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                              "&client_assertion="
                            : "&client_secret=";
  request.body += percent_encode(proof);
  auto response = http.send(request);
  std::fill(request.body.begin(), request.body.end(), '\0');
  const std::string where = fmt::format("{}{}", authority(authority_host), tenant);
  if (!response) return fail(in_context(fmt::format("asking {} for a token", where), response.error()));
  if (response->status == 200) {
    auto token = parse_token_answer(response->body, WallTime{});
    if (!token) return fail(in_context(fmt::format("the token answer of {}", where), token.error()));
    return token;
  }
  const bool again = response->status == 408 || response->status == 429 || response->status >= 500;
  return fail(
      again ? ErrorCode::unavailable : ErrorCode::denied,
      fmt::format("{} answered {} for client {}: {}", where, response->status, client, error_text(response->body)));
}

class WorkloadIdentityCredential final : public Credential {
 public:
  WorkloadIdentityCredential(net::HttpClient& http, WorkloadIdentity settings)
      : http_(http), settings_(std::move(settings)) {}
  std::string describe() const override { return "workload-identity:" + settings_.client_id; }
  Result<AcquiredToken> acquire(const std::string& audience) override {
    const auto missing = [&](const std::string& value, const char* name) -> Status {
      if (!value.empty()) return {};
      return fail(ErrorCode::bad_usage, fmt::format("workload-identity: {} is not in the environment; label the pod "
                                                    "azure.workload.identity/use=true",
                                                    name));
    };
    for (auto status :
         {missing(settings_.client_id, "AZURE_CLIENT_ID"), missing(settings_.tenant_id, "AZURE_TENANT_ID"),
          missing(settings_.token_file, "AZURE_FEDERATED_TOKEN_FILE")}) {
      if (!status) return fail(status.error());
    }
    auto bytes = read_file(settings_.token_file, 65536);
    if (!bytes) return fail(in_context("the workload identity's token", bytes.error()));
    Secret assertion(std::move(*bytes));
    std::string_view text = assertion.reveal();
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    return client_credentials(http_, settings_.authority_host, settings_.tenant_id, settings_.client_id, audience, text,
                              true, settings_.ca_file);
  }

 private:
  net::HttpClient& http_;
  WorkloadIdentity settings_;
};

class ClientSecretCredential final : public Credential {
 public:
  ClientSecretCredential(net::HttpClient& http, std::string tenant, std::string client, Secret secret,
                         std::string authority_host, std::string ca_file)
      : http_(http),
        tenant_(std::move(tenant)),
        client_(std::move(client)),
        secret_(std::move(secret)),
        authority_host_(std::move(authority_host)),
        ca_file_(std::move(ca_file)) {}
  std::string describe() const override { return "client-secret:" + client_; }
  Result<AcquiredToken> acquire(const std::string& audience) override {
    return client_credentials(http_, authority_host_, tenant_, client_, audience, secret_.reveal(), false, ca_file_);
  }

 private:
  net::HttpClient& http_;
  std::string tenant_;
  std::string client_;
  Secret secret_;
  std::string authority_host_;
  std::string ca_file_;
};

class AzureCli final : public Credential {
 public:
  AzureCli(const Clock& clock, std::string path, std::string home)
      : clock_(clock), path_(std::move(path)), home_(std::move(home)) {}
  std::string describe() const override { return "azure-cli"; }
  Result<AcquiredToken> acquire(const std::string& audience) override {
    const bool plain = std::all_of(audience.begin(), audience.end(), [](unsigned char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
             c == ':' || c == '/' || c == '_';
    });
    if (!plain || audience.starts_with('-')) return fail(ErrorCode::bad_usage, "azure-cli: not an audience");
    const WallTime started = clock_.wall();
    ProcessRequest request;
    request.argv = {"az", "account", "get-access-token", "--output", "json", "--resource", audience};
    request.environment = {{"PATH", path_}, {"HOME", home_}, {"AZURE_CORE_COLLECT_TELEMETRY", "false"}};
    request.deadline = 20s;
    auto result = run_process(request);
    if (!result) return fail(in_context("azure-cli", result.error()));
    if (result->exit_code != 0) {
      return fail(ErrorCode::denied, fmt::format("az account get-access-token: exit {}: {}", result->exit_code,
                                                 printable(result->errors, 300)));
    }
    // Extensions may print warnings before the answer.
    const auto begin = result->output.find('{');
    auto parsed =
        json::parse(begin == std::string::npos ? std::string_view() : std::string_view(result->output).substr(begin));
    if (!parsed) return fail(ErrorCode::invalid_input, "az account get-access-token: no JSON in its answer");
    const auto* token = parsed->find_string("accessToken");
    if (token == nullptr || token->empty()) {
      return fail(ErrorCode::invalid_input, "az account get-access-token: no accessToken in its answer");
    }
    // expiresOn is local time without a zone: only the epoch of newer versions is of use, else a short life.
    AcquiredToken acquired{Secret(*token), 5min, 0s};
    if (auto epoch = flexible_int(parsed->find("expires_on"))) {
      const auto now = std::chrono::duration_cast<std::chrono::seconds>(started.time_since_epoch()).count();
      acquired.lifetime = std::chrono::seconds(std::clamp<std::int64_t>(*epoch - now, 0, 7 * 86400));
    }
    return acquired;
  }

 private:
  const Clock& clock_;
  std::string path_;
  std::string home_;
};

}  // namespace

Result<AcquiredToken> parse_token_answer(std::string_view body, WallTime now) {
  auto parsed = json::parse(body);
  if (!parsed) return fail(ErrorCode::invalid_input, "no JSON");
  const auto* token = parsed->find_string("access_token");
  if (token == nullptr || token->empty()) return fail(ErrorCode::invalid_input, "no access_token in it");
  for (const unsigned char c : *token) {
    if (c <= 0x20 || c >= 0x7f) return fail(ErrorCode::invalid_input, "an access_token with characters no token has");
  }
  AcquiredToken acquired;
  if (auto seconds = flexible_int(parsed->find("expires_in"))) {
    acquired.lifetime = std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, 7 * 86400));
  } else if (auto epoch = flexible_int(parsed->find("expires_on")); epoch && now != WallTime{}) {
    const auto at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    acquired.lifetime = std::chrono::seconds(std::clamp<std::int64_t>(*epoch - at, 0, 7 * 86400));
  } else {
    return fail(ErrorCode::invalid_input, "neither expires_in nor expires_on as a number");
  }
  if (acquired.lifetime <= 0s) return fail(ErrorCode::invalid_input, "a token that has ended already");
  if (auto seconds = flexible_int(parsed->find("refresh_in")); seconds && *seconds > 0) {
    acquired.refresh_after = std::chrono::seconds(std::min<std::int64_t>(*seconds, 7 * 86400));
  }
  acquired.value = Secret(*token);
  return acquired;
}

Result<CredentialName> parse_credential(std::string_view text) {
  using Kind = CredentialName::Kind;
  const auto refuse = [&] {
    return fail(ErrorCode::bad_usage,
                fmt::format("credential \"{}\": expected managed-identity, managed-identity:CLIENT_ID, "
                            "workload-identity, client-secret:TENANT/CLIENT_ID/REFERENCE or azure-cli",
                            printable(text, 80)));
  };
  CredentialName name;
  const auto colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon != std::string_view::npos && rest.empty()) return refuse();
  if (kind == "managed-identity") {
    name.client_id = rest;
    return name;
  }
  if (kind == "workload-identity" || kind == "azure-cli") {
    if (!rest.empty()) return refuse();
    name.kind = kind == "azure-cli" ? Kind::azure_cli : Kind::workload_identity;
    return name;
  }
  if (kind == "client-secret") {
    const auto first = rest.find('/');
    const auto second = first == std::string_view::npos ? first : rest.find('/', first + 1);
    if (second == std::string_view::npos) return refuse();
    name.kind = Kind::client_secret;
    name.tenant_id = rest.substr(0, first);
    name.client_id = rest.substr(first + 1, second - first - 1);
    name.secret = rest.substr(second + 1);
    if (name.tenant_id.empty() || name.client_id.empty() || name.secret.empty()) return refuse();
    return name;
  }
  return refuse();
}

std::unique_ptr<Credential> managed_identity(net::HttpClient& http, const Clock& clock, Wait wait, std::string endpoint,
                                             std::string client_id) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return std::make_unique<ManagedIdentity>(http, clock, std::move(wait), std::move(endpoint), std::move(client_id));
}
std::unique_ptr<Credential> workload_identity(net::HttpClient& http, WorkloadIdentity settings) {
  return std::make_unique<WorkloadIdentityCredential>(http, std::move(settings));
}
std::unique_ptr<Credential> client_secret(net::HttpClient& http, std::string tenant_id, std::string client_id,
                                          Secret secret, std::string authority_host, std::string ca_file) {
  return std::make_unique<ClientSecretCredential>(http, std::move(tenant_id), std::move(client_id), std::move(secret),
                                                  std::move(authority_host), std::move(ca_file));
}
std::unique_ptr<Credential> azure_cli(const Clock& clock, std::string path, std::string home) {
  return std::make_unique<AzureCli>(clock, std::move(path), std::move(home));
}

}  // namespace postern::azure
