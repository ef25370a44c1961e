// What the claims of a token must say before it counts (RFC 7519 §4.1; RFC 8725 §3; RFC 9068 §4). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/identity/identity.h"
#include "gateway/identity/jws.h"

namespace postern::identity {

// One [[issuer]] of the configuration, as far as verifying goes. Value.
struct IssuerConfig {
  std::string name;
  std::string issuer;                                              // compared byte for byte with `iss`
  std::vector<std::string> audiences;                              // one of them must be a member of `aud`; never empty
  std::vector<Algorithm> algorithms;                               // empty: every one that we know and the key can do
  std::chrono::milliseconds clock_skew{std::chrono::seconds(60)};  // more than 5 minutes counts as 5
  std::optional<std::chrono::milliseconds> max_token_age;          // by `iat`, which is then mandatory
  std::string name_claim;                                          // for display only
  std::string jwks_file;
  std::string jwks_url;
  std::string ca_file;
};

// The token, or the first thing that is wrong with it. `payload` is of a token whose signature held.
std::variant<VerifiedToken, Refused> judge_claims(json::Value payload, const IssuerConfig& issuer, WallTime now);

}  // namespace postern::identity
