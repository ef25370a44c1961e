// Who vouches for a caller: a list that is asked in order, each provider in a file of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/identity/claims.h"
#include "gateway/identity/identity.h"
#include "gateway/identity/key_set.h"

namespace postern::identity {

// The other end of a Unix socket, as the kernel names it (SO_PEERCRED).
struct UnixPeer {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;  // account name; empty when there is none
};

// What a request brings. `token` is valid during the call only.
struct Presented {
  std::string_view token;  // of credential_of(); empty when there is none
  std::optional<UnixPeer> peer;
};

// Thread-safe. A provider that is not meant says NotMine, and the next one is asked; any other answer is final, so a
// bad token never falls back to the account at the other end of the socket.
class IdentityProvider {
 public:
  virtual ~IdentityProvider() = default;
  // Never waits for the network: what it cannot know without is NeedsKeys.
  virtual AuthOutcome authenticate(const Presented& presented) const = 0;
  // After NeedsKeys, where waiting is allowed (a worker): at most 2 * kFetchTimeout. not_found for another's issuer.
  virtual Status refresh(std::string_view issuer_name) const = 0;
};

// Immutable after make(); thread-safe.
class Providers final : public IdentityProvider {
 public:
  // The list of providers stands in here. bad_usage for issuers of one name or one `iss`, or without audiences.
  // `clock` and `keys` outlive it; key sets stay in `keys` from one configuration to the next.
  static Result<std::unique_ptr<Providers>> make(const std::vector<IssuerConfig>& issuers, const Clock& clock,
                                                 KeyRefresher& keys);

  AuthOutcome authenticate(const Presented& presented) const override;
  Status refresh(std::string_view issuer_name) const override;
  // authenticate() where waiting is allowed: refreshes once when keys are needed; never answers NeedsKeys.
  AuthOutcome authenticate_waiting(const Presented& presented) const;

 private:
  std::vector<std::unique_ptr<IdentityProvider>> list_;
};

// The token that the kernel's word about a peer amounts to: issuer "unix", subject = the uid in decimal, claims uid and
// gid (numbers) and user (string, when there is an account). It never expires.
VerifiedToken unix_peer_token(const UnixPeer& peer);

}  // namespace postern::identity
