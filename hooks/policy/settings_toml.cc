#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <span>
#include <utility>

#include "gateway/base/encoding.h"
#include "hooks/policy/catalogue.h"
#include "hooks/policy/rules.h"
#include "hooks/policy/settings.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

Error at(const toml::source_region& where, const std::string& message) {
  return {ErrorCode::invalid_input, fmt::format("line {}: {}", where.begin.line, message)};
}

Result<RuleLevels> read_levels(const toml::node& node, const std::vector<std::string_view>& known) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return fail(at(node.source(), "severity is a table: rule = \"off\" | \"advice\" | \"warning\" | \"error\""));
  RuleLevels levels;
  for (const auto& [key, value] : *table) {
    const std::string_view id = key.str();
    if (find_rule(id) == nullptr && std::find(known.begin(), known.end(), id) == known.end() &&
        std::find(known.begin(), known.end(), "*") == known.end()) {
      std::vector<std::string_view> ids(known.begin(), known.end());
      for (const Rule* rule : rules()) ids.push_back(rule->id);
      const std::string_view meant = closest(id, ids);
      return fail(at(key.source(), fmt::format("there is no rule '{}'{}", printable(id),
                                               meant.empty() ? std::string("; postern-check --list-rules names them")
                                                             : fmt::format("; did you mean '{}'?", meant))));
    }
    const auto* text = value.as_string();
    if (text == nullptr)
      return fail(at(value.source(), fmt::format("the severity of '{}' is a string: off, advice, warning, error", id)));
    const Result<RuleLevel> level = parse_level(text->get());
    if (!level) return fail(at(value.source(), level.error().message));
    levels[std::string(id)] = *level;
  }
  return levels;
}

// A list of strings that are not empty, each with its place.
struct Word {
  std::string text;
  toml::source_region where;
};

Result<std::vector<Word>> read_words(const toml::node& node, std::string_view key) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return fail(at(node.source(), fmt::format("{} is a list of strings", key)));
  std::vector<Word> out;
  for (const toml::node& one : *list) {
    const auto* text = one.as_string();
    if (text == nullptr || text->get().empty())
      return fail(at(one.source(), fmt::format("{} is a list of strings, none of them empty", key)));
    out.push_back({text->get(), one.source()});
  }
  return out;
}

Status read_strings(const toml::node& node, std::string_view key, std::vector<std::string>& out) {
  Result<std::vector<Word>> words = read_words(node, key);
  if (!words) return fail(words.error());
  for (Word& word : *words) out.push_back(std::move(word.text));
  return {};
}

Status read_globs(const toml::node& node, std::string_view key, std::vector<Glob>& out) {
  Result<std::vector<Word>> words = read_words(node, key);
  if (!words) return fail(words.error());
  for (Word& word : *words) out.emplace_back(std::move(word.text));
  return {};
}

Error unknown_key(const toml::key& key, std::string_view where, std::span<const std::string_view> accepted) {
  std::string names;
  for (std::string_view name : accepted) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  return at(key.source(), fmt::format("unknown key '{}'{}; accepted: {}", printable(key.str()), where, names));
}

Result<Settings::ForPaths> read_path(const toml::table& table, const std::vector<std::string_view>& known) {
  Settings::ForPaths entry;
  for (const auto& [name, part] : table) {
    if (name.str() == "severity") {
      Result<RuleLevels> levels = read_levels(part, known);
      if (!levels) return fail(levels.error());
      entry.severity = std::move(*levels);
    } else if (name.str() == "paths") {
      if (Status read = read_globs(part, "paths", entry.paths); !read) return fail(read.error());
    } else {
      constexpr std::string_view kAccepted[] = {"paths", "severity"};
      return fail(unknown_key(name, " in [[path]]", kAccepted));
    }
  }
  if (entry.paths.empty()) return fail(at(table.source(), "[[path]] needs paths"));
  return entry;
}

