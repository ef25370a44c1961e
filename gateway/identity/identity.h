// Who a caller is: first what its token proves, then which identity of the rules that makes it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"

namespace postern::identity {

enum class Kind { human, workload, agent };
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

// Value: a token whose signature, issuer, audience and times held. What it entitles to is the rules' business.
// Unix-socket peers are tokens of issuer "unix" with the claims uid, gid (numbers) and user (string).
struct VerifiedToken {
  std::string issuer_name;  // `name` of the [[issuer]] that verified it
  std::string subject;      // `sub`
  std::string client;       // azp, else appid, else client_id; may be empty
  std::string token_id;     // `jti`, else `uti`; may be empty
  std::string display;      // what name_claim holds; for people only, never for decisions
  bool has_actor = false;   // an `act` claim is there: such a token is never human
  WallTime expires_at{};
  json::Value claims;  // the whole payload
};

// Value: an identity of the rules (or <issuer>/<subject> where the issuer's `unnamed` lets it in).
struct Identity {
  std::string name;
  Kind kind = Kind::workload;
  std::string issuer;  // [[issuer]] name, "unix", or "gogs" for passthrough and direct writers
  std::string subject;
  std::string client;
  std::string display;
  std::string sponsor;
  std::string gogs_user;
  std::vector<std::string> groups;  // names of [[group]]s it belongs to, sorted
};

// The answers of an authenticator. Each refusal has a stable reason id for the log (for example "expired",
// "wrong_audience", "unknown_issuer", "alg_not_allowed", "bad_signature") and a sentence the caller can act on, which
// never quotes the token.
struct NotMine {};  // nothing here that this authenticator reads
struct Refused {
  std::string reason;
  std::string advice;
};
struct Unavailable {  // keys could not be had: 503, never 401 (git erases stored credentials after a 401)
  std::string reason;
};
struct NeedsKeys {     // not known without asking the network: call refresh(issuer) where waiting is allowed, then ask
                       // again
  std::string issuer;  // [[issuer]] name
};
// Shared, because the same token comes again and again: it is read, never copied.
using VerifiedTokenPtr = std::shared_ptr<const VerifiedToken>;
using AuthOutcome = std::variant<NotMine, VerifiedTokenPtr, Refused, Unavailable, NeedsKeys>;

}  // namespace postern::identity
