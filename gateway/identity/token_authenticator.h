// The provider for signed tokens of the configured issuers (OIDC).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/identity/providers.h"
#include "gateway/identity/token_cache.h"

namespace postern::identity {

// Thread-safe. Order of judgement: form (parse_jws) -> `typ` -> issuer by the exact `iss`, an unknown one without any
// network call -> algorithm -> key -> signature -> claims.
//
// Reasons of Refused, stable: malformed, too_large, alg_not_allowed, critical_header, wrong_token_type, unknown_issuer,
// unknown_key, bad_signature, no_expiry, malformed_claim, expired, not_yet_valid, issued_in_future, too_old,
// wrong_audience, bound_token.
class TokenAuthenticator final : public IdentityProvider {
 public:
  static Result<std::unique_ptr<TokenAuthenticator>> make(const std::vector<IssuerConfig>& issuers, const Clock& clock,
                                                          KeyRefresher& keys);

  // NotMine for what has not the look of a JWS: an upstream's own password, say.
  AuthOutcome authenticate(const Presented& presented) const override;
  AuthOutcome authenticate(std::string_view token) const;
  Status refresh(std::string_view issuer_name) const override;

 private:
  struct Issuer {
    IssuerConfig config;
    std::shared_ptr<KeySet> keys;
  };
  explicit TokenAuthenticator(const Clock& clock) : clock_(clock) {}
  AuthOutcome verify(std::string_view token, const Sha256& digest, WallTime now) const;

  const Clock& clock_;
  std::vector<Issuer> issuers_;
  std::unordered_map<std::string, std::size_t> by_iss_;
  mutable TokenCache cache_;
};

}  // namespace postern::identity
