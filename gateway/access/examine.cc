// What can only be judged with all rules in sight.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "gateway/access/patterns.h"
#include "gateway/access/rules.h"
#include "gateway/base/encoding.h"

namespace postern::access {

namespace {

constexpr std::array<std::string_view, 4> kPlainMays{"audit:read", "pushes:read", "deploy:report", "admin"};

bool has(const std::vector<Verb>& verbs, Verb verb) {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

template <class List>
bool contains(const List& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Why `pattern` can be no pattern of repositories; empty when it can.
std::string repo_pattern_fault(std::string_view pattern) {
  if (pattern == "**") return "";
  const std::size_t slash = pattern.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == pattern.size() ||
      pattern.find('/', slash + 1) != std::string_view::npos) {
    return "accepted: owner/name, where * stands for any part of a name (platform/*, */*)";
  }
  if (pattern.ends_with(".git")) return "accepted: owner/name without .git";
  for (const char c : pattern) {
    const bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
                       c == '*' || c == '?' || c == '/';
    if (!known) return "accepted: letters, digits, - _ . and the wildcards * and ?";
  }
  return "";
}

std::string ref_pattern_fault(std::string_view pattern, bool is_deny) {
  if (pattern == "**" && is_deny) return "";
  if (!pattern.starts_with("refs/")) {
    return fmt::format("accepted: full names such as refs/heads/{} or refs/tags/*",
                       pattern.empty() ? std::string_view("main") : pattern);
  }
  if (pattern.size() == 5 || pattern.ends_with('/') || pattern.find("//") != std::string_view::npos) {
    return "accepted: full names such as refs/heads/main or refs/heads/**";
  }
  if (!is_deny && is_replace_ref(pattern)) return "refs/replace/ is never granted";
  return "";
}

std::string path_pattern_fault(std::string_view pattern) {
  bool bad = pattern.empty() || pattern.front() == '/' || pattern.back() == '/';
  for (std::size_t at = 0; !bad && at <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', at), pattern.size());
    const std::string_view segment = pattern.substr(at, end - at);
    bad = segment.empty() || segment == "." || segment == "..";
    at = end + 1;
  }
  return bad ? "accepted: paths from the repository's root such as apis/orders/** (no / in front or behind, no . or ..)"
             : "";
}

class Examiner {
 public:
  Examiner(const RuleSet& rules, std::span<const std::string> environments)
      : rules_(rules), environments_(environments) {}

  std::vector<RuleProblem> run() {
    issuers_.insert(std::string(kUnixIssuer));
    for (const auto& issuer : rules_.issuers) issuers_.insert(issuer.name);
    for (const auto& identity : rules_.identities) add_name(identity.name, identity.origin, "identity");
    for (const auto& group : rules_.groups) add_name(group.name, group.origin, "group");
    for (const auto& identity : rules_.identities) examine(identity);
    for (const auto& group : rules_.groups) examine(group);
    for (const auto& role : rules_.roles) examine(role);
    for (std::size_t i = 0; i < rules_.governed.size(); ++i) examine_list("governed", rules_.governed, i);
    for (std::size_t i = 0; i < rules_.templates.size(); ++i) examine_list("templates", rules_.templates, i);
    std::map<std::string, Origin, std::less<>> names;
    for (const bool is_deny : {false, true}) {
      for (const auto& rule : is_deny ? rules_.denies : rules_.grants) {
        examine(rule, is_deny);
        const auto [first, fresh] = names.emplace(rule.name, rule.origin);
        if (!fresh) {
          error(rule.origin, is_deny ? "[[deny]] name" : "[[grant]] name",
                fmt::format("\"{}\" is already the name of the rule at {}", rule.name, place(first->second)));
        }
      }
    }
    find_hidden_grants();
    find_twins();
    return std::move(problems_);
  }

 private:
  static std::string place(const Origin& origin) { return fmt::format("{}:{}", origin.file, origin.line); }

  void error(const Origin& origin, std::string key, std::string message) {
    problems_.push_back({origin, std::move(key), std::move(message), true});
  }
  void warning(const Origin& origin, std::string key, std::string message) {
    problems_.push_back({origin, std::move(key), std::move(message), false});
  }

  void add_name(const std::string& name, const Origin& origin, std::string_view section) {
    const std::string key = fmt::format("[[{}]] name", section);
    bool plain = !name.empty() && name.size() <= 64;
    for (const char c : name) {
      plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                        c == '_' || c == '.' || c == '@');
    }
    if (!plain) {
      error(origin, key,
            fmt::format("\"{}\" is no name; accepted: up to 64 letters, digits, - _ . @", printable(name, 80)));
    }
    if (name == "anonymous" || name == kGogsIssuer) error(origin, key, fmt::format("\"{}\" is reserved", name));
    const auto [first, fresh] = principals_.emplace(name, origin);
    if (!fresh) {
      error(origin, key,
            fmt::format("\"{}\" is already the name of the identity or group at {}; they share one namespace", name,
                        place(first->second)));
    }
    if (section == "identity") identities_.insert(name);
  }

  void examine_issuer(const Origin& origin, std::string key, const std::string& issuer) {
    if (issuers_.contains(issuer)) return;
    error(origin, std::move(key),
          fmt::format("no [[issuer]] is named \"{}\"; accepted: {}", issuer, fmt_join(issuers_)));
  }

  template <class Names>
  static std::string fmt_join(const Names& names) {
    std::string text;
    std::size_t shown = 0;
    for (const auto& name : names) {
      if (++shown > 12) return text + ", …";
      text += (text.empty() ? "" : ", ") + std::string(name);
    }
    return text;
  }

  void examine(const IdentityRule& rule) {
    const auto key = [&](std::string_view member) { return fmt::format("[[identity]] {}: {}", rule.name, member); };
    examine_issuer(rule.origin, key("issuer"), rule.issuer);
    if (rule.match.empty()) {
      error(rule.origin, key("match"),
            "names no claim, so every token would fit; accepted: match = { claim = \"value\" }");
    }
    for (const auto& match : rule.match) {
      if (match.value.empty())
        error(rule.origin, key("match"), fmt::format("claim \"{}\" is matched with nothing", match.claim));
    }
    if (rule.kind == identity::Kind::human && rule.issuer != kUnixIssuer && rule.clients.empty()) {
      error(rule.origin, key("clients"),
            "a human needs the list of clients whose tokens count as the person's own, else any program with a token "
            "on behalf of that person would be the person");
    }
    if (rule.kind == identity::Kind::agent && rule.sponsor.empty()) {
      error(rule.origin, key("sponsor"), "an agent needs the human who answers for it");
    }
    if (!rule.sponsor.empty()) {
      const auto sponsor = std::find_if(rules_.identities.begin(), rules_.identities.end(),
                                        [&](const auto& other) { return other.name == rule.sponsor; });
      if (sponsor == rules_.identities.end()) {
        error(rule.origin, key("sponsor"), fmt::format("no [[identity]] is named \"{}\"", rule.sponsor));
      } else if (sponsor->kind != identity::Kind::human) {
        error(rule.origin, key("sponsor"), fmt::format("\"{}\" is no human", rule.sponsor));
      }
    }
    if (!rule.gogs_user.empty()) {
      const auto [first, fresh] = gogs_users_.emplace(rule.gogs_user, rule.name);
      if (!fresh) {
        error(rule.origin, key("gogs_user"),
              fmt::format("\"{}\" is already the Gogs account of \"{}\"", rule.gogs_user, first->second));
      }
    }
  }

  void examine(const GroupRule& rule) {
    const auto key = [&](std::string_view member) { return fmt::format("[[group]] {}: {}", rule.name, member); };
    for (const auto& member : rule.members) {
      if (identities_.contains(member)) continue;
      error(rule.origin, key("members"),
            principals_.contains(member) ? fmt::format("\"{}\" is a group; groups do not nest", member)
                                         : fmt::format("no [[identity]] is named \"{}\"", member));
    }
    for (const auto& claim : rule.claims) {
      examine_issuer(rule.origin, key("claims"), claim.issuer);
      if (claim.claim.empty() || claim.value.empty())
        error(rule.origin, key("claims"), "claim and value must not be empty");
    }
    if (rule.members.empty() && rule.claims.empty()) {
      warning(rule.origin, key("members"), "nobody can be in this group: it has neither members nor claims");
      empty_groups_.insert(rule.name);
    }
  }

  // True when somebody can be meant.
  bool examine_to(const Origin& origin, const std::string& key, const std::vector<std::string>& to) {
    bool somebody = false;
    for (const auto& name : to) {
      if (name == "*") {
        somebody = true;
      } else if (!principals_.contains(name)) {
        error(origin, key, fmt::format("no [[identity]] or [[group]] is named \"{}\"{}", name, like(name)));
        somebody = true;  // one message is enough
      } else {
        somebody = somebody || !empty_groups_.contains(name);
      }
    }
    return somebody;
  }

  // ": did you mean …" for a name that differs in its letters' case or in one place.
  std::string like(std::string_view name) const {
    for (const auto& [known, origin] : principals_) {
      if (ascii_lower(known) == ascii_lower(name)) return fmt::format("; did you mean \"{}\"?", known);
      const std::size_t common = static_cast<std::size_t>(
          std::mismatch(known.begin(), known.end(), name.begin(), name.end()).first - known.begin());
      const auto rest = [&](std::string_view text, std::size_t skip) {
        return common + skip <= text.size() ? text.substr(common + skip) : std::string_view("\x01");
      };
      if (rest(known, 1) == rest(name, 0) || rest(known, 0) == rest(name, 1) || rest(known, 1) == rest(name, 1)) {
        return fmt::format("; did you mean \"{}\"?", known);
      }
    }
    return "";
  }

  void examine(const RoleRule& rule) {
    const auto key = [&](std::string_view member) { return fmt::format("[[role]] {}: {}", rule.name, member); };
    if (!examine_to(rule.origin, key("to"), rule.to)) error(rule.origin, key("to"), "gives the role to nobody");
    if (rule.may.empty()) error(rule.origin, key("may"), "allows nothing");
    for (const auto& may : rule.may) {
      if (contains(kPlainMays, may)) continue;
      const std::size_t colon = may.find(':');
      const std::string verb = may.substr(0, colon);
      const bool per_environment = colon != std::string::npos && (verb == "approve" || verb == "rollback");
      if (per_environment && contains(environments_, may.substr(colon + 1))) continue;
      if (per_environment) {
        error(rule.origin, key("may"),
              fmt::format("\"{}\": no [[environment]] is named \"{}\"", may, may.substr(colon + 1)));
      } else {
        error(rule.origin, key("may"),
              fmt::format("\"{}\" is no right; accepted: approve:ENV, rollback:ENV, audit:read, pushes:read, "
                          "deploy:report, admin",
                          may));
      }
    }
    if (!rule.name.empty() && !role_names_.insert(rule.name).second) {
      error(rule.origin, "[[role]] name", fmt::format("\"{}\" is named twice", rule.name));
    }
  }

  void examine_repos(const Origin& origin, const std::string& key, const std::vector<std::string>& repos) {
    if (repos.empty()) error(origin, key, "names no repository; accepted: repos = [\"owner/name\"], * within a name");
    for (const auto& repo : repos) {
      const std::string fault = repo_pattern_fault(repo);
      if (!fault.empty()) error(origin, key, fmt::format("\"{}\" names no repository; {}", printable(repo, 80), fault));
    }
  }

  // [[governed]] and [[templates]]: lists in which the first that names a repository wins.
  template <class Rules>
  void examine_list(std::string_view section, const Rules& list, std::size_t at) {
    const auto& rule = list[at];
    const std::string key = fmt::format("[[{}]] repos", section);
    examine_repos(rule.origin, key, rule.repos);
    for (const auto& repo : rule.repos) {
      for (std::size_t before = 0; before < at; ++before) {
        const auto& earlier = list[before].repos;
        if (std::none_of(earlier.begin(), earlier.end(), [&](const auto& wide) { return covers_repos(wide, repo); })) {
          continue;
        }
        warning(rule.origin, key,
                fmt::format("\"{}\" is never reached: the entry at {} already names it, and the first wins", repo,
                            place(list[before].origin)));
        break;
      }
    }
  }

  bool is_governed(std::string_view repo) const {
    for (const auto& rule : rules_.governed) {
      if (std::any_of(rule.repos.begin(), rule.repos.end(),
                      [&](const auto& wide) { return covers_repos(wide, repo); })) {
        return true;
      }
    }
    return false;
  }

  void examine(const GrantRule& rule, bool is_deny) {
    const auto key = [&](std::string_view member) {
      return fmt::format("[[{}]] {}: {}", is_deny ? "deny" : "grant", rule.name, member);
    };
    if (!examine_to(rule.origin, key("to"), rule.to)) {
      if (is_deny) {
        warning(rule.origin, key("to"), "denies something to nobody");
      } else {
        error(rule.origin, key("to"), "grants to nobody; accepted: identities, groups that somebody can be in, \"*\"");
      }
    }
    examine_repos(rule.origin, key("repos"), rule.repos);
    if (rule.verbs.empty()) {
      error(rule.origin, key("verbs"),
            "is missing; accepted: read, create, update, force, delete, write (create and update)");
    }
    for (const auto& ref : rule.refs) {
      const std::string fault = ref_pattern_fault(ref, is_deny);
      if (!fault.empty()) error(rule.origin, key("refs"), fmt::format("\"{}\": {}", printable(ref, 80), fault));
    }
    for (const auto& path : rule.paths) {
      const std::string fault = path_pattern_fault(path);
      if (!fault.empty()) error(rule.origin, key("paths"), fmt::format("\"{}\": {}", printable(path, 80), fault));
    }
    const bool only_read = rule.verbs.size() == 1 && has(rule.verbs, Verb::read);
    if (only_read && !rule.refs.empty()) {
      warning(rule.origin, key("refs"), "has no effect: read rights are of the whole repository");
    } else if (is_deny && has(rule.verbs, Verb::read) && !rule.refs.empty()) {
      warning(rule.origin, key("refs"), "does not limit the denied read: read rights are of the whole repository");
    }
    if (!rule.paths.empty()) examine_paths(rule, is_deny, key);
    examine_force(rule, is_deny, key("verbs"));
  }

  template <class Key>
  void examine_paths(const GrantRule& rule, bool is_deny, const Key& key) {
    const bool force_or_delete = has(rule.verbs, Verb::force) || has(rule.verbs, Verb::delete_);
    const bool create_or_update = has(rule.verbs, Verb::create) || has(rule.verbs, Verb::update);
    if (is_deny && (has(rule.verbs, Verb::read) || has(rule.verbs, Verb::delete_))) {
      error(rule.origin, key("paths"),
            "reading and deleting cannot be denied by path; accepted with paths: create, update, force, write");
    } else if (!is_deny && has(rule.verbs, Verb::read) && !create_or_update) {
      error(rule.origin, key("paths"), "reading cannot be limited to paths");
    } else if (!is_deny && force_or_delete) {
      const std::string text = "a grant with paths never gives force or delete";
      if (create_or_update) {
        warning(rule.origin, key("verbs"), text);
      } else {
        error(rule.origin, key("verbs"), text + ", so this one gives nothing");
      }
    }
    for (const auto& repo : rule.repos) {
      if (is_governed(repo)) continue;
      error(rule.origin, key("paths"),
            fmt::format("no [[governed]] names every repository of \"{}\", so no hook would hold these paths", repo));
    }
  }

  void examine_force(const GrantRule& rule, bool is_deny, std::string key) {
    const bool matters = is_deny ? has(rule.verbs, Verb::force) && !has(rule.verbs, Verb::update)
                                 : has(rule.verbs, Verb::update) && !has(rule.verbs, Verb::force);
    if (!matters) return;
    for (const auto& repo : rule.repos) {
      if (is_governed(repo) || repo.ends_with(".wiki")) continue;
      warning(
          rule.origin, std::move(key),
          fmt::format("update and force are told apart by the hook alone, and no [[governed]] names every repository "
                      "of \"{}\": there, whoever may update may force",
                      repo));
      return;
    }
  }

  void find_hidden_grants() {
    std::vector<const GrantRule*> lasting;
    for (const auto& deny : rules_.denies) {
      if (deny.paths.empty() && !deny.until && deny.from.empty()) lasting.push_back(&deny);
    }
    // A warning is not worth a load that takes minutes.
    if (lasting.size() * rules_.grants.size() > 2'000'000) return;
    const auto all_covered = [](const std::vector<std::string>& wide, const std::vector<std::string>& narrow,
                                auto cover) {
      return std::all_of(narrow.begin(), narrow.end(), [&](const auto& n) {
        return std::any_of(wide.begin(), wide.end(), [&](const auto& w) { return cover(w, n); });
      });
    };
    for (const auto& grant : rules_.grants) {
      for (const GrantRule* deny : lasting) {
        const bool verbs =
            std::all_of(grant.verbs.begin(), grant.verbs.end(), [&](Verb v) { return has(deny->verbs, v); });
        const bool to = contains(deny->to, "*") || std::all_of(grant.to.begin(), grant.to.end(), [&](const auto& name) {
                          return contains(deny->to, name);
                        });
        if (!verbs || !to || !all_covered(deny->repos, grant.repos, covers_repos)) continue;
        const std::vector<std::string> refs =
            grant.refs.empty() ? std::vector<std::string>{"refs/heads/**", "refs/tags/**"} : grant.refs;
        if (!deny->refs.empty() && !all_covered(deny->refs, refs, covers)) continue;
        warning(grant.origin, fmt::format("[[grant]] {}", grant.name),
                fmt::format("never grants anything: deny \"{}\" at {} covers it", deny->name, place(deny->origin)));
        break;
      }
    }
  }

  // Two identities that the very same tokens fit: then neither ever gets in.
  void find_twins() {
    std::map<std::string, const IdentityRule*> seen;
    for (const auto& rule : rules_.identities) {
      std::vector<std::string> parts;
      for (const auto& match : rule.match) {
        parts.push_back(match.claim + '\0' + match.value + '\0' + (match.glob ? "g" : "e"));
      }
      std::sort(parts.begin(), parts.end());
      std::vector<std::string> clients = rule.clients;
      std::sort(clients.begin(), clients.end());
      std::string all = rule.issuer;
      for (const auto& part : parts) all += '\0' + part;
      all += '\x01';
      for (const auto& client : clients) all += '\0' + client;
      const auto [first, fresh] = seen.emplace(all, &rule);
      if (fresh) continue;
      error(rule.origin, fmt::format("[[identity]] {}: match", rule.name),
            fmt::format("fits the same tokens as \"{}\" at {}; a token that fits two identities is refused",
                        first->second->name, place(first->second->origin)));
    }
  }

  const RuleSet& rules_;
  std::span<const std::string> environments_;
  std::vector<RuleProblem> problems_;
  std::set<std::string, std::less<>> issuers_;
  std::map<std::string, Origin, std::less<>> principals_;
  std::set<std::string, std::less<>> identities_;
  std::set<std::string, std::less<>> empty_groups_;
  std::set<std::string, std::less<>> role_names_;
  std::map<std::string, std::string, std::less<>> gogs_users_;
};

}  // namespace

std::vector<RuleProblem> AccessRules::examine(const RuleSet& rules, std::span<const std::string> environments) {
  return Examiner(rules, environments).run();
}

}  // namespace postern::access
