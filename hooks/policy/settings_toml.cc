#include <fmt/core.h>
#include <toml++/toml.h>

#include "gateway/base/encoding.h"
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

Result<Settings> read(const toml::table& root, const std::vector<std::string_view>& known) {
  Settings settings;
  for (const auto& [key, value] : root) {
    if (key.str() == "severity") {
      Result<RuleLevels> levels = read_levels(value, known);
      if (!levels) return fail(levels.error());
      settings.severity = std::move(*levels);
    } else if (key.str() == "path") {
      const toml::array* list = value.as_array();
      if (list == nullptr) return fail(at(value.source(), "path is a list of tables: [[path]]"));
      for (const toml::node& one : *list) {
        const toml::table* table = one.as_table();
        if (table == nullptr) return fail(at(one.source(), "path is a list of tables: [[path]]"));
        Settings::ForPaths entry;
        for (const auto& [name, part] : *table) {
          if (name.str() == "severity") {
            Result<RuleLevels> levels = read_levels(part, known);
            if (!levels) return fail(levels.error());
            entry.severity = std::move(*levels);
          } else if (name.str() == "paths") {
            const toml::array* paths = part.as_array();
            if (paths == nullptr) return fail(at(part.source(), "paths is a list of patterns"));
            for (const toml::node& path : *paths) {
              const auto* text = path.as_string();
              if (text == nullptr || text->get().empty()) return fail(at(path.source(), "a path pattern is a string"));
              entry.paths.emplace_back(text->get());
            }
          } else {
            return fail(at(name.source(), fmt::format("unknown key '{}' in [[path]]; accepted: paths, severity",
                                                      printable(name.str()))));
          }
        }
        if (entry.paths.empty()) return fail(at(one.source(), "[[path]] needs paths"));
        settings.for_paths.push_back(std::move(entry));
      }
    } else {
      return fail(at(key.source(), fmt::format("unknown key '{}'; accepted: severity, path", printable(key.str()))));
    }
  }
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
