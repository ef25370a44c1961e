// Who is who and may what: [[identity]], [[group]], [[role]], [[governed]], [[grant]], [[deny]], [[templates]].
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"
#include "gateway/config/known_names.h"
#include "gateway/config/sections.h"
#include "gateway/config/values.h"

namespace postern::config {
namespace {

constexpr std::array<std::string_view, 4> kSeverities{"error", "warning", "advice", "off"};

void matches(Section& in, std::string_view key, bool glob, std::vector<access::ClaimMatch>& into) {
  const TomlValue* table = in.table(key, "a table { claim = \"value\" }");
  if (table == nullptr) return;
  for (const auto& [name, line, node] : table->members) {
    std::string value;
    if (const std::string* text = node.as_string()) {
      value = *text;
    } else if (node.is(TomlType::integer) && !glob) {
      value = std::to_string(node.integer);
    } else if (node.is(TomlType::boolean) && !glob) {
      value = node.boolean ? "true" : "false";
    } else {
      in.error(key,
               fmt::format("claim \"{}\" is {}; accepted: a string{}", printable(name, 60), node.type_name(),
                           glob ? " with * and ?" : ", a whole number, true or false"),
               node.line);
      continue;
    }
    if (glob && value.find_first_not_of('*') == std::string::npos) {
      in.error(key,
               fmt::format("claim \"{}\" is matched by anything; accepted: a pattern with something in it",
                           printable(name, 60)),
               node.line);
      continue;
    }
    if (!glob && value.find('*') != std::string::npos) {
      in.warning(key, fmt::format("claim \"{}\": * is an ordinary character in match; wildcards stand in match_glob",
                                  printable(name, 60)));
    }
    into.push_back({name, std::move(value), glob});
  }
}

access::GrantRule grant_or_deny(Section& in) {
  access::GrantRule rule;
  rule.origin = in.origin();
  rule.name = in.own_name();
  rule.to = in.texts("to", true, "names of identities and groups, or \"*\"");
  rule.repos = in.repos("repos");
  static const std::vector<std::string> kWords{"read", "write", "create", "update", "force", "delete"};
  for (const auto& word : in.texts("verbs", true, join(kWords))) {
    const auto add = [&](access::Verb verb) {
      if (std::find(rule.verbs.begin(), rule.verbs.end(), verb) == rule.verbs.end()) rule.verbs.push_back(verb);
    };
    if (word == "write") {
      add(access::Verb::create);
      add(access::Verb::update);
    } else if (const auto verb = access::parse_verb(word)) {
      add(*verb);
    } else {
      in.error("verbs", fmt::format("\"{}\" is no verb{}; accepted: {} (write is create and update)",
                                    printable(word, 30), Section::meant(word, kWords), join(kWords)));
    }
  }
  rule.refs = in.texts("refs");
  rule.paths = in.texts("paths");
  // An empty list means none, which a reader would take for "nothing" and the rules for "everything".
  for (const std::string_view key : {"refs", "paths", "from"}) {
    if (in.is_empty_array(key)) in.error(key, "is empty; leave the key out to mean no limit");
  }
  rule.until = in.time("until");
  rule.from = in.quoted_list("from", false, "networks such as 10.0.0.0/8", IpNetwork::parse);
  return rule;
}

void check_rule_id(Section& in, std::string_view key, const std::string& id) {
  const auto& known = known_names().rules;
  if (std::find(known.begin(), known.end(), id) != known.end()) return;
  in.error(key, fmt::format("\"{}\" is no rule{}; postern-check --list-rules shows them", printable(id, 60),
                            Section::meant(id, known)));
}

}  // namespace

void read_identity(Section& in, Config& config) {
  access::IdentityRule rule;
  rule.origin = in.origin();
  rule.name = in.own_name();
  const Words<identity::Kind> kinds{
      {"human", identity::Kind::human}, {"workload", identity::Kind::workload}, {"agent", identity::Kind::agent}};
  in.choice("kind", rule.kind, kinds, true);
  rule.issuer = in.text("issuer", true, "the name of an [[issuer]], or \"unix\"").value_or("");
  matches(in, "match", false, rule.match);
  matches(in, "match_glob", true, rule.match);
  rule.clients = in.texts("clients");
  rule.sponsor = in.text("sponsor").value_or("");
  rule.gogs_user = ascii_lower(in.text("gogs_user").value_or(""));
  if (const auto credential = in.secret("upstream")) config.upstream.credential_of.emplace(rule.name, *credential);
  config.rules.identities.push_back(std::move(rule));
}

void read_group(Section& in, Config& config) {
  access::GroupRule rule;
  rule.origin = in.origin();
  rule.name = in.own_name();
  rule.members = in.texts("members");
  for (const TomlValue* table : in.tables("claims", "tables { issuer, claim, value }")) {
    Section claim = in.inner(*table, "claims");
    rule.claims.push_back({claim.text("issuer", true, "the name of an [[issuer]]").value_or(""),
                           claim.text("claim", true).value_or(""), claim.text("value", true).value_or("")});
    claim.finish();
  }
  config.rules.groups.push_back(std::move(rule));
}

void read_role(Section& in, Config& config) {
  access::RoleRule rule;
  rule.origin = in.origin();
  rule.name = in.own_name();
  rule.to = in.texts("to", true, "names of identities and groups");
  rule.may = in.texts("may", true, "approve:ENV, rollback:ENV, audit:read, pushes:read, deploy:report, admin");
  config.rules.roles.push_back(std::move(rule));
}

void read_governed(Section& in, Config& config) {
  access::GovernedRule rule;
  rule.origin = in.origin();
  rule.repos = in.repos("repos");
  rule.governance.governed = true;
  const Words<access::Mode> modes{{"observe", access::Mode::observe}, {"enforce", access::Mode::enforce}};
  in.choice("mode", rule.governance.mode, modes);
  const Words<access::DirectWrites> directs{{"refuse", access::DirectWrites::refuse},
                                            {"authorize", access::DirectWrites::authorize},
                                            {"check", access::DirectWrites::check}};
  in.choice("direct", rule.governance.direct, directs);
  config.rules.governed.push_back(std::move(rule));
}

void read_grant(Section& in, Config& config) { config.rules.grants.push_back(grant_or_deny(in)); }

void read_deny(Section& in, Config& config) { config.rules.denies.push_back(grant_or_deny(in)); }

void read_templates(Section& in, Config& config) {
  access::TemplatesRule rule;
  rule.origin = in.origin();
  rule.repos = in.repos("repos");
  access::Templates& templates = rule.templates;
  templates.root = in.text("root", true, "the directory of the templates, \".\" for the whole repository").value_or("");
  if (!templates.root.empty() && !is_repository_path(templates.root)) {
    in.error("root", "is no directory of a repository; accepted: a path such as apimartifacts, or \".\"");
  }
  if (templates.root == ".") templates.root.clear();
  Words<std::string> layouts;
  for (const auto& layout : known_names().layouts) layouts.emplace_back(layout, layout);
  in.choice("layout", templates.layout, layouts);
  templates.settings = in.text("settings").value_or(templates.settings);
  if (!is_repository_path(templates.settings)) in.error("settings", "is no path of a file in the repository");
  templates.may_relax = in.texts("may_relax");
  for (const auto& id : templates.may_relax) check_rule_id(in, "may_relax", id);
  if (const TomlValue* table = in.table("severity", "a table { rule = \"error\" }")) {
    for (const auto& [id, line, node] : table->members) {
      check_rule_id(in, "severity", id);
      const std::string* level = node.as_string();
      if (level == nullptr || std::find(kSeverities.begin(), kSeverities.end(), *level) == kSeverities.end()) {
        in.error("severity",
                 fmt::format("of \"{}\" is none of them; accepted: error, warning, advice, off", printable(id, 60)),
                 node.line);
        continue;
      }
      templates.severity.emplace_back(id, *level);
    }
  }
  config.rules.templates.push_back(std::move(rule));
}

}  // namespace postern::config
