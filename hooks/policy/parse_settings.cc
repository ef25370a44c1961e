#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <utility>

#include "gateway/base/encoding.h"
#include "gateway/base/toml.h"
#include "hooks/policy/catalogue.h"
#include "hooks/policy/rules.h"
#include "hooks/policy/settings.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

Error at(unsigned line, const std::string& message) {
  return {ErrorCode::invalid_input, fmt::format("line {}: {}", line, message)};
}

Result<RuleLevels> read_levels(const TomlValue& node, const std::vector<std::string_view>& known) {
  if (!node.is(TomlType::table))
    return fail(at(node.line, "severity is a table: rule = \"off\" | \"advice\" | \"warning\" | \"error\""));
  RuleLevels levels;
  for (const auto& [id, line, value] : node.members) {
    if (find_rule(id) == nullptr && std::find(known.begin(), known.end(), id) == known.end() &&
        std::find(known.begin(), known.end(), "*") == known.end()) {
      std::vector<std::string_view> ids(known.begin(), known.end());
      for (const Rule* rule : rules()) ids.push_back(rule->id);
      const std::string_view meant = closest(id, ids);
      return fail(at(line, fmt::format("there is no rule '{}'{}", printable(id),
                                       meant.empty() ? std::string("; postern-check --list-rules names them")
                                                     : fmt::format("; did you mean '{}'?", meant))));
    }
    const std::string* text = value.as_string();
    if (text == nullptr)
      return fail(at(value.line, fmt::format("the severity of '{}' is a string: off, advice, warning, error", id)));
    const Result<RuleLevel> level = parse_level(*text);
    if (!level) return fail(at(value.line, level.error().message));
    levels[id] = *level;
  }
  return levels;
}

// A list of strings that are not empty, each with its place.
struct Word {
  std::string text;
  unsigned line = 0;
};

Result<std::vector<Word>> read_words(const TomlValue& node, std::string_view key) {
  if (!node.is(TomlType::array)) return fail(at(node.line, fmt::format("{} is a list of strings", key)));
  std::vector<Word> out;
  for (const TomlValue& one : node.items) {
    const std::string* text = one.as_string();
    if (text == nullptr || text->empty())
      return fail(at(one.line, fmt::format("{} is a list of strings, none of them empty", key)));
    out.push_back({*text, one.line});
  }
  return out;
}

Status read_strings(const TomlValue& node, std::string_view key, std::vector<std::string>& out) {
  Result<std::vector<Word>> words = read_words(node, key);
  if (!words) return fail(words.error());
  for (Word& word : *words) out.push_back(std::move(word.text));
  return {};
}

Status read_globs(const TomlValue& node, std::string_view key, std::vector<Glob>& out) {
  Result<std::vector<Word>> words = read_words(node, key);
  if (!words) return fail(words.error());
  for (Word& word : *words) out.emplace_back(std::move(word.text));
  return {};
}

Error unknown_key(const TomlMember& member, std::string_view where, std::span<const std::string_view> accepted) {
  std::string names;
  for (std::string_view name : accepted) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  return at(member.line, fmt::format("unknown key '{}'{}; accepted: {}", printable(member.key), where, names));
}

Result<Settings::ForPaths> read_path(const TomlValue& table, const std::vector<std::string_view>& known) {
  Settings::ForPaths entry;
  for (const TomlMember& member : table.members) {
    if (member.key == "severity") {
      Result<RuleLevels> levels = read_levels(member.value, known);
      if (!levels) return fail(levels.error());
      entry.severity = std::move(*levels);
    } else if (member.key == "paths") {
      if (Status read = read_globs(member.value, "paths", entry.paths); !read) return fail(read.error());
    } else {
      constexpr std::string_view kAccepted[] = {"paths", "severity"};
      return fail(unknown_key(member, " in [[path]]", kAccepted));
    }
  }
  if (entry.paths.empty()) return fail(at(table.line, "[[path]] needs paths"));
  return entry;
}

Result<Scope> read_scope(const Word& word, bool required) {
  for (Scope one : {Scope::global, Scope::workspace, Scope::product, Scope::api, Scope::operation, Scope::resolver,
                    Scope::fragment})
    if (word.text == to_string(one) && (!required || (one != Scope::resolver && one != Scope::fragment))) return one;
  return fail(at(word.line, fmt::format("'{}' is no scope; accepted: global, workspace, product, api, operation{}",
                                        printable(word.text), required ? "" : ", resolver, fragment")));
}

