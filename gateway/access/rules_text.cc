// rules.json: the canonical text of the rules, and back.
#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "gateway/access/rules.h"

namespace postern::access {

namespace {

// The text is written directly: as values, 100,000 grants would need ten times the room for a moment.
class Writer {
 public:
  void open(char c) {
    comma();
    out_ += c;
    fresh_ = true;
  }
  void close(char c) {
    out_ += c;
    fresh_ = false;
  }
  void key(std::string_view name) {
    comma();
    out_ += json::quote(name);
    out_ += ':';
    fresh_ = true;
  }
  void text(std::string_view value) {
    comma();
    out_ += json::quote(value);
  }
  void raw(std::string_view value) {
    comma();
    out_ += value;
  }
  void member(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }
  void list(std::string_view name, std::vector<std::string> values, bool sorted = true) {
    if (sorted) std::sort(values.begin(), values.end());
    key(name);
    open('[');
    for (const auto& value : values) text(value);
    close(']');
  }
  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  std::string out_;
  bool fresh_ = true;
};

template <class Rule>
std::vector<const Rule*> by_name(const std::vector<Rule>& rules) {
  std::vector<const Rule*> sorted;
  sorted.reserve(rules.size());
  for (const auto& rule : rules) sorted.push_back(&rule);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Rule* a, const Rule* b) { return a->name < b->name; });
  return sorted;
}

std::string_view to_string(Unnamed unnamed) {
  switch (unnamed) {
    case Unnamed::refuse: return "refuse";
    case Unnamed::human: return "human";
    case Unnamed::workload: return "workload";
  }
  return "refuse";
}

void write_rules(Writer& out, std::string_view section, const std::vector<GrantRule>& rules) {
  out.key(section);
  out.open('[');
  for (const GrantRule* rule : by_name(rules)) {
    out.open('{');
    out.member("name", rule->name);
    out.list("to", rule->to);
    out.list("repos", rule->repos);
    std::vector<std::string> verbs;
    for (const Verb verb : rule->verbs) verbs.emplace_back(to_string(verb));
    out.list("verbs", std::move(verbs));
    if (!rule->refs.empty()) out.list("refs", rule->refs);
    if (!rule->paths.empty()) out.list("paths", rule->paths);
    if (rule->until) out.member("until", to_rfc3339(*rule->until));
    if (!rule->from.empty()) {
      std::vector<std::string> from;
      for (const auto& network : rule->from) from.push_back(network.to_string());
      out.list("from", std::move(from));
    }
    out.close('}');
  }
  out.close(']');
}

// Reads members strictly: what is missing or of another type is remembered as the first fault.
class Reader {
 public:
  std::string text(const json::Value& object, std::string_view name, bool optional = false) {
    if (const auto* value = object.find_string(name)) return *value;
    if (!optional || object.find(name) != nullptr) fault(name, "a string");
    return {};
  }
  std::vector<std::string> list(const json::Value& object, std::string_view name, bool optional = false) {
    std::vector<std::string> texts;
    const json::Value* value = object.find(name);
    if (value == nullptr && optional) return texts;
    const json::Array* array = value == nullptr ? nullptr : value->as_array();
    if (array == nullptr) {
      fault(name, "an array of strings");
      return texts;
    }
    for (const auto& element : *array) {
      if (const auto* element_text = element.as_string()) {
        texts.push_back(*element_text);
      } else {
        fault(name, "an array of strings");
      }
    }
    return texts;
  }
  const json::Array& objects(const json::Value& object, std::string_view name) {
    static const json::Array kNone;
    const json::Value* value = object.find(name);
    const json::Array* array = value == nullptr ? nullptr : value->as_array();
    if (array == nullptr) {
      fault(name, "an array");
      return kNone;
    }
    for (const auto& element : *array) {
      if (element.as_object() == nullptr) {
        fault(name, "an array of objects");
        return kNone;
      }
    }
    return *array;
  }
  template <class T, class Parse>
  T choice(const json::Value& object, std::string_view name, Parse parse) {
    if (const auto value = parse(text(object, name))) return *value;
    fault(name, "one of the known words");
    return T{};
  }
  void fault(std::string_view name, std::string_view wanted) {
    if (fault_.empty()) fault_ = fmt::format("rules: member \"{}\" is not {}", name, wanted);
  }
  const std::string& first_fault() const { return fault_; }

 private:
  std::string fault_;
};

