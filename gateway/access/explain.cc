#include <fmt/core.h>

#include <algorithm>

#include "gateway/access/rules.h"
#include "gateway/access/rules_index.h"

namespace postern::access {

namespace {

std::string quoted_list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

}  // namespace

std::vector<Explanation> AccessRules::explain(const identity::Identity& identity, const git::RepoPath& repo,
                                              std::string_view ref, Verb verb, const std::optional<IpAddress>& address,
                                              WallTime now) const {
  const auto why = [&](const CompiledRule& rule, bool& applies) -> std::string {
    const GrantRule& source = *rule.source;
    const auto names_identity = [&](const std::string& name) {
      return name == "*" || name == identity.name ||
             std::find(identity.groups.begin(), identity.groups.end(), name) != identity.groups.end();
    };
    const bool unknown_group = rule.is_deny && identity.issuer == kGogsIssuer;
    if (std::none_of(source.to.begin(), source.to.end(), names_identity)) {
      const bool by_claim = unknown_group && std::any_of(source.to.begin(), source.to.end(), [&](const auto& name) {
                              return std::any_of(index_->rules.groups.begin(), index_->rules.groups.end(),
                                                 [&](const auto& g) { return g.name == name && !g.claims.empty(); });
                            });
      if (!by_claim) return fmt::format("is for {}", quoted_list(source.to));
    }
    if (!reaches_repo(rule, repo.full_name(), repo.is_wiki()))
      return fmt::format("is about {}", quoted_list(source.repos));
    if ((rule.verbs & bit(verb)) == 0) {
      if (std::find(source.verbs.begin(), source.verbs.end(), verb) != source.verbs.end()) {
        return fmt::format("has paths, so it never gives {}", to_string(verb));
      }
      std::vector<std::string> verbs;
      for (const Verb v : source.verbs) verbs.emplace_back(to_string(v));
      return fmt::format("{} only {}", rule.is_deny ? "denies" : "gives", quoted_list(verbs));
    }
    if (verb != Verb::read && !reaches_ref(rule, ref)) {
      return source.refs.empty() ? "has no refs, so it reaches branches and tags only"
                                 : fmt::format("reaches {}", quoted_list(source.refs));
    }
    if (!in_force(rule, now)) return fmt::format("ended at {}", to_rfc3339(*source.until));
    if (!from_here(rule, address)) {
      std::vector<std::string> from;
      for (const auto& network : source.from) from.push_back(network.to_string());
      return fmt::format("counts from {}, and the caller is at {}", quoted_list(from),
                         address ? address->to_string() : std::string("an unknown address"));
    }
    applies = true;
    std::string text = rule.is_deny ? "denies" : "grants";
    if (!source.paths.empty()) text += fmt::format(", on paths {}", quoted_list(source.paths));
    return text;
  };
  std::vector<Explanation> lines;
  for (const CompiledRule& rule : index_->compiled) {
    Explanation line;
    line.rule = fmt::format("{} {}", rule.is_deny ? "deny" : "grant", rule.source->name);
    line.origin = rule.source->origin;
    line.because = why(rule, line.applies);
    lines.push_back(std::move(line));
  }
  const Decision decision = decide(identity, repo, ref, verb, address, now);
  Explanation last;
  last.rule = "decision";
  last.applies = decision.allowed;
  last.because = decision.reason;
  lines.push_back(std::move(last));
  return lines;
}

}  // namespace postern::access
