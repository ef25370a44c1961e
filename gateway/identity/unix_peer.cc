#include "gateway/identity/unix_peer.h"

namespace postern::identity {
namespace {

class UnixPeerProvider final : public IdentityProvider {
 public:
  AuthOutcome authenticate(const Presented& presented) const override {
    // Who brings a credential wants to be known by it; the socket may belong to a proxy that speaks for strangers.
    if (!presented.peer || !presented.token.empty()) return NotMine{};
    return std::make_shared<const VerifiedToken>(unix_peer_token(*presented.peer));
  }
  Status refresh(std::string_view) const override { return fail(ErrorCode::not_found, "issuer unix needs no keys"); }
};

}  // namespace

VerifiedToken unix_peer_token(const UnixPeer& peer) {
  VerifiedToken token;
  token.issuer_name = "unix";
  token.subject = std::to_string(peer.uid);
  token.display = peer.user;
  token.expires_at = WallTime::max();
  token.claims.set("uid", static_cast<std::int64_t>(peer.uid));
  token.claims.set("gid", static_cast<std::int64_t>(peer.gid));
  if (!peer.user.empty()) token.claims.set("user", peer.user);
  return token;
}

std::unique_ptr<IdentityProvider> make_unix_peer_provider() { return std::make_unique<UnixPeerProvider>(); }

}  // namespace postern::identity
