#include "gateway/access/rules.h"

#include <algorithm>
#include <array>

#include "gateway/access/rules_index.h"
#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern::access {

namespace {

constexpr VerbSet kWrites = bit(Verb::create) | bit(Verb::update) | bit(Verb::force) | bit(Verb::delete_);

std::uint32_t intern(StringMap<std::uint32_t>& names, std::string_view name) {
  const auto found = names.find(name);
  if (found != names.end()) return found->second;
  const auto id = static_cast<std::uint32_t>(names.size());
  names.emplace(name, id);
  return id;
}

// The list made of these texts, which is made once.
template <class Pattern>
const std::vector<Pattern>* shared_list(std::map<std::vector<std::string>, std::vector<Pattern>>& lists,
                                        const std::vector<std::string>& texts) {
  const auto [list, is_new] = lists.try_emplace(texts);
  if (is_new) list->second = std::vector<Pattern>(texts.begin(), texts.end());
  return &list->second;
}

std::string place_of(const RepoPattern& pattern) {
  if (pattern.is_literal()) return pattern.text();
  const std::string_view owner = pattern.literal_owner();
  return owner.empty() ? std::string() : std::string(owner) + "/";
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

void add_all(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& item : from) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

std::vector<Verb> to_verbs(VerbSet set) {
  std::vector<Verb> verbs;
  for (const Verb verb : {Verb::read, Verb::create, Verb::update, Verb::force, Verb::delete_}) {
    if ((set & bit(verb)) != 0) verbs.push_back(verb);
  }
  return verbs;
}

// The rules that apply to one question, whatever its verb.
struct Tally {
  VerbSet granted = 0;
  VerbSet denied = 0;
  std::vector<const CompiledRule*> grants;
  std::vector<const CompiledRule*> denies;  // without paths
  std::vector<const CompiledRule*> path_denies;
};

}  // namespace

bool reaches_repo(const CompiledRule& rule, std::string_view full_name, bool is_wiki) {
  return std::any_of(rule.repos->begin(), rule.repos->end(),
                     [&](const RepoPattern& pattern) { return pattern.matches(full_name, is_wiki); });
}

bool reaches_ref(const CompiledRule& rule, std::string_view ref) {
  if (rule.any_ref) return true;
  if (rule.branches_and_tags) return ref.starts_with("refs/heads/") || ref.starts_with("refs/tags/");
  return std::any_of(rule.refs->begin(), rule.refs->end(), [&](const Glob& pattern) {
    return rule.is_deny ? pattern.matches(ref) : grant_reaches_ref(pattern, ref);
  });
}

bool in_force(const CompiledRule& rule, WallTime now) { return now < rule.until; }

bool from_here(const CompiledRule& rule, const std::optional<IpAddress>& address) {
  if (!rule.has_from) return true;
  // Not knowing where a caller is must not help it: no grant, every deny.
  if (!address) return rule.is_deny;
  const auto& from = rule.source->from;
  return std::any_of(from.begin(), from.end(), [&](const IpNetwork& network) { return network.contains(*address); });
}

CompiledRule AccessRules::Index::compile(const GrantRule& source, bool is_deny) {
  CompiledRule rule;
  rule.source = &source;
  rule.is_deny = is_deny;
  for (const Verb verb : source.verbs) rule.verbs |= bit(verb);
  // What a path rule cannot see must not pass it: a rewritten or deleted branch has no paths to judge.
  if (!is_deny && !source.paths.empty()) rule.verbs &= static_cast<VerbSet>(~(bit(Verb::force) | bit(Verb::delete_)));
  rule.repos = shared_list(repo_lists, source.repos);
  rule.refs = shared_list(ref_lists, source.refs);
  rule.any_ref = source.refs.empty() && is_deny;
  rule.branches_and_tags = source.refs.empty() && !is_deny;
  rule.has_paths = !source.paths.empty();
  rule.has_from = !source.from.empty();
  rule.until = source.until.value_or(WallTime::max());
  return rule;
}

void AccessRules::Index::build() {
  compiled.reserve(rules.denies.size() + rules.grants.size());
  for (const auto& rule : rules.denies) compiled.push_back(compile(rule, true));
  for (const auto& rule : rules.grants) compiled.push_back(compile(rule, false));
  intern(principals, "*");
  placed.resize(1);
  intern(places, "");
  for (std::uint32_t i = 0; i < compiled.size(); ++i) {
    for (const auto& pattern : *compiled[i].repos) {
      const std::uint32_t place = intern(places, place_of(pattern));
      const bool whole_owner =
          !pattern.literal_owner().empty() && pattern.text() == std::string(pattern.literal_owner()) + "/*";
      for (const auto& name : compiled[i].source->to) {
        const std::uint32_t principal = intern(principals, name);
        if (placed.size() <= principal) placed.resize(principal + 1);
        placed[principal].push_back(PlacedRule::make(place, i, whole_owner));
      }
    }
  }
  for (auto& list : placed) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  for (std::uint32_t i = 0; i < rules.roles.size(); ++i) {
    for (const auto& name : rules.roles[i].to) roles_of[name].push_back(i);
  }
  for (const auto& group : rules.groups) {
    const auto found = principals.find(group.name);
    if (!group.claims.empty() && found != principals.end()) claim_groups.push_back(found->second);
  }
  for (const auto& rule : rules.governed) {
    std::vector<RepoPattern> patterns(rule.repos.begin(), rule.repos.end());
    governed.emplace_back(std::move(patterns), &rule.governance);
  }
  for (const auto& rule : rules.templates) {
    std::vector<RepoPattern> patterns(rule.repos.begin(), rule.repos.end());
    templates.emplace_back(std::move(patterns), &rule.templates);
  }
  build_identities();
  digest = hex_encode(as_view(sha256(rules_to_json(rules))));
}

std::vector<Candidate> AccessRules::Index::candidates(const identity::Identity& identity,
                                                      const git::RepoPath& repo) const {
  std::vector<Candidate> found;
  const std::string& full_name = repo.full_name();
  const auto place = [&](std::string_view text) {
    const auto it = places.find(text);
    return it == places.end() ? std::optional<std::uint32_t>{} : it->second;
  };
  const std::optional<std::uint32_t> literal = place(full_name);
  const std::optional<std::uint32_t> owner = place(std::string_view(full_name).substr(0, repo.owner().size() + 1));
  const auto take = [&](std::uint32_t principal, bool only_denies) {
    const auto& list = placed[principal];
    if (list.empty()) return;
    for (const auto& where : {literal, owner, std::optional<std::uint32_t>(0)}) {
      if (!where) continue;
      for (auto it = std::lower_bound(list.begin(), list.end(), PlacedRule{*where, 0});
           it != list.end() && it->place == *where; ++it) {
        if (!only_denies || compiled[it->rule()].is_deny) {
          found.push_back({it->rule(), where == literal || (it->whole_owner() && !repo.is_wiki())});
        }
      }
    }
  };
  take(0, false);
  if (const auto it = principals.find(identity.name); it != principals.end()) take(it->second, false);
  for (const auto& group : identity.groups) {
    if (const auto it = principals.find(group); it != principals.end()) take(it->second, false);
  }
  // Which groups by claim the person behind a Gogs account is in, nobody can tell: their denies count.
  if (identity.issuer == kGogsIssuer) {
    for (const std::uint32_t group : claim_groups) take(group, true);
  }
  // Of a rule found twice the sure one stays.
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.rule != b.rule ? a.rule < b.rule : a.sure > b.sure;
  });
  found.erase(std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.rule == b.rule; }),
              found.end());
  return found;
}

