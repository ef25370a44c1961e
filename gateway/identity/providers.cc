#include "gateway/identity/providers.h"

#include "gateway/identity/token_authenticator.h"
#include "gateway/identity/unix_peer.h"

namespace postern::identity {

Result<std::unique_ptr<Providers>> Providers::make(const std::vector<IssuerConfig>& issuers, const Clock& clock,
                                                   KeyRefresher& keys) {
  auto tokens = TokenAuthenticator::make(issuers, clock, keys);
  if (!tokens) return fail(tokens.error());
  auto out = std::make_unique<Providers>();
  // Asked in this order.
  out->list_.push_back(std::move(*tokens));
  out->list_.push_back(make_unix_peer_provider());
  return out;
}

AuthOutcome Providers::authenticate(const Presented& presented) const {
  for (const auto& provider : list_) {
    AuthOutcome outcome = provider->authenticate(presented);
    if (!std::holds_alternative<NotMine>(outcome)) return outcome;
  }
  return NotMine{};
}

Status Providers::refresh(std::string_view issuer_name) const {
  for (const auto& provider : list_) {
    Status done = provider->refresh(issuer_name);
    if (done || done.error().code != ErrorCode::not_found) return done;
  }
  return fail(ErrorCode::not_found, "no such issuer");
}

AuthOutcome Providers::authenticate_waiting(const Presented& presented) const {
  AuthOutcome outcome = authenticate(presented);
  const auto* needs = std::get_if<NeedsKeys>(&outcome);
  if (needs == nullptr) return outcome;
  const std::string issuer = needs->issuer;
  if (const Status done = refresh(issuer); !done) return Unavailable{done.error().message};
  outcome = authenticate(presented);
  if (std::holds_alternative<NeedsKeys>(outcome)) return Unavailable{"keys of issuer " + issuer + " cannot be had"};
  return outcome;
}

}  // namespace postern::identity