Result<Scope> read_scope(const Word& word, bool required) {
  for (Scope one : {Scope::global, Scope::workspace, Scope::product, Scope::api, Scope::operation, Scope::resolver,
                    Scope::fragment})
    if (word.text == to_string(one) && (!required || (one != Scope::resolver && one != Scope::fragment))) return one;
  return fail(at(word.where, fmt::format("'{}' is no scope; accepted: global, workspace, product, api, operation{}",
                                         printable(word.text), required ? "" : ", resolver, fragment")));
}

// [[required]] or [[forbidden]].
Result<PolicyDemand> read_demand(const toml::table& table, bool required) {
  const std::string_view where = required ? " in [[required]]" : " in [[forbidden]]";
  PolicyDemand demand;
  const auto words_of = [](const toml::node& node, std::string_view key) -> Result<std::vector<Word>> {
    // One may stand alone.
    if (const auto* text = node.as_string(); text != nullptr && !text->get().empty())
      return std::vector<Word>{{text->get(), node.source()}};
    return read_words(node, key);
  };
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "policies") {
      Result<std::vector<Word>> words = words_of(node, name);
      if (!words) return fail(words.error());
      for (const Word& word : *words) {
        if (catalogue::find_policy(word.text) == nullptr) {
          std::vector<std::string_view> names;
          for (const catalogue::Policy& policy : catalogue::policies()) names.push_back(policy.name);
          const std::string_view meant = closest(word.text, names);
          return fail(at(word.where, fmt::format("there is no policy '{}'{}", printable(word.text),
                                                 meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant))));
        }
        demand.policies.push_back(word.text);
      }
    } else if (name == "scope" || name == "scopes") {
      Result<std::vector<Word>> words = words_of(node, name);
      if (!words) return fail(words.error());
      for (const Word& word : *words) {
        const Result<Scope> scope = read_scope(word, required);
        if (!scope) return fail(scope.error());
        demand.scopes.push_back(*scope);
      }
    } else if (name == "section" || name == "sections") {
      Result<std::vector<Word>> words = words_of(node, name);
      if (!words) return fail(words.error());
      for (const Word& word : *words) {
        const std::uint8_t bit = catalogue::section_bit(word.text);
        if (bit == 0)
          return fail(at(word.where, fmt::format("'{}' is no section; accepted: inbound, backend, outbound, on-error",
                                                 printable(word.text))));
        demand.sections |= bit;
      }
    } else if (name == "paths") {
      if (Status read = read_globs(node, name, demand.paths); !read) return fail(read.error());
    } else if (name == "why") {
      const auto* text = node.as_string();
      if (text == nullptr) return fail(at(node.source(), "why is a string"));
      demand.why = text->get();
    } else if (name == "conditional" && required) {
      const auto* flag = node.as_boolean();
      if (flag == nullptr) return fail(at(node.source(), "conditional is true or false"));
      demand.conditional = flag->get();
    } else {
      constexpr std::string_view kRequired[] = {"policies", "scopes", "sections", "paths", "conditional", "why"};
      constexpr std::string_view kForbidden[] = {"policies", "scopes", "sections", "paths", "why"};
      return fail(unknown_key(
          key, where,
          required ? std::span<const std::string_view>(kRequired) : std::span<const std::string_view>(kForbidden)));
    }
  }
  if (demand.policies.empty()) return fail(at(table.source(), fmt::format("policies is missing{}", where)));
  if (required && demand.scopes.empty())
    return fail(at(table.source(),
                   "scopes is missing in [[required]]; accepted: global, workspace, product, api, "
                   "operation"));
  return demand;
}

Status read_external(const toml::node& node, Settings::External& out) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return fail(at(node.source(), "external is a table of lists: backends = [\"shared-*\"]"));
  const std::pair<std::string_view, std::vector<std::string>*> kinds[] = {{"named_values", &out.named_values},
                                                                          {"fragments", &out.fragments},
                                                                          {"backends", &out.backends},
                                                                          {"certificates", &out.certificates},
                                                                          {"loggers", &out.loggers},
                                                                          {"products", &out.products},
                                                                          {"tags", &out.tags}};
  for (const auto& [key, list] : *table) {
    const auto* kind = std::find_if(std::begin(kinds), std::end(kinds),
                                    [&, name = key.str()](const auto& one) { return one.first == name; });
    if (kind == std::end(kinds)) {
      constexpr std::string_view kAccepted[] = {"named_values", "fragments", "backends", "certificates",
                                                "loggers",      "products",  "tags"};
      return fail(unknown_key(key, " in [external]", kAccepted));
    }
    if (Status read = read_strings(list, kind->first, *kind->second); !read) return read;
  }
  return {};
}