namespace {

Tally tally(const std::vector<CompiledRule>& compiled, const std::vector<Candidate>& candidates,
            const git::RepoPath& repo, std::optional<std::string_view> ref, const std::optional<IpAddress>& address,
            WallTime now) {
  Tally result;
  const std::string& full_name = repo.full_name();
  for (const Candidate candidate : candidates) {
    const CompiledRule& rule = compiled[candidate.rule];
    if (!(candidate.sure || reaches_repo(rule, full_name, repo.is_wiki())) || !in_force(rule, now) ||
        !from_here(rule, address))
      continue;
    // Read rights are of the repository: refs limit writes alone.
    VerbSet verbs = rule.verbs;
    if (!ref || !reaches_ref(rule, *ref)) verbs &= bit(Verb::read);
    if (verbs == 0) continue;
    if (!rule.is_deny) {
      result.granted |= verbs;
      result.grants.push_back(&rule);
    } else if (!rule.has_paths) {
      result.denied |= verbs;
      result.denies.push_back(&rule);
    } else {
      result.path_denies.push_back(&rule);
    }
  }
  return result;
}

// The answer to "may one of `asked`", where `paths_of` are the verbs whose paths count.
Decision settle(const Tally& tally, VerbSet asked, const identity::Identity& identity, const git::RepoPath& repo,
                std::string_view ref, std::string_view asked_text) {
  Decision decision;
  const auto place = [&] { return ref.empty() ? repo.full_name() : std::string(ref) + " of " + repo.full_name(); };
  const VerbSet allowed = tally.granted & static_cast<VerbSet>(~tally.denied);
  decision.verbs = to_verbs(allowed);
  if ((allowed & asked) == 0) {
    // A deny is named where it decides: it takes away what was granted, or it would if it were. One of force alone says
    // nothing to somebody who may not even update.
    const VerbSet plain = (asked & bit(Verb::update)) != 0 ? bit(Verb::update) : asked;
    std::vector<std::string> names;
    for (const CompiledRule* rule : tally.denies) {
      if ((rule->verbs & (plain | (asked & tally.granted))) != 0) names.push_back(rule->source->name);
    }
    decision.rule = join(names);
    if ((tally.granted & asked) != 0) {
      decision.reason = std::string(asked_text) + " on " + place() + " is denied by rule " + names.front();
      return decision;
    }
    decision.reason = "no grant gives " + std::string(asked_text) + " on " + place() + " to " + identity.name;
    if (!names.empty()) decision.reason += ", and it is denied by rule " + names.front();
    return decision;
  }
  decision.allowed = true;
  // An update that turns out to be forced is judged by the paths of update too, where both are granted: the stricter.
  VerbSet deciding = allowed & asked;
  if ((deciding & bit(Verb::update)) != 0) deciding = bit(Verb::update);
  std::vector<std::string> names;
  bool every_path = false;
  for (const CompiledRule* rule : tally.grants) {
    if ((rule->verbs & deciding) == 0) continue;
    names.push_back(rule->source->name);
    if (rule->has_paths) {
      add_all(decision.allowed_paths, rule->source->paths);
    } else {
      every_path = true;
    }
  }
  if (every_path) decision.allowed_paths.clear();
  for (const CompiledRule* rule : tally.path_denies) {
    if ((rule->verbs & allowed & asked) != 0) add_all(decision.denied_paths, rule->source->paths);
  }
  decision.rule = join(names);
  decision.reason.reserve(asked_text.size() + ref.size() + decision.rule.size() + 160);
  decision.reason.append(asked_text).append(" on ").append(place()).append(" is granted by ").append(decision.rule);
  return decision;
}

std::optional<Decision> refuse_ref(std::string_view ref) {
  Decision decision;
  if (!git::is_valid_ref_name(ref)) {
    decision.reason = "not a ref name that a rule can be about: " + printable(ref, 200);
    return decision;
  }
  if (is_replace_ref(ref)) {
    decision.reason = "refs/replace/ is never written: it would show reviewers another history than it shows cloners";
    return decision;
  }
  return std::nullopt;
}

}  // namespace

