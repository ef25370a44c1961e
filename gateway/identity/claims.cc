#include "gateway/identity/claims.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "gateway/base/encoding.h"

namespace postern::identity {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 53;  // in milliseconds it still fits 63 bits
constexpr std::size_t kMaxSubjectBytes = 2048;
constexpr milliseconds kMaxSkew = std::chrono::minutes(5);

// NumericDate (RFC 7519 §2): seconds, perhaps with a fraction. None for strings, negatives and what is not finite.
std::optional<WallTime> numeric_date(const json::Value& value) {
  if (const std::int64_t* seconds = value.as_int()) {
    if (*seconds < 0 || *seconds > kMaxSeconds) return std::nullopt;
    return WallTime(milliseconds(*seconds * 1000));
  }
  if (const double* seconds = value.as_double()) {
    if (!std::isfinite(*seconds) || *seconds < 0 || *seconds > static_cast<double>(kMaxSeconds)) return std::nullopt;
    return WallTime(milliseconds(static_cast<std::int64_t>(*seconds * 1000)));
  }
  return std::nullopt;
}

bool names_audience(const json::Value& aud, const std::vector<std::string>& accepted) {
  const auto is_ours = [&accepted](const std::string& text) {
    return std::find(accepted.begin(), accepted.end(), text) != accepted.end();
  };
  if (const std::string* text = aud.as_string()) return is_ours(*text);
  const json::Array* list = aud.as_array();
  if (list == nullptr) return false;
  bool found = false;
  for (const json::Value& item : *list) {
    const std::string* text = item.as_string();
    if (text == nullptr) return false;  // an array of strings, or nothing
    found = found || is_ours(*text);
  }
  return found;
}

Refused malformed(std::string_view claim, std::string_view form) {
  return {"malformed_claim", fmt::format("the token's `{}` is not {}", claim, form)};
}

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// What is wrong with its times; none when nothing is.
std::optional<Refused> judge_times(const json::Value& payload, const IssuerConfig& issuer, WallTime now,
                                   WallTime& expires_at) {
  const milliseconds skew = std::clamp(issuer.clock_skew, milliseconds(0), kMaxSkew);
  const json::Value* exp = payload.find("exp");
  if (exp == nullptr) return Refused{"no_expiry", "the token has no `exp`; one that never ends is not taken"};
  const std::optional<WallTime> until = numeric_date(*exp);
  if (!until) return malformed("exp", "a NumericDate (RFC 7519 section 2)");
  if (now >= *until + skew) {
    return Refused{"expired", fmt::format("the token expired at {}; get a new one", to_rfc3339(*until))};
  }
  if (const json::Value* nbf = payload.find("nbf")) {
    const std::optional<WallTime> from = numeric_date(*nbf);
    if (!from) return malformed("nbf", "a NumericDate (RFC 7519 section 2)");
    if (*from > now + skew) {
      return Refused{"not_yet_valid", fmt::format("the token is not valid before {}", to_rfc3339(*from))};
    }
  }
  std::optional<WallTime> issued;
  if (const json::Value* iat = payload.find("iat")) {
    issued = numeric_date(*iat);
    if (!issued) return malformed("iat", "a NumericDate (RFC 7519 section 2)");
    if (*issued > now + skew) {
      return Refused{"issued_in_future", "the token says it was issued in the future; compare the clocks"};
    }
  }
  if (issuer.max_token_age) {
    if (!issued) return Refused{"too_old", "the token has no `iat`, which this issuer's max_token_age needs"};
    if (now - *issued > *issuer.max_token_age + skew) {
      return Refused{"too_old", "the token is older than this issuer's max_token_age; get a new one"};
    }
  }
  expires_at = *until;
  return std::nullopt;
}

}  // namespace

std::variant<VerifiedToken, Refused> judge_claims(json::Value payload, const IssuerConfig& issuer, WallTime now) {
  VerifiedToken token;
  token.issuer_name = issuer.name;
  const std::string* iss = payload.find_string("iss");
  if (iss == nullptr || *iss != issuer.issuer) return Refused{"unknown_issuer", "the token names another issuer"};
  if (std::optional<Refused> fault = judge_times(payload, issuer, now, token.expires_at)) return *fault;
  const json::Value* aud = payload.find("aud");
  if (aud == nullptr || !names_audience(*aud, issuer.audiences)) {
    return Refused{"wrong_audience", fmt::format("the token is for another audience; ask issuer {} for one whose `aud` "
                                                 "is {}",
                                                 issuer.name, list_of(issuer.audiences))};
  }
  const std::string* sub = payload.find_string("sub");
  if (sub == nullptr || sub->empty() || sub->size() > kMaxSubjectBytes) {
    return malformed("sub", "a string of 1 to 2048 bytes");
  }
  token.subject = *sub;
  // A token bound to a key is worth nothing without the proof, and git cannot prove (RFC 7800; RFC 9449; RFC 8705).
  if (payload.find("cnf") != nullptr) {
    return Refused{"bound_token",
                   "the token is bound to a key (`cnf`) and git cannot prove it has that key; ask for a "
                   "plain bearer token"};
  }
  // Keycloak says in the payload what a token is for.
  if (const std::string* use = payload.find_string("typ"); use != nullptr) {
    const std::string lower = ascii_lower(*use);
    if (lower == "id" || lower == "refresh" || lower == "offline" || lower == "logout") {
      return Refused{"wrong_token_type", "this is an ID, refresh or logout token; send an access token"};
    }
  }
  for (const std::string_view name : {"azp", "appid", "client_id"}) {
    const json::Value* claim = payload.find(name);
    if (claim == nullptr) continue;
    if (claim->as_string() == nullptr) return malformed(name, "a string");
    if (token.client.empty()) token.client = *claim->as_string();
  }
  for (const std::string_view name : {"jti", "uti"}) {
    const std::string* id = payload.find_string(name);
    if (id != nullptr && token.token_id.empty()) token.token_id = *id;
  }
  if (const std::string* display = issuer.name_claim.empty() ? nullptr : payload.find_string(issuer.name_claim)) {
    token.display = *display;
  }
  token.has_actor = payload.find("act") != nullptr;
  token.claims = std::move(payload);
  return token;
}

}  // namespace postern::identity
