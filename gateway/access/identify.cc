// From what a token proves to who it is.
#include <algorithm>
#include <array>

#include "gateway/access/rules.h"
#include "gateway/access/rules_index.h"
#include "gateway/base/encoding.h"

namespace postern::access {

namespace {

bool claim_holds(const json::Value& claims, const ClaimMatch& match) {
  const json::Value* claim = claims.find(match.claim);
  if (claim == nullptr) return false;
  bool holds = false;
  const Glob glob(match.glob ? match.value : std::string());
  for_each_claim_text(*claim, [&](std::string_view text) {
    if (match.glob ? glob.matches(text) : text == match.value) holds = true;
  });
  return holds;
}

// Why a token whose claims fit is still not this identity; empty when it is.
std::string_view client_fault(const IdentityRule& rule, const identity::VerifiedToken& token) {
  const bool human = rule.kind == identity::Kind::human;
  if (human && token.has_actor) return "delegated";
  const bool listed = std::find(rule.clients.begin(), rule.clients.end(), token.client) != rule.clients.end();
  if (!rule.clients.empty()) return listed && !token.client.empty() ? "" : "client";
  // A person's own shell on the gateway's machine has no client; every token of the network has.
  return human && rule.issuer != kUnixIssuer ? "client" : "";
}

void add_static_groups(const StringMap<std::vector<std::string>>& groups, identity::Identity& identity) {
  if (const auto found = groups.find(identity.name); found != groups.end()) identity.groups = found->second;
}

}  // namespace

std::string claim_key(std::string_view issuer, std::string_view claim, std::string_view value) {
  std::string key;
  key.reserve(issuer.size() + claim.size() + value.size() + 2);
  key.append(issuer).append(1, '\0').append(claim).append(1, '\0').append(value);
  return key;
}

void for_each_claim_text(const json::Value& claim, const std::function<void(std::string_view)>& visit) {
  const auto one = [&](const json::Value& value) {
    if (const auto* text = value.as_string()) visit(*text);
    if (const auto* number = value.as_int()) visit(std::to_string(*number));
    if (const auto* truth = value.as_bool()) visit(*truth ? "true" : "false");
  };
  if (const auto* array = claim.as_array()) {
    for (const auto& element : *array) one(element);
  } else {
    one(claim);
  }
}

void AccessRules::Index::build_identities() {
  for (std::uint32_t i = 0; i < rules.issuers.size(); ++i) issuer_by_name.emplace(rules.issuers[i].name, i);
  StringMap<std::uint32_t> count;
  for (const auto& rule : rules.identities) {
    for (const auto& match : rule.match) {
      if (!match.glob) ++count[claim_key(rule.issuer, match.claim, match.value)];
    }
  }
  const auto note_claim = [](StringMap<std::vector<std::string>>& claims, const std::string& issuer,
                             const std::string& claim) {
    auto& list = claims[issuer];
    if (std::find(list.begin(), list.end(), claim) == list.end()) list.push_back(claim);
  };
  for (std::uint32_t i = 0; i < rules.identities.size(); ++i) {
    const IdentityRule& rule = rules.identities[i];
    identity_by_name.emplace(rule.name, i);
    if (!rule.gogs_user.empty()) identity_by_gogs_user.emplace(rule.gogs_user, i);
    const ClaimMatch* rarest = nullptr;
    std::uint32_t least = 0;
    for (const auto& match : rule.match) {
      if (match.glob) continue;
      const std::uint32_t shared = count[claim_key(rule.issuer, match.claim, match.value)];
      if (rarest == nullptr || shared < least) {
        rarest = &match;
        least = shared;
      }
    }
    if (rarest == nullptr) {
      identities_by_glob[rule.issuer].push_back(i);
    } else {
      identities_by_claim[claim_key(rule.issuer, rarest->claim, rarest->value)].push_back(i);
      note_claim(identity_claims, rule.issuer, rarest->claim);
    }
  }
  for (std::uint32_t i = 0; i < rules.groups.size(); ++i) {
    const GroupRule& group = rules.groups[i];
    for (const auto& member : group.members) static_groups[member].push_back(group.name);
    for (const auto& claim : group.claims) {
      groups_by_claim[claim_key(claim.issuer, claim.claim, claim.value)].push_back(i);
      note_claim(group_claims, claim.issuer, claim.claim);
    }
  }
  for (auto& [identity, groups] : static_groups) {
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  }
}

std::variant<identity::Identity, IdentifyRefusal> AccessRules::identify(const identity::VerifiedToken& token) const {
  const Index& index = *index_;
  std::vector<std::uint32_t> candidates;
  if (const auto claims = index.identity_claims.find(token.issuer_name); claims != index.identity_claims.end()) {
    for (const auto& name : claims->second) {
      const json::Value* claim = token.claims.find(name);
      if (claim == nullptr) continue;
      for_each_claim_text(*claim, [&](std::string_view text) {
        const auto found = index.identities_by_claim.find(claim_key(token.issuer_name, name, text));
        if (found == index.identities_by_claim.end()) return;
        candidates.insert(candidates.end(), found->second.begin(), found->second.end());
      });
    }
  }
  if (const auto globs = index.identities_by_glob.find(token.issuer_name); globs != index.identities_by_glob.end()) {
    candidates.insert(candidates.end(), globs->second.begin(), globs->second.end());
  }
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());

