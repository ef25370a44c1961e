#include "hooks/receive/repository_settings.h"

#include <algorithm>

namespace postern::receive {
namespace {

// nullopt: no such file.
Result<std::optional<std::string>> read_if_there(const repo::FileSource& files, const std::string& path,
                                                 std::size_t max_bytes) {
  Result<bool> there = files.exists(path);
  if (!there) return fail(there.error());
  if (!*there) return std::optional<std::string>{};
  Result<std::string> text = files.read(path, max_bytes);
  if (!text) return fail(text.error());
  return std::optional<std::string>(std::move(*text));
}

}  // namespace

policy::RuleLevels RepositorySettings::levels_for(std::string_view path) const {
  return policy::under_platform(repository.levels_for(path), platform, may_suppress);
}

bool RepositorySettings::may_relax(std::string_view rule) const {
  return std::any_of(may_suppress.begin(), may_suppress.end(),
                     [rule](const std::string& entry) { return entry == rule || entry == "*"; });
}

std::string baseline_path(const access::Templates& templates) {
  const std::size_t slash = templates.settings.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : templates.settings.substr(0, slash + 1);
  return directory + "postern-baseline.json";
}

Result<RepositorySettings> settings_in(const repo::FileSource* files, const std::string& where,
                                       const access::Templates& templates) {
  RepositorySettings settings;
  settings.may_suppress = templates.may_relax;
  for (const auto& [rule, level] : templates.severity) {
    Result<policy::RuleLevel> parsed = policy::parse_level(level);
    if (!parsed) return fail(in_context("severity of " + rule, parsed.error()));
    settings.platform[rule] = *parsed;
  }
  if (files != nullptr) {
    Result<std::optional<std::string>> text = read_if_there(*files, templates.settings, kSettingsMaxBytes);
    if (!text) return fail(text.error());
    if (*text) {
      Result<policy::Settings> parsed = policy::parse_settings(**text, {"*"});
      if (!parsed) return fail(in_context(templates.settings + where, parsed.error()));
      settings.repository = std::move(*parsed);
    }
    const std::string path = baseline_path(templates);
    text = read_if_there(*files, path, policy::kBaselineMaxBytes);
    if (!text) return fail(text.error());
    if (*text) {
      Result<policy::Baseline> parsed = policy::parse_baseline(**text);
      if (!parsed) return fail(in_context(path + where, parsed.error()));
      settings.baseline = std::move(*parsed);
    }
  }
  settings.severity = policy::under_platform(settings.repository.severity, settings.platform, settings.may_suppress);
  return settings;
}

Result<RepositorySettings> settings_before(const repo::PushedTree& tree, const std::optional<repo::ObjectId>& old,
                                           const access::Templates& templates) {
  const std::unique_ptr<repo::FileSource> files = old ? repo::commit_source(tree, *old) : nullptr;
  return settings_in(files.get(), old ? " of " + old->hex() : std::string(), templates);
}

}  // namespace postern::receive