// [[required]] or [[forbidden]].
Result<PolicyDemand> read_demand(const TomlValue& table, bool required) {
  const std::string_view where = required ? " in [[required]]" : " in [[forbidden]]";
  PolicyDemand demand;
  const auto words_of = [](const TomlValue& node, std::string_view key) -> Result<std::vector<Word>> {
    // One may stand alone.
    if (const std::string* text = node.as_string(); text != nullptr && !text->empty())
      return std::vector<Word>{{*text, node.line}};
    return read_words(node, key);
  };
  for (const TomlMember& member : table.members) {
    const std::string_view name = member.key;
    const TomlValue& node = member.value;
    if (name == "policies") {
      Result<std::vector<Word>> words = words_of(node, name);
      if (!words) return fail(words.error());
      for (const Word& word : *words) {
        if (catalogue::find_policy(word.text) == nullptr) {
          std::vector<std::string_view> names;
          for (const catalogue::Policy& policy : catalogue::policies()) names.push_back(policy.name);
          const std::string_view meant = closest(word.text, names);
          return fail(at(word.line, fmt::format("there is no policy '{}'{}", printable(word.text),
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
          return fail(at(word.line, fmt::format("'{}' is no section; accepted: inbound, backend, outbound, on-error",
                                                printable(word.text))));
        demand.sections |= bit;
      }
    } else if (name == "paths") {
      if (Status read = read_globs(node, name, demand.paths); !read) return fail(read.error());
    } else if (name == "why") {
      const std::string* text = node.as_string();
      if (text == nullptr) return fail(at(node.line, "why is a string"));
      demand.why = *text;
    } else if (name == "conditional" && required) {
      if (!node.is(TomlType::boolean)) return fail(at(node.line, "conditional is true or false"));
      demand.conditional = node.boolean;
    } else {
      constexpr std::string_view kRequired[] = {"policies", "scopes", "sections", "paths", "conditional", "why"};
      constexpr std::string_view kForbidden[] = {"policies", "scopes", "sections", "paths", "why"};
      return fail(unknown_key(
          member, where,
          required ? std::span<const std::string_view>(kRequired) : std::span<const std::string_view>(kForbidden)));
    }
  }
  if (demand.policies.empty()) return fail(at(table.line, fmt::format("policies is missing{}", where)));
  if (required && demand.scopes.empty())
    return fail(at(table.line,
                   "scopes is missing in [[required]]; accepted: global, workspace, product, api, "
                   "operation"));
  return demand;
}

Status read_external(const TomlValue& node, Settings::External& out) {
  if (!node.is(TomlType::table)) return fail(at(node.line, "external is a table of lists: backends = [\"shared-*\"]"));
  const std::pair<std::string_view, std::vector<std::string>*> kinds[] = {{"named_values", &out.named_values},
                                                                          {"fragments", &out.fragments},
                                                                          {"backends", &out.backends},
                                                                          {"certificates", &out.certificates},
                                                                          {"loggers", &out.loggers},
                                                                          {"products", &out.products},
                                                                          {"tags", &out.tags}};
  for (const TomlMember& member : node.members) {
    const auto* kind =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& one) { return one.first == member.key; });
    if (kind == std::end(kinds)) {
      constexpr std::string_view kAccepted[] = {"named_values", "fragments", "backends", "certificates",
                                                "loggers",      "products",  "tags"};
      return fail(unknown_key(member, " in [external]", kAccepted));
    }
    if (Status read = read_strings(member.value, kind->first, *kind->second); !read) return read;
  }
  return {};
}

// Calls `read` for each table of a list of tables.
template <class Read>
Status for_each_table(const TomlValue& node, std::string_view key, Read read) {
  if (!node.is(TomlType::array)) return fail(at(node.line, fmt::format("{} is a list of tables: [[{}]]", key, key)));
  for (const TomlValue& one : node.items) {
    if (!one.is(TomlType::table)) return fail(at(one.line, fmt::format("{} is a list of tables: [[{}]]", key, key)));
    if (Status done = read(one); !done) return done;
  }
  return {};
}

template <class T>
Status keep(Result<T> value, std::vector<T>& out) {
  if (!value) return fail(value.error());
  out.push_back(std::move(*value));
  return {};
}

Status read_key(const TomlMember& member, const std::vector<std::string_view>& known, Settings& out) {
  const std::string_view name = member.key;
  const TomlValue& node = member.value;
  Guardrails& guardrails = out.guardrails;
  if (name == "severity") {
    Result<RuleLevels> levels = read_levels(node, known);
    if (!levels) return fail(levels.error());
    out.severity = std::move(*levels);
    return {};
  }
  if (name == "path")
    return for_each_table(node, name,
                          [&](const TomlValue& table) { return keep(read_path(table, known), out.for_paths); });
  if (name == "required")
    return for_each_table(node, name,
                          [&](const TomlValue& table) { return keep(read_demand(table, true), guardrails.required); });
  if (name == "forbidden")
    return for_each_table(
        node, name, [&](const TomlValue& table) { return keep(read_demand(table, false), guardrails.forbidden); });
  if (name == "external") return read_external(node, out.external);
  if (name == "allowed_hosts") {
    Result<std::vector<Word>> words = read_words(node, name);
    if (!words) return fail(words.error());
    guardrails.allowed_hosts.emplace();
    for (const Word& word : *words) {
      const std::optional<HostPattern> pattern = HostPattern::parse(word.text);
      if (!pattern)
        return fail(at(word.line, fmt::format("'{}' is no host; accepted: api.example.com, *.example.com, each with "
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
        return fail(at(word.line, fmt::format("'{}' is no gateway; accepted: classic, v2, consumption, self-hosted, "
                                              "workspace",
                                              printable(word.text))));
      guardrails.gateways |= bit;
    }
    return {};
  }
  constexpr std::string_view kAccepted[] = {"severity", "path",      "gateways", "allowed_hosts",
                                            "required", "forbidden", "external"};
  return fail(unknown_key(member, "", kAccepted));
}

Result<Settings> read(const TomlValue& root, const std::vector<std::string_view>& known) {
  Settings settings;
  for (const TomlMember& member : root.members)
    if (Status done = read_key(member, known, settings); !done) return fail(done.error());
  return settings;
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, const std::vector<std::string_view>& known_rules) {
  if (text.size() > std::size_t{256} * 1024) return fail(ErrorCode::limit, "the settings are larger than 256 KiB");
  const auto root = parse_toml(text);
  if (!root) return fail(at(root.error().line, root.error().message));
  return read(*root, known_rules);
}

}  // namespace postern::policy