std::optional<Unnamed> parse_unnamed(std::string_view text) {
  for (const Unnamed unnamed : {Unnamed::refuse, Unnamed::human, Unnamed::workload}) {
    if (to_string(unnamed) == text) return unnamed;
  }
  return std::nullopt;
}

std::vector<GrantRule> read_rules(Reader& in, const json::Value& root, std::string_view section) {
  std::vector<GrantRule> rules;
  for (const auto& object : in.objects(root, section)) {
    GrantRule rule;
    rule.name = in.text(object, "name");
    rule.to = in.list(object, "to");
    rule.repos = in.list(object, "repos");
    for (const auto& word : in.list(object, "verbs")) {
      if (const auto verb = parse_verb(word)) {
        rule.verbs.push_back(*verb);
      } else {
        in.fault("verbs", "a list of verbs");
      }
    }
    rule.refs = in.list(object, "refs", true);
    rule.paths = in.list(object, "paths", true);
    if (object.find("until") != nullptr) {
      if (const auto until = parse_rfc3339(in.text(object, "until"))) {
        rule.until = *until;
      } else {
        in.fault("until", "a time");
      }
    }
    for (const auto& text : in.list(object, "from", true)) {
      if (const auto network = IpNetwork::parse(text)) {
        rule.from.push_back(*network);
      } else {
        in.fault("from", "a list of networks");
      }
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

std::string rules_to_json(const RuleSet& rules) {
  Writer out;
  out.open('{');
  out.key("version");
  out.raw("1");
  out.key("issuers");
  out.open('[');
  for (const IssuerRule* rule : by_name(rules.issuers)) {
    out.open('{');
    out.member("name", rule->name);
    out.member("unnamed", to_string(rule->unnamed));
    if (!rule->clients.empty()) out.list("clients", rule->clients);
    out.close('}');
  }
  out.close(']');
  out.key("identities");
  out.open('[');
  for (const IdentityRule* rule : by_name(rules.identities)) {
    out.open('{');
    out.member("name", rule->name);
    out.member("kind", identity::to_string(rule->kind));
    out.member("issuer", rule->issuer);
    for (const bool glob : {false, true}) {
      std::vector<const ClaimMatch*> matches;
      for (const auto& match : rule->match) {
        if (match.glob == glob) matches.push_back(&match);
      }
      if (matches.empty()) continue;
      std::sort(matches.begin(), matches.end(), [](const auto* a, const auto* b) { return a->claim < b->claim; });
      out.key(glob ? "match_glob" : "match");
      out.open('{');
      for (const auto* match : matches) out.member(match->claim, match->value);
      out.close('}');
    }
    if (!rule->clients.empty()) out.list("clients", rule->clients);
    if (!rule->sponsor.empty()) out.member("sponsor", rule->sponsor);
    if (!rule->gogs_user.empty()) out.member("gogs_user", rule->gogs_user);
    out.close('}');
  }
  out.close(']');
  out.key("groups");
  out.open('[');
  for (const GroupRule* rule : by_name(rules.groups)) {
    out.open('{');
    out.member("name", rule->name);
    out.list("members", rule->members);
    out.key("claims");
    out.open('[');
    auto claims = rule->claims;
    std::sort(claims.begin(), claims.end(), [](const GroupClaim& a, const GroupClaim& b) {
      return std::tie(a.issuer, a.claim, a.value) < std::tie(b.issuer, b.claim, b.value);
    });
    for (const auto& claim : claims) {
      out.open('{');
      out.member("issuer", claim.issuer);
      out.member("claim", claim.claim);
      out.member("value", claim.value);
      out.close('}');
    }
    out.close(']');
    out.close('}');
  }
  out.close(']');
  out.key("roles");
  out.open('[');
  for (const RoleRule* rule : by_name(rules.roles)) {
    out.open('{');
    out.member("name", rule->name);
    out.list("to", rule->to);
    out.list("may", rule->may);
    out.close('}');
  }
  out.close(']');
  // The first entry that names a repository wins: here order is meaning.
  out.key("governed");
  out.open('[');
  for (const auto& rule : rules.governed) {
    out.open('{');
    out.list("repos", rule.repos);
    out.member("mode", to_string(rule.governance.mode));
    out.member("direct", to_string(rule.governance.direct));
    out.close('}');
  }
  out.close(']');
  out.key("templates");
  out.open('[');
  for (const auto& rule : rules.templates) {
    const Templates& templates = rule.templates;
    out.open('{');
    out.list("repos", rule.repos);
    out.member("root", templates.root);
    out.member("layout", templates.layout);
    out.member("settings", templates.settings);
    out.list("may_relax", templates.may_relax);
    out.key("severity");
    out.open('{');
    auto severity = templates.severity;
    std::sort(severity.begin(), severity.end());
    for (const auto& [id, level] : severity) out.member(id, level);
    out.close('}');
    out.close('}');
  }
  out.close(']');
  write_rules(out, "grants", rules.grants);
  write_rules(out, "denies", rules.denies);
  out.close('}');
  return out.take();
}

Result<RuleSet> rules_from_json(std::string_view text) {
  const auto root = json::parse(text, {.bytes = std::size_t{256} << 20, .depth = 16, .values = std::size_t{32} << 20});
  if (!root) return fail(in_context("rules", root.error()));
  if (root->as_object() == nullptr || root->find_int("version") == nullptr || *root->find_int("version") != 1) {
    return fail(ErrorCode::invalid_input, "rules: not an object with \"version\":1");
  }
  Reader in;
  RuleSet rules;
  for (const auto& object : in.objects(*root, "issuers")) {
    IssuerRule rule;
    rule.name = in.text(object, "name");
    rule.unnamed = in.choice<Unnamed>(object, "unnamed", parse_unnamed);
    rule.clients = in.list(object, "clients", true);
    rules.issuers.push_back(std::move(rule));
  }
  for (const auto& object : in.objects(*root, "identities")) {
    IdentityRule rule;
    rule.name = in.text(object, "name");
    rule.kind = in.choice<identity::Kind>(object, "kind", identity::parse_kind);
    rule.issuer = in.text(object, "issuer");
    for (const std::string_view member : {"match", "match_glob"}) {
      const json::Value* matches = object.find(member);
      if (matches == nullptr) continue;
      if (matches->as_object() == nullptr) {
        in.fault(member, "an object");
        continue;
      }
      for (const auto& [claim, value] : *matches->as_object()) {
        if (value.as_string() == nullptr) in.fault(claim, "a string");
        rule.match.push_back({claim, value.as_string() == nullptr ? "" : *value.as_string(), member == "match_glob"});
      }
    }
    rule.clients = in.list(object, "clients", true);
    rule.sponsor = in.text(object, "sponsor", true);
    rule.gogs_user = in.text(object, "gogs_user", true);
    rules.identities.push_back(std::move(rule));
  }
  for (const auto& object : in.objects(*root, "groups")) {
    GroupRule rule;
    rule.name = in.text(object, "name");
    rule.members = in.list(object, "members");
    for (const auto& claim : in.objects(object, "claims")) {
      rule.claims.push_back({in.text(claim, "issuer"), in.text(claim, "claim"), in.text(claim, "value")});
    }
    rules.groups.push_back(std::move(rule));
  }
  for (const auto& object : in.objects(*root, "roles")) {
    RoleRule rule;
    rule.name = in.text(object, "name");
    rule.to = in.list(object, "to");
    rule.may = in.list(object, "may");
    rules.roles.push_back(std::move(rule));
  }
  for (const auto& object : in.objects(*root, "governed")) {
    GovernedRule rule;
    rule.repos = in.list(object, "repos");
    rule.governance.governed = true;
    rule.governance.mode = in.choice<Mode>(object, "mode", parse_mode);
    rule.governance.direct = in.choice<DirectWrites>(object, "direct", parse_direct_writes);
    rules.governed.push_back(std::move(rule));
  }
  for (const auto& object : in.objects(*root, "templates")) {
    TemplatesRule rule;
    rule.repos = in.list(object, "repos");
    rule.templates.root = in.text(object, "root");
    rule.templates.layout = in.text(object, "layout");
    rule.templates.settings = in.text(object, "settings");
    rule.templates.may_relax = in.list(object, "may_relax");
    const json::Value* severity = object.find("severity");
    if (severity == nullptr || severity->as_object() == nullptr) {
      in.fault("severity", "an object");
    } else {
      for (const auto& [id, level] : *severity->as_object()) {
        if (level.as_string() == nullptr) in.fault(id, "a string");
        rule.templates.severity.emplace_back(id, level.as_string() == nullptr ? "" : *level.as_string());
      }
    }
    rules.templates.push_back(std::move(rule));
  }
  rules.grants = read_rules(in, *root, "grants");
  rules.denies = read_rules(in, *root, "denies");
  if (!in.first_fault().empty()) return fail(ErrorCode::invalid_input, in.first_fault());
  return rules;
}

}  // namespace postern::access