  std::vector<const IdentityRule*> fitting;
  std::vector<std::string> turned_away;
  bool delegated = false;
  for (const std::uint32_t i : candidates) {
    const IdentityRule& rule = index.rules.identities[i];
    if (!std::all_of(rule.match.begin(), rule.match.end(),
                     [&](const ClaimMatch& match) { return claim_holds(token.claims, match); })) {
      continue;
    }
    const std::string_view fault = client_fault(rule, token);
    if (fault.empty()) {
      fitting.push_back(&rule);
    } else {
      turned_away.push_back(rule.name);
      delegated = delegated || fault == "delegated";
    }
  }
  if (fitting.size() > 1) {
    std::vector<std::string> names;
    for (const auto* rule : fitting) names.push_back(rule->name);
    return IdentifyRefusal{"ambiguous_identity",
                           "this token fits more than one identity here; an administrator has to tell them apart",
                           std::move(names)};
  }

  identity::Identity identity;
  identity.issuer = token.issuer_name;
  identity.subject = token.subject;
  identity.client = token.client;
  identity.display = token.display;
  if (fitting.size() == 1) {
    const IdentityRule& rule = *fitting.front();
    identity.name = rule.name;
    identity.kind = rule.kind;
    identity.sponsor = rule.sponsor;
    identity.gogs_user = rule.gogs_user;
    add_static_groups(index.static_groups, identity);
  } else {
    // A person's token in another program's hands is not a stranger's: it must not fall through to `unnamed`.
    if (!turned_away.empty()) {
      return IdentifyRefusal{"client_not_allowed",
                             delegated ? "this token was issued to a program acting for a person; use the person's own"
                                       : "this token was issued to a client that may not be used here",
                             std::move(turned_away)};
    }
    const auto found = index.issuer_by_name.find(token.issuer_name);
    const IssuerRule* issuer = found == index.issuer_by_name.end() ? nullptr : &index.rules.issuers[found->second];
    if (issuer == nullptr || issuer->unnamed == Unnamed::refuse) {
      return IdentifyRefusal{"no_identity", "this token is valid, but nobody here is known by it", {}};
    }
    if (token.subject.empty()) {
      return IdentifyRefusal{"no_subject", "this token names no subject (`sub`)", {}};
    }
    if (issuer->unnamed == Unnamed::human) {
      const bool listed = !token.client.empty() && std::find(issuer->clients.begin(), issuer->clients.end(),
                                                             token.client) != issuer->clients.end();
      if (!listed || token.has_actor) {
        return IdentifyRefusal{"client_not_allowed", "this token was issued to a client that may not be used here", {}};
      }
      identity.kind = identity::Kind::human;
    }
    identity.name = token.issuer_name + "/" + token.subject;
  }
  if (const auto claims = index.group_claims.find(token.issuer_name); claims != index.group_claims.end()) {
    for (const auto& name : claims->second) {
      const json::Value* claim = token.claims.find(name);
      if (claim == nullptr) continue;
      for_each_claim_text(*claim, [&](std::string_view text) {
        const auto groups = index.groups_by_claim.find(claim_key(token.issuer_name, name, text));
        if (groups == index.groups_by_claim.end()) return;
        for (const std::uint32_t i : groups->second) identity.groups.push_back(index.rules.groups[i].name);
      });
    }
    std::sort(identity.groups.begin(), identity.groups.end());
    identity.groups.erase(std::unique(identity.groups.begin(), identity.groups.end()), identity.groups.end());
  }
  return identity;
}

identity::Identity AccessRules::identify_gogs_user(std::string_view gogs_user) const {
  identity::Identity identity;
  identity.issuer = std::string(kGogsIssuer);
  identity.subject = std::string(gogs_user);
  identity.gogs_user = ascii_lower(gogs_user);
  const auto found = index_->identity_by_gogs_user.find(identity.gogs_user);
  if (found == index_->identity_by_gogs_user.end()) {
    identity.name = "gogs:" + identity.gogs_user;
    identity.kind = identity::Kind::human;
    return identity;
  }
  const IdentityRule& rule = index_->rules.identities[found->second];
  identity.name = rule.name;
  identity.kind = rule.kind;
  identity.sponsor = rule.sponsor;
  add_static_groups(index_->static_groups, identity);
  return identity;
}

const IdentityRule* AccessRules::find_identity(std::string_view name) const {
  const auto found = index_->identity_by_name.find(name);
  return found == index_->identity_by_name.end() ? nullptr : &index_->rules.identities[found->second];
}

}  // namespace postern::access
