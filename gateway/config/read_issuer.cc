// [[issuer]].
#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/config/sections.h"
#include "gateway/config/values.h"

namespace postern::config {

void read_issuer(Section& in, Config& config) {
  IssuerConfig issuer;
  issuer.origin = in.origin();
  issuer.name = in.own_name();
  if (issuer.name == access::kUnixIssuer || issuer.name == access::kGogsIssuer) {
    in.error("name", fmt::format("\"{}\" is reserved", issuer.name));
  }
  if (!is_plain_name(issuer.name) && !issuer.name.empty())
    in.error("name", "is no name; accepted: up to 64 letters, digits, - _ .");
  issuer.issuer = in.text("issuer", true, "the `iss` of its tokens, byte by byte").value_or("");
  issuer.audiences = in.texts("audiences", true, "the `aud` values that mean this gateway");
  const Words<access::Unnamed> unnamed{
      {"refuse", access::Unnamed::refuse}, {"human", access::Unnamed::human}, {"workload", access::Unnamed::workload}};
  in.choice("unnamed", issuer.unnamed, unnamed);
  issuer.clients = in.texts("clients");
  if (issuer.unnamed == access::Unnamed::human && issuer.clients.empty()) {
    in.error("clients",
             "is missing: with unnamed = \"human\" the clients must be listed whose tokens are a person's own");
  }
  issuer.jwks_file = in.path("jwks_file", "");
  issuer.jwks_url = in.url("jwks_url", "", false, {});
  if (!issuer.jwks_file.empty() && !issuer.jwks_url.empty())
    in.error("jwks_url", "jwks_file and jwks_url exclude each other");
  if (issuer.jwks_file.empty() && issuer.jwks_url.empty() && !issuer.issuer.empty()) {
    if (const auto url = parse_url(issuer.issuer, {}); !url) {
      in.error("issuer",
               fmt::format("{}; for discovery it must be a URL, or set jwks_url or jwks_file", url.error().message));
    }
  }
  issuer.ca_file = in.path("ca_file", "");
  issuer.algorithms = in.parsed_list(
      "algorithms", false, "RS256, PS256, ES256, ES384, EdDSA",
      [](std::string_view text) -> Result<identity::Algorithm> {
        if (const auto algorithm = identity::parse_algorithm(text)) return *algorithm;
        return fail(
            ErrorCode::bad_usage,
            fmt::format("\"{}\" is not taken; accepted: RS256, PS256, ES256, ES384, EdDSA", printable(text, 20)));
      });
  in.duration("clock_skew", issuer.clock_skew, std::chrono::seconds(0), std::chrono::minutes(5));
  if (in.has("max_token_age")) {
    std::chrono::milliseconds age{0};
    in.duration("max_token_age", age, std::chrono::seconds(1), std::chrono::hours(24 * 365));
    issuer.max_token_age = age;
  } else {
    in.get("max_token_age", false, "");
  }
  issuer.name_claim = in.text("name_claim").value_or("");
  for (const auto& other : config.issuers) {
    if (other.name == issuer.name)
      in.error("name",
               fmt::format("\"{}\" is already the name of the issuer at line {}", issuer.name, other.origin.line));
    if (other.issuer == issuer.issuer && !issuer.issuer.empty()) {
      in.error("issuer", fmt::format("is already that of \"{}\"; one entry can list several audiences", other.name));
    }
  }
  config.rules.issuers.push_back({issuer.name, issuer.unnamed, issuer.clients});
  config.issuers.push_back(std::move(issuer));
}

}  // namespace postern::config
