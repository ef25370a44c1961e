// Who may do what: the rules of the configuration, checked, indexed and asked.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/access/decision.h"
#include "gateway/base/clock.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"
#include "gateway/identity/identity.h"

namespace postern::access {

inline constexpr std::string_view kUnixIssuer = "unix";  // peers of the Unix socket
inline constexpr std::string_view kGogsIssuer = "gogs";  // passthrough and direct writers

// Where a rule was written, for messages and `access explain`; takes no part in the digest.
struct Origin {
  std::string file;
  unsigned line = 0;
};

// The sections of the configuration that are rules (docs/configuration.md), as written; AccessRules::make judges them.
// All are values.

struct ClaimMatch {
  std::string claim;
  std::string value;  // equal to the claim's string, or contained in its array; a Glob where `glob`
  bool glob = false;
};

struct IdentityRule {
  std::string name;
  identity::Kind kind = identity::Kind::workload;
  std::string issuer;                // a [[issuer]] name or "unix"
  std::vector<ClaimMatch> match;     // all must hold; never empty
  std::vector<std::string> clients;  // empty: any client, which a human never gets but from issuer "unix"
  std::string sponsor;               // agents
  std::string gogs_user;             // lower case
  Origin origin;
};

struct GroupClaim {
  std::string issuer;
  std::string claim;
  std::string value;
};
struct GroupRule {
  std::string name;
  std::vector<std::string> members;  // identities
  std::vector<GroupClaim> claims;    // any of them makes a member
  Origin origin;
};

struct RoleRule {
  std::string name;
  std::vector<std::string> to;
  std::vector<std::string> may;  // approve:ENV, rollback:ENV, audit:read, pushes:read, deploy:report, admin
  Origin origin;
};

struct GovernedRule {
  std::vector<std::string> repos;
  Governance governance;
  Origin origin;
};

// A [[grant]] or a [[deny]].
struct GrantRule {
  std::string name;
  std::vector<std::string> to;     // identities, groups, "*"
  std::vector<std::string> repos;  // patterns, lower case
  std::vector<Verb> verbs;
  std::vector<std::string> refs;   // empty: a grant means heads and tags, a deny means every ref
  std::vector<std::string> paths;  // empty: every path
  std::optional<WallTime> until;   // no longer in force at this instant
  std::vector<IpNetwork> from;     // empty: any address
  Origin origin;
};

struct TemplatesRule {
  std::vector<std::string> repos;
  Templates templates;
  Origin origin;
};

// What a valid token gets that no identity names ([[issuer]] unnamed).
enum class Unnamed { refuse, human, workload };
struct IssuerRule {
  std::string name;
  Unnamed unnamed = Unnamed::refuse;
  std::vector<std::string> clients;  // for `human`: the clients whose tokens count
};

struct RuleSet {
  std::vector<IssuerRule> issuers;  // "unix" need not be listed
  std::vector<IdentityRule> identities;
  std::vector<GroupRule> groups;
  std::vector<RoleRule> roles;
  std::vector<GovernedRule> governed;    // the first that names a repository wins
  std::vector<TemplatesRule> templates;  // likewise
  std::vector<GrantRule> grants;
  std::vector<GrantRule> denies;
};

// A mistake or a doubt in a RuleSet, tied to the rule it was found in.
struct RuleProblem {
  Origin origin;
  std::string key;      // "[[grant]] orders-team-writes-orders: to"
  std::string message;  // what is wrong; accepted: …
  bool is_error = true;
};

// A token that proves who it is and still is nobody here. `reason` is a stable id: "no_identity" (nothing names it),
// "ambiguous_identity" (two do; both in `names`), "client_not_allowed" (its claims name somebody, its client or its
// `act` claim does not), "no_subject". `advice` is for the caller and names no identity; `names` is for the log.
struct IdentifyRefusal {
  std::string reason;
  std::string advice;
  std::vector<std::string> names;
};

// One line of `access explain`.
struct Explanation {
  std::string rule;  // "grant orders-team-writes-orders"
  Origin origin;
  bool applies = false;
  std::string because;  // why it did or did not decide
};

// Shared immutable: made once, asked from any thread.
class AccessRules {
 public:
  // Every mistake that needs the whole set to be seen (unknown names, doubles, grants to nobody, paths in a repository
  // that no [[governed]] names, …) and every doubt worth a warning. `environments`: names that roles may name.
  static std::vector<RuleProblem> examine(const RuleSet& rules, std::span<const std::string> environments = {});
  // bad_usage with the first mistake when examine() finds one.
  static Result<std::shared_ptr<const AccessRules>> make(RuleSet rules, std::span<const std::string> environments = {});

  std::variant<identity::Identity, IdentifyRefusal> identify(const identity::VerifiedToken& token) const;
  // The identity behind a Gogs account (direct writes, passthrough). An account that no identity names is
  // "gogs:<user>", issuer "gogs", and only rules for "*" reach it. Groups by claim are unknown for both: such a group
  // grants nothing, and its denies count.
  identity::Identity identify_gogs_user(std::string_view gogs_user) const;
  // By name; null when no [[identity]] has it. Lives as long as the rules.
  const IdentityRule* find_identity(std::string_view name) const;

  // One verb on one ref; `read` takes no ref. A deny that matches always wins. `address`: none when it is not known
  // (Unix sockets, direct writes): then `from` of a grant does not match and `from` of a deny does.
  Decision decide(const identity::Identity& identity, const git::RepoPath& repo, std::string_view ref, Verb verb,
                  const std::optional<IpAddress>& address, WallTime now) const;
  Decision decide_read(const identity::Identity& identity, const git::RepoPath& repo,
                       const std::optional<IpAddress>& address, WallTime now) const;
  // One command of a push. Creating asks for `create`, deleting for `delete`, moving a tag for `force`. Moving any
  // other ref needs `update` or `force`, since only the hook sees which it is: `verbs` of the answer tells it what is
  // granted, and its paths are those of `update` where that is granted.
  Decision decide_update(const identity::Identity& identity, const git::RepoPath& repo, const git::RefUpdate& command,
                         const std::optional<IpAddress>& address, WallTime now) const;
  // True when any verb on any ref is granted and not denied on the whole repository: the advertisement may be seen.
  bool may_any(const identity::Identity& identity, const git::RepoPath& repo, const std::optional<IpAddress>& address,
               WallTime now) const;

  // Roles: `what` is one of the closed list ("audit:read", "approve:prod"); nothing implies another.
  bool may(const identity::Identity& identity, std::string_view what) const;

  Governance governance_of(const git::RepoPath& repo) const;
  const Templates* templates_of(const git::RepoPath& repo) const;  // null: none

  // SHA-256 in hex of the canonical JSON of the rules: what is in force, independent of files, lines and their order.
  const std::string& digest() const;
  const RuleSet& rule_set() const;

  // Each deny and grant in order with why it did or did not decide, then the decision itself as the last line.
  std::vector<Explanation> explain(const identity::Identity& identity, const git::RepoPath& repo, std::string_view ref,
                                   Verb verb, const std::optional<IpAddress>& address, WallTime now) const;

  ~AccessRules();

 private:
  struct Index;
  AccessRules();
  std::unique_ptr<const Index> index_;
};

// rules.json (canonical: what the digest is of) and back. invalid_input names the fault.
std::string rules_to_json(const RuleSet& rules);
Result<RuleSet> rules_from_json(std::string_view text);

}  // namespace postern::access