// Calls `read` for each table of a list of tables.
template <class Read>
Status for_each_table(const toml::node& node, std::string_view key, Read read) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return fail(at(node.source(), fmt::format("{} is a list of tables: [[{}]]", key, key)));
  for (const toml::node& one : *list) {
    const toml::table* table = one.as_table();
    if (table == nullptr) return fail(at(one.source(), fmt::format("{} is a list of tables: [[{}]]", key, key)));
    if (Status done = read(*table); !done) return done;
  }
  return {};
}

template <class T>
Status keep(Result<T> value, std::vector<T>& out) {
  if (!value) return fail(value.error());
  out.push_back(std::move(*value));
  return {};
}

Status read_key(const toml::key& key, const toml::node& node, const std::vector<std::string_view>& known,
                Settings& out) {
  const std::string_view name = key.str();
  Guardrails& guardrails = out.guardrails;
  if (name == "severity") {
    Result<RuleLevels> levels = read_levels(node, known);
    if (!levels) return fail(levels.error());
    out.severity = std::move(*levels);
    return {};
  }
  if (name == "path")
    return for_each_table(node, name,
                          [&](const toml::table& table) { return keep(read_path(table, known), out.for_paths); });
  if (name == "required")
    return for_each_table(
        node, name, [&](const toml::table& table) { return keep(read_demand(table, true), guardrails.required); });
  if (name == "forbidden")
    return for_each_table(
        node, name, [&](const toml::table& table) { return keep(read_demand(table, false), guardrails.forbidden); });
  if (name == "external") return read_external(node, out.external);
  if (name == "allowed_hosts") {
    Result<std::vector<Word>> words = read_words(node, name);
    if (!words) return fail(words.error());
    guardrails.allowed_hosts.emplace();
    for (const Word& word : *words) {
      const std::optional<HostPattern> pattern = HostPattern::parse(word.text);
      if (!pattern)
        return fail(at(word.where, fmt::format("'{}' is no host; accepted: api.example.com, *.example.com, each with "
                                               ":port where one is meant",
                                               printable(word.text))));
      guardrails.allowed_hosts->push_back(*pattern);
    }
    return {};
  }
  if (name == "gateways") {
    Result<std::vector<Word>> words = read_words(node, name);
    if (!words) return fail(words.error());
    for (const Word& word : *words) {
      const std::uint8_t bit = gateway_bit(word.text);
      if (bit == 0)
        return fail(at(word.where, fmt::format("'{}' is no gateway; accepted: classic, v2, consumption, self-hosted, "
                                               "workspace",
                                               printable(word.text))));
      guardrails.gateways |= bit;
    }
    return {};
  }
  constexpr std::string_view kAccepted[] = {"severity", "path",      "gateways", "allowed_hosts",
                                            "required", "forbidden", "external"};
  return fail(unknown_key(key, "", kAccepted));
}

Result<Settings> read(const toml::table& root, const std::vector<std::string_view>& known) {
  Settings settings;
  for (const auto& [key, node] : root)
    if (Status done = read_key(key, node, known, settings); !done) return fail(done.error());
  return settings;
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, const std::vector<std::string_view>& known_rules) {
  if (text.size() > std::size_t{256} * 1024) return fail(ErrorCode::limit, "the settings are larger than 256 KiB");
  try {
    const toml::table root = toml::parse(text);
    return read(root, known_rules);
  } catch (const toml::parse_error& error) {
    return fail(at(error.source(), std::string(error.description())));
  }
}

}  // namespace postern::policy