Decision AccessRules::decide(const identity::Identity& identity, const git::RepoPath& repo, std::string_view ref,
                             Verb verb, const std::optional<IpAddress>& address, WallTime now) const {
  if (verb == Verb::read) return decide_read(identity, repo, address, now);
  if (auto refused = refuse_ref(ref)) return *std::move(refused);
  const Tally found = tally(index_->compiled, index_->candidates(identity, repo), repo, ref, address, now);
  return settle(found, bit(verb), identity, repo, ref, to_string(verb));
}

Decision AccessRules::decide_read(const identity::Identity& identity, const git::RepoPath& repo,
                                  const std::optional<IpAddress>& address, WallTime now) const {
  const Tally found = tally(index_->compiled, index_->candidates(identity, repo), repo, std::nullopt, address, now);
  return settle(found, bit(Verb::read), identity, repo, "", "read");
}

Decision AccessRules::decide_update(const identity::Identity& identity, const git::RepoPath& repo,
                                    const git::RefUpdate& command, const std::optional<IpAddress>& address,
                                    WallTime now) const {
  if (command.is_create()) return decide(identity, repo, command.ref, Verb::create, address, now);
  if (command.is_delete()) return decide(identity, repo, command.ref, Verb::delete_, address, now);
  if (command.ref.starts_with("refs/tags/")) {
    Decision decision = decide(identity, repo, command.ref, Verb::force, address, now);
    if (!decision.allowed) decision.reason += " (moving a tag is force)";
    return decision;
  }
  if (auto refused = refuse_ref(command.ref)) return *std::move(refused);
  const Tally found = tally(index_->compiled, index_->candidates(identity, repo), repo, command.ref, address, now);
  return settle(found, bit(Verb::update) | bit(Verb::force), identity, repo, command.ref, "update");
}

