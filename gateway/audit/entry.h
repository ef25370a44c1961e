// One line of the audit log: who did what, from where, under which rule, and what came of it (schema/audit_log.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/identity/identity.h"

namespace postern::audit {

// What happened. The printed names reach disk: never rename one, never give an old name a new meaning.
enum class EntryKind {
  gateway_start,           // "gateway.start"; detail: version, rules digest
  gateway_stop,            // "gateway.stop"
  rules_load,              // "rules.load": rules came into force
  rules_refused,           // "rules.refused": a broken file; the old rules stay
  advertise,               // "advertise": a ref advertisement was forwarded
  fetch,                   // "fetch": POST git-upload-pack was forwarded; detail: wants
  lfs,                     // "lfs": an LFS request was forwarded; detail: action, oids
  push_intent,             // "push.intent": durable before a push is forwarded
  push_outcome,            // "push.outcome": what came of it, per ref
  push_refused,            // "push.refused": refused by the gateway itself, nothing was forwarded
  direct_write,            // "direct.write": a write without a ticket, as the hook saw it
  access_refused,          // "access.refused": an identity asked for what no rule gives (not a push)
  auth_refused,            // "auth.refused": a credential that did not hold, of a known identity or issuer
  auth_refused_aggregate,  // "auth.refused_aggregate": refusals of one address in one minute
  token_issued,            // "token.issued"
  token_revoked,           // "token.revoked"
  deploy_outcome,          // "deploy.outcome": what postern-deploy reported
  approval,                // "approval"
  hook_pause,              // "hook.pause": recorded break-glass
};
std::string_view to_string(EntryKind kind);
std::optional<EntryKind> parse_entry_kind(std::string_view text);
std::string entry_kinds();  // every printed name, for messages

// Value: who, as far as it was found out; all empty for nobody.
struct Who {
  std::string name;
  std::string kind;  // human | workload | agent | direct (a writer past the gateway); empty: nobody
  std::string issuer;
  std::string subject;
  std::string client;
  std::string display;  // for people only
  bool operator==(const Who&) const = default;
};
Who who_of(const identity::Identity& identity);

// Value. Texts are free bytes; what is not UTF-8 is recorded with \xNN in its place.
struct AuditEntry {
  EntryKind kind = EntryKind::gateway_start;
  WallTime at{};
  std::string request_id;
  Who who;
  std::string from;                     // address of the client, "unix" for the socket; empty: the gateway itself
  std::string repository;               // "owner/name"; empty: none
  std::string rule;                     // the deciding grant, deny or policy rule; empty: none
  json::Value detail = json::Object{};  // an object: refs, wants, hook text, upstream's answer, digests, …
  bool operator==(const AuditEntry&) const = default;
};

inline constexpr std::size_t kMaxEntryBytes = std::size_t{4} << 20;  // of canonical bytes

// The bytes that are hashed and stored: one JSON object, members in the order of schema/audit_log.md. limit when they
// would be larger than kMaxEntryBytes.
Result<std::string> canonical_bytes(const AuditEntry& entry);
// The inverse, for stored bytes: corrupt when they are not what canonical_bytes writes.
Result<AuditEntry> parse_entry(std::string_view bytes);

// How a text stands in the record: itself, or with \xNN where it is not UTF-8.
std::string recorded_text(std::string_view text);

}  // namespace postern::audit
