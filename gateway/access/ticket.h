// The ticket that travels inside a push (schema/ticket.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/access/decision.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"
#include "gateway/identity/jws.h"

namespace postern::access {

inline constexpr std::string_view kTicketOption = "postern-ticket=";  // prefix of the push option
inline constexpr std::size_t kTicketOptionMax = 60000;                // bytes of one option
inline constexpr std::size_t kPushOptionsMax = 128 * 1024;            // all options of a push together

struct TicketIdentity {
  std::string name, kind, issuer, subject, client;
  bool operator==(const TicketIdentity&) const = default;
};

struct TicketGrant {
  std::string name;
  std::vector<Verb> verbs;
  std::vector<std::string> allowed_paths;  // empty: every path
  std::vector<std::string> denied_paths;
  bool operator==(const TicketGrant&) const = default;
};

// Value.
struct Ticket {
  std::string jti;  // 32 hex digits
  WallTime issued_at{};
  WallTime expires_at{};
  std::string issuer;  // external_url of the gateway
  TicketIdentity identity;
  std::string owner, name;              // repository
  std::optional<std::int64_t> repo_id;  // Gogs' id; none for kind = "git"
  Mode mode = Mode::enforce;
  std::string commands;  // git::command_digest
  std::vector<TicketGrant> grants;
  std::vector<unsigned> use;  // one index into grants per command
  std::string rules;          // digest of the rules in force
  Templates settings;         // only may_relax and severity travel
  bool operator==(const Ticket&) const;
};

// The compact JWS. internal when the key cannot sign.
Result<std::string> sign_ticket(const Ticket& ticket, const identity::SigningKey& key);

// Signature, type, key id and the form of every member (a `jti` of 32 lower-case hex digits, `use` within `grants`);
// times and binding are the caller's (the hook's) to judge.
// denied: not signed by one of `keys` (the message says when the kid is unknown: a stale bundle).
Result<Ticket> open_ticket(std::string_view jws, std::span<const identity::PublicKey> keys);

// The push options that carry `jws`: one, or `postern-ticket=<n>/<m>:<part>` pieces.
std::vector<std::string> ticket_options(std::string_view jws);

// The ticket's JWS from the options of a push, in any order among others; nullopt when there is none; invalid_input for
// two tickets, missing or doubled pieces.
Result<std::optional<std::string>> collect_ticket(std::span<const std::string> options);

}  // namespace postern::access
