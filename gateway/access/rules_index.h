// How AccessRules finds the few rules that can matter. Internal to this folder.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/access/patterns.h"
#include "gateway/access/rules.h"

namespace postern::access {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

using VerbSet = std::uint8_t;  // one bit per Verb
constexpr VerbSet bit(Verb verb) { return static_cast<VerbSet>(1U << static_cast<unsigned>(verb)); }

// A grant or deny made ready. What most questions need stands first: a decision among 100,000 rules is as slow as the
// memory that it has to touch for the first time.
struct CompiledRule {
  VerbSet verbs = 0;  // of a grant with paths: without force and delete
  bool is_deny = false;
  bool has_paths = false;
  bool has_from = false;
  bool any_ref = false;            // a deny without refs
  bool branches_and_tags = false;  // a grant without refs
  WallTime until = WallTime::max();
  const GrantRule* source = nullptr;
  // Lists that many rules have alike, as "main and feature branches", stand once in memory: there they stay warm.
  const std::vector<RepoPattern>* repos = nullptr;
  const std::vector<Glob>* refs = nullptr;
};

// A rule that names some principal, where its pattern puts it.
struct PlacedRule {
  std::uint32_t place = 0;
  std::uint32_t rule_and_mark = 0;  // the mark: the pattern is "owner/*"
  static PlacedRule make(std::uint32_t place, std::uint32_t rule, bool whole_owner) {
    return {place, rule << 1 | static_cast<std::uint32_t>(whole_owner)};
  }
  std::uint32_t rule() const { return rule_and_mark >> 1; }
  bool whole_owner() const { return (rule_and_mark & 1) != 0; }
  auto operator<=>(const PlacedRule&) const = default;
};

// A rule that may matter; `sure`: it names the repository, or every one of its owner, so that no pattern has to be
// looked at.
struct Candidate {
  std::uint32_t rule = 0;
  bool sure = false;
};

struct AccessRules::Index {
  RuleSet rules;
  std::string digest;

  // Denies, then grants, each in the order of the configuration; a rule is named by its place here.
  std::vector<CompiledRule> compiled;
  // The lists that they point to, by their texts.
  std::map<std::vector<std::string>, std::vector<RepoPattern>> repo_lists;
  std::map<std::vector<std::string>, std::vector<Glob>> ref_lists;

  // Everybody that a rule can be for: "*" is 0, then identities and groups that some rule names.
  StringMap<std::uint32_t> principals;
  // Places a rule can be about: "" is 0 (patterns without a literal owner), "owner/" (patterns below an owner),
  // "owner/name" (literal).
  StringMap<std::uint32_t> places;
  std::vector<std::vector<PlacedRule>> placed;  // by principal; sorted
  std::vector<std::uint32_t> claim_groups;      // principals of groups with claims

  StringMap<std::uint32_t> identity_by_name;
  StringMap<std::uint32_t> identity_by_gogs_user;
  StringMap<std::vector<std::string>> static_groups;  // identity -> its groups, sorted
  // One exact claim of each identity, its rarest, as claim_key() -> identities; and the claims to look under, by
  // issuer.
  StringMap<std::vector<std::uint32_t>> identities_by_claim;
  StringMap<std::vector<std::string>> identity_claims;
  StringMap<std::vector<std::uint32_t>> identities_by_glob;  // by issuer: those without an exact claim
  StringMap<std::vector<std::uint32_t>> groups_by_claim;
  StringMap<std::vector<std::string>> group_claims;
  StringMap<std::uint32_t> issuer_by_name;

  StringMap<std::vector<std::uint32_t>> roles_of;  // principal's name -> roles

  std::vector<std::pair<std::vector<RepoPattern>, const Governance*>> governed;
  std::vector<std::pair<std::vector<RepoPattern>, const Templates*>> templates;

  void build();
  CompiledRule compile(const GrantRule& source, bool is_deny);
  void build_identities();
  // The rules that name one of the identity's principals and may name the repository; ascending, each once.
  std::vector<Candidate> candidates(const identity::Identity& identity, const git::RepoPath& repo) const;
};

std::string claim_key(std::string_view issuer, std::string_view claim, std::string_view value);
// Calls `visit(text)` for each text that a claim counts as: itself, or each element of its array. Numbers and booleans
// count as written; objects and null as nothing.
void for_each_claim_text(const json::Value& claim, const std::function<void(std::string_view)>& visit);

bool reaches_ref(const CompiledRule& rule, std::string_view ref);
bool reaches_repo(const CompiledRule& rule, std::string_view full_name, bool is_wiki);
bool in_force(const CompiledRule& rule, WallTime now);
bool from_here(const CompiledRule& rule, const std::optional<IpAddress>& address);

}  // namespace postern::access