bool AccessRules::may_any(const identity::Identity& identity, const git::RepoPath& repo,
                          const std::optional<IpAddress>& address, WallTime now) const {
  VerbSet granted = 0;
  VerbSet denied = 0;
  const std::string& full_name = repo.full_name();
  for (const Candidate candidate : index_->candidates(identity, repo)) {
    const CompiledRule& rule = index_->compiled[candidate.rule];
    if (!(candidate.sure || reaches_repo(rule, full_name, repo.is_wiki())) || !in_force(rule, now) ||
        !from_here(rule, address))
      continue;
    if (!rule.is_deny) {
      granted |= rule.verbs;
    } else if (!rule.has_paths) {
      denied |= static_cast<VerbSet>(rule.verbs & (rule.any_ref ? kWrites | bit(Verb::read) : bit(Verb::read)));
    }
  }
  return (granted & static_cast<VerbSet>(~denied)) != 0;
}

bool AccessRules::may(const identity::Identity& identity, std::string_view what) const {
  const auto allows = [&](std::string_view principal) {
    const auto found = index_->roles_of.find(principal);
    if (found == index_->roles_of.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](std::uint32_t i) {
      const auto& may = index_->rules.roles[i].may;
      return std::find(may.begin(), may.end(), what) != may.end();
    });
  };
  return allows("*") || allows(identity.name) ||
         std::any_of(identity.groups.begin(), identity.groups.end(), [&](const auto& group) { return allows(group); });
}

Governance AccessRules::governance_of(const git::RepoPath& repo) const {
  for (const auto& [patterns, governance] : index_->governed) {
    if (std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return p.matches(repo); })) {
      return *governance;
    }
  }
  return {};
}

const Templates* AccessRules::templates_of(const git::RepoPath& repo) const {
  for (const auto& [patterns, templates] : index_->templates) {
    if (std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return p.matches(repo); })) return templates;
  }
  return nullptr;
}

const std::string& AccessRules::digest() const { return index_->digest; }
const RuleSet& AccessRules::rule_set() const { return index_->rules; }

Result<std::shared_ptr<const AccessRules>> AccessRules::make(RuleSet rules, std::span<const std::string> environments) {
  for (const auto& problem : examine(rules, environments)) {
    if (!problem.is_error) continue;
    const std::string place =
        problem.origin.file.empty() ? "" : problem.origin.file + ":" + std::to_string(problem.origin.line) + ": ";
    return fail(ErrorCode::bad_usage, place + problem.key + ": " + problem.message);
  }
  for (auto& rule : rules.governed) rule.governance.governed = true;
  auto index = std::make_unique<Index>();
  index->rules = std::move(rules);
  index->build();
  std::shared_ptr<AccessRules> made(new AccessRules);
  made->index_ = std::move(index);
  return made;
}

AccessRules::AccessRules() = default;
AccessRules::~AccessRules() = default;

}  // namespace postern::access
