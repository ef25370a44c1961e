#include "hooks/mains/main_check_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "hooks/policy/rules.h"
#include "hooks/policy/suppression.h"
#include "hooks/repo/directory_source.h"
#include "hooks/template/artifact.h"
#include "hooks/template/tree.h"

namespace postern::check {
namespace {

std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out + "\n";
}

// By a comment in a document.
bool may_be_suppressed(const policy::Rule& rule) {
  if (policy::find_rule(rule.id) != nullptr) return !rule.syntax;
  const auto names = policy::tree_rule_names();
  return std::any_of(names.begin(), names.end(),
                     [&](const policy::TreeRuleName& one) { return one.id == rule.id && one.in_documents; });
}

}  // namespace

std::vector<const policy::Rule*> all_rules() {
  std::vector<const policy::Rule*> out(policy::rules().begin(), policy::rules().end());
  out.insert(out.end(), tree::tree_rules().begin(), tree::tree_rules().end());
  return out;
}

std::string list_of_rules(bool as_json) {
  if (as_json) {
    json::Array list;
    for (const policy::Rule* rule : all_rules())
      list.emplace_back(json::Object{{"id", json::Value(rule->id)},
                                     {"severity", json::Value(to_string(rule->severity))},
                                     {"summary", json::Value(rule->summary)}});
    return json::dump_pretty(json::Value(std::move(list)));
  }
  std::string out;
  for (const policy::Rule* rule : all_rules())
    out += fmt::format("{:<24} {:<8} {}\n", rule->id, to_string(rule->severity), rule->summary);
  return out;
}

std::optional<std::string> explanation(std::string_view id) {
  for (const policy::Rule* rule : all_rules()) {
    if (rule->id != id) continue;
    std::string out = fmt::format("{} ({})\n\n{}\n{}\n\nbad:\n{}\ngood:\n{}\n", rule->id, to_string(rule->severity),
                                  rule->summary, rule->why, indented(rule->bad), indented(rule->good));
    if (may_be_suppressed(*rule))
      out += fmt::format(
          "to accept it in one place, with an end date and a reason:\n    <!-- postern-allow {} until 2027-12-31: why "
          "-->\n",
          rule->id);
    out += fmt::format(
        "to release it at once, everywhere (platform team, [[templates]] in postern.toml):\n    severity = {{ \"{}\" = "
        "\"off\" }}\n",
        rule->id);
    return out;
  }
  return std::nullopt;
}

std::string rules_page() {
  std::string out =
      "# Rules\n\nMade from the rules themselves; a test keeps this page equal to them.\n\n"
      "**error**: the service refuses it, or the organisation demands it. **warning**: the service takes it, but it "
      "does not do "
      "what it seems to. A rule that is an error may say a warning where the sources about the service disagree. Each "
      "rule is "
      "explained by `postern-check --explain RULE`; how to accept a finding is told in "
      "[policy-language.md](policy-language.md).\n\n"
      "| rule | severity | what it asks |\n|---|---|---|\n";
  for (const policy::Rule* rule : all_rules())
    out += fmt::format("| [{}](#{}) | {} | {} |\n", rule->id, rule->id, to_string(rule->severity), rule->summary);
  for (const policy::Rule* rule : all_rules()) {
    // Four backquotes, since an example may hold three.
    out += fmt::format("\n## {}\n\n{} {}\n\nBad:\n\n````\n{}\n````\n\nGood:\n\n````\n{}\n````\n", rule->id,
                       rule->summary, rule->why, rule->bad, rule->good);
  }
  return out;
}

policy::Scope scope_of_path(std::string_view path, const std::optional<std::string>& root) {
  if (root) {
    std::string prefix = std::filesystem::path(*root).lexically_normal().generic_string();
    while (prefix.ends_with('/')) prefix.pop_back();
    const std::string normal = std::filesystem::path(path).lexically_normal().generic_string();
    if (const std::optional<std::string_view> below = tree::below_root(prefix == "." ? "" : prefix, normal))
      return tree::classify_artifact(*below).scope;
  }
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  const std::size_t n = parts.size();
  if (n < 3 || parts[n - 1] != "policy.xml") return policy::Scope::unknown;
  const std::string_view kind = parts[n - 3];
  const bool in_api = n >= 5 && parts[n - 5] == "apis";
  if (kind == "operations" && in_api) return policy::Scope::operation;
  if (kind == "resolvers" && in_api) return policy::Scope::resolver;
  if (kind == "apis") return policy::Scope::api;
  if (kind == "products") return policy::Scope::product;
  if (kind == "workspaces") return policy::Scope::workspace;
  if (kind == "policy fragments" || kind == "policyFragments") return policy::Scope::fragment;
  return policy::Scope::unknown;
}

Result<policy::Settings> read_settings(const std::optional<std::string>& file, const std::optional<std::string>& root) {
  std::string path;
  if (file) {
    path = *file;
  } else {
    std::error_code error;
    const std::string in_root = root ? *root + "/postern-policy.toml" : std::string();
    if (root && std::filesystem::exists(in_root, error))
      path = in_root;
    else if (std::filesystem::exists("postern-policy.toml", error))
      path = "postern-policy.toml";
    else
      return policy::Settings();
  }
  const Result<std::string> text = read_file(path, std::size_t{256} * 1024);
  if (!text) return fail(text.error());
  std::vector<std::string_view> known;
  for (const policy::Rule* rule : tree::tree_rules()) known.push_back(rule->id);
  Result<policy::Settings> settings = policy::parse_settings(*text, known);
  if (!settings) return fail(in_context(path, settings.error()));
  return settings;
}

Result<std::vector<policy::Finding>> check_artifacts(const std::string& root, const tree::Extent& extent,
                                                     const repo::FileSource* before, const policy::Settings& settings,
                                                     const policy::CheckOptions& options, policy::CheckCounts& counts) {
  // Seen from here, as the hook sees it from the repository's top: paths of settings and fingerprints of a baseline are
  // the same in both. A root elsewhere is its own top.
  std::string below = std::filesystem::path(root).lexically_normal().generic_string();
  while (below.ends_with('/') && below.size() > 1) below.pop_back();
  std::error_code error;
  const bool elsewhere = below.starts_with('/') || below.starts_with("..") || std::filesystem::is_symlink(below, error);
  Result<std::unique_ptr<repo::FileSource>> files = repo::open_directory_source(elsewhere ? root : ".");
  if (!files) return fail(files.error());
  const std::string prefix = elsewhere ? root + (root.ends_with('/') ? "" : "/") : std::string();
  tree::TreeOptions of_tree;
  of_tree.extent = extent;
  of_tree.before = elsewhere ? nullptr : before;
  of_tree.levels_for = [&](const std::string& path) { return settings.levels_for(prefix + path); };
  of_tree.may_suppress = options.may_suppress;
  of_tree.today = options.today;
  tree::declare(of_tree, settings);
  std::vector<policy::Finding> suppressed;
  Result<std::vector<policy::Finding>> findings =
      tree::check_tree(**files, elsewhere || below == "." ? "" : below, of_tree, &suppressed);
  if (!findings) return fail(findings.error());
  counts.suppressed += static_cast<unsigned>(suppressed.size());
  for (policy::Finding& finding : *findings) finding.path = prefix + finding.path;
  return findings;
}

}  // namespace postern::check
