#include "gateway/identity/token_authenticator.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/identity/jws.h"

namespace postern::identity {
namespace {

// "reason: sentence", as parse_jws words its errors.
Refused from_parse_error(const Error& error) {
  const std::size_t colon = error.message.find(": ");
  if (colon == std::string::npos) return {"malformed", error.message};
  return {error.message.substr(0, colon), error.message.substr(colon + 2)};
}

// base64url of a text that begins with `{`, and dots. An upstream's password or token does not look so.
bool looks_like_jws(std::string_view token) { return token.starts_with("ey") && token.find('.') != token.npos; }

// RFC 8725 §3.11: the types that are made for other doors (dpop+jwt, logout+jwt, our own tickets …) open none here.
bool is_bearer_type(std::string_view type) {
  return type.empty() || type == "jwt" || type == "at+jwt" || type == "jose";
}

}  // namespace

Result<std::unique_ptr<TokenAuthenticator>> TokenAuthenticator::make(const std::vector<IssuerConfig>& issuers,
                                                                     const Clock& clock, KeyRefresher& keys) {
  std::unique_ptr<TokenAuthenticator> out(new TokenAuthenticator(clock));
  for (const IssuerConfig& config : issuers) {
    const bool named_twice = std::any_of(out->issuers_.begin(), out->issuers_.end(),
                                         [&config](const Issuer& other) { return other.config.name == config.name; });
    if (config.name.empty() || config.name == "unix" || config.name == "gogs" || named_twice) {
      return fail(ErrorCode::bad_usage,
                  fmt::format("[[issuer]] name \"{}\": each needs a name of its own, and unix and "
                              "gogs are taken",
                              config.name));
    }
    if (config.issuer.empty() || config.audiences.empty()) {
      return fail(ErrorCode::bad_usage,
                  fmt::format("[[issuer]] {}: `issuer` and `audiences` are required", config.name));
    }
    if (!out->by_iss_.emplace(config.issuer, out->issuers_.size()).second) {
      return fail(
          ErrorCode::bad_usage,
          fmt::format("[[issuer]] {}: another one has the same `issuer`; put both audiences into one", config.name));
    }
    out->issuers_.push_back({config, keys.key_set({.issuer_name = config.name,
                                                   .issuer = config.issuer,
                                                   .jwks_url = config.jwks_url,
                                                   .jwks_file = config.jwks_file,
                                                   .ca_file = config.ca_file})});
  }
  return out;
}

AuthOutcome TokenAuthenticator::authenticate(const Presented& presented) const { return authenticate(presented.token); }

AuthOutcome TokenAuthenticator::authenticate(std::string_view token) const {
  if (!looks_like_jws(token)) return NotMine{};
  constexpr std::size_t kMaxTokenBytes = 16384;
  if (token.size() > kMaxTokenBytes) {
    return Refused{"too_large",
                   fmt::format("the token is larger than {} bytes; ask the issuer for fewer claims", kMaxTokenBytes)};
  }
  const WallTime now = clock_.wall();
  const Sha256 digest = sha256(token);
  if (TokenCache::Hit hit = cache_.find(digest, now);
      hit.token != nullptr && hit.serial == issuers_[hit.issuer].keys->serial()) {
    return std::move(hit.token);
  }
  return verify(token, digest, now);
}

AuthOutcome TokenAuthenticator::verify(std::string_view token, const Sha256& digest, WallTime now) const {
  Result<ParsedJws> jws = parse_jws(token);
  if (!jws) return from_parse_error(jws.error());
  if (!is_bearer_type(jws->type)) {
    return Refused{"wrong_token_type", "the token's `typ` is not one of JWT, at+jwt; send an access token"};
  }
  const std::string* iss = jws->payload.find_string("iss");
  const auto known = iss == nullptr ? by_iss_.end() : by_iss_.find(*iss);
  if (known == by_iss_.end()) {
    return Refused{"unknown_issuer", "the token's `iss` is no string that an [[issuer]] of the configuration has"};
  }
  const Issuer& issuer = issuers_[known->second];
  const auto& allowed = issuer.config.algorithms;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), jws->algorithm) == allowed.end()) {
    return Refused{"alg_not_allowed", fmt::format("issuer {} is not trusted to sign by {}", issuer.config.name,
                                                  to_string(jws->algorithm))};
  }
  const std::uint64_t serial = issuer.keys->serial();  // before the key, so that a change in between shows
  const KeyAnswer answer = issuer.keys->find(jws->key_id, jws->algorithm);
  switch (answer.state) {
    case KeyState::needs_refresh: return NeedsKeys{issuer.config.name};
    case KeyState::unavailable: return Unavailable{fmt::format("keys of issuer {} cannot be had", issuer.config.name)};
    case KeyState::unknown:
      return Refused{"unknown_key", fmt::format("issuer {} has no key that this token names", issuer.config.name)};
    case KeyState::found: break;
  }
  if (!answer.key->can(jws->algorithm)) {
    return Refused{"alg_not_allowed", "the token's algorithm is not the one of the key that it names"};
  }
  if (!answer.key->verify(jws->algorithm, jws->signing_input, jws->signature)) {
    return Refused{"bad_signature", "the token's signature does not hold; it was changed, or another key made it"};
  }
  auto judged = judge_claims(std::move(jws->payload), issuer.config, now);
  if (auto* refused = std::get_if<Refused>(&judged)) return std::move(*refused);
  auto verified = std::make_shared<const VerifiedToken>(std::move(std::get<VerifiedToken>(judged)));
  cache_.put(digest, verified, known->second, serial, now);
  return verified;
}

Status TokenAuthenticator::refresh(std::string_view issuer_name) const {
  for (const Issuer& issuer : issuers_) {
    if (issuer.config.name == issuer_name) return issuer.keys->refresh();
  }
  return fail(ErrorCode::not_found, "no such issuer");
}

}  // namespace postern::identity
