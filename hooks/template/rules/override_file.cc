#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/policy/suggest.h"
#include "hooks/template/references.h"
#include "hooks/template/specification.h"

namespace postern::tree {
namespace {

// A section of the file, and the collection whose resources it names.
struct Section {
  std::string_view name;
  std::string_view collection;
};
constexpr std::array kSections = {Section{"namedValues", "namedValues"},
                                  Section{"backends", "backends"},
                                  Section{"apis", "apis"},
                                  Section{"products", "products"},
                                  Section{"loggers", "loggers"},
                                  Section{"diagnostics", "diagnostics"},
                                  Section{"gateways", "gateways"},
                                  Section{"versionSets", "apiVersionSets"},
                                  Section{"groups", "groups"},
                                  Section{"subscriptions", "subscriptions"},
                                  Section{"tags", "tags"},
                                  Section{"policyFragments", "policyFragments"}};

constexpr std::size_t kMostCompared = 50000;

// Whether the resource in that folder goes by the folder's name. In the layout of Azure/apiops 1 a body says another.
Result<bool> goes_by_folder(const TreeView& view, const std::string& folder) {
  const Result<std::vector<std::string>> files = information_files(view, folder);
  if (!files) return fail(files.error());
  if (files->empty()) return false;
  const Result<std::string> text = view.glance(files->front());
  if (!text) return fail(text.error());
  const std::optional<std::string> own = body_name(*text);
  return !own || *own == folder.substr(folder.rfind('/') + 1);
}

// A name that no artifact has and that is like one that has none in the file: its override is passed over without a
// word.
Status judge_names(TreeView& view, TreeReporter& reporter, const std::string& path, const SpecTree& tree) {
  for (const Section& section : kSections) {
    const SpecTree::Node* list = tree.find(tree.root(), section.name);
    if (list == nullptr || list->kind != SpecTree::Kind::list) continue;
    const Result<std::vector<std::string>> folders = resource_folders(view, section.collection);
    if (!folders) return fail(folders.error());
    std::vector<std::string_view> there;
    for (const std::string& folder : *folders) there.push_back(std::string_view(folder).substr(folder.rfind('/') + 1));
    std::vector<std::pair<std::string_view, TextPlace>> named;
    for (const SpecTree::Member& each : list->members) {
      const SpecTree::Node* name = tree.find(tree.value(each), "name");
      if (name != nullptr && name->kind == SpecTree::Kind::scalar && !name->text.empty() &&
          name->text.find_first_of("{#$%_") == std::string::npos)
        named.emplace_back(name->text, name->at);
    }
    const auto is_named = [&named](std::string_view name) {
      return std::any_of(named.begin(), named.end(), [name](const auto& one) { return one.first == name; });
    };
    // Each that is there is looked up; those that are not are compared with all, up to a limit of work.
    const std::set<std::string_view> known(there.begin(), there.end());
    std::size_t compared = 0;
    for (const auto& [name, at] : named) {
      if (known.contains(name)) continue;
      if ((compared += there.size()) > kMostCompared) break;
      const std::string_view meant = policy::closest(name, there);
      if (meant.empty() || is_named(meant)) continue;
      const auto at_folder = static_cast<std::size_t>(std::find(there.begin(), there.end(), meant) - there.begin());
      const Result<bool> plain = goes_by_folder(view, (*folders)[at_folder]);
      if (!plain) return fail(plain.error());
      if (!*plain) continue;
      reporter.add_whole(path, at.line, at.column,
                         fmt::format("no artifact in {} is named '{}'; publishers pass this override over",
                                     section.name, printable(name, 100)),
                         fmt::format("did you mean '{}'?", printable(meant, 100)), policy::Severity::warning);
    }
  }
  return {};
}

// Whether one of the sections, of a publisher or an extractor, begins a line: files of that name are many.
bool is_configuration(std::string_view text) {
  const auto begins_line = [text](const std::string& key) {
    const std::size_t at = text.find("\n" + key);
    return text.starts_with(key) || at != std::string_view::npos;
  };
  if (begins_line("apimServiceName:") || begins_line("workspaces:") || begins_line("policies:")) return true;
  return std::any_of(kSections.begin(), kSections.end(), [&](const Section& section) {
    const std::string name(section.name);
    // The extractors of Azure/apiops 4 and 5 have apiNames and their like.
    return begins_line(name + ":") || begins_line(name.substr(0, name.size() - 1) + "Names:");
  });
}

Status check(TreeView& view, TreeReporter& reporter) {
  const Result<std::vector<std::string>> files = view.configuration_files();
  if (!files) return fail(files.error());
  for (const std::string& path : *files) {
    const Result<std::string> text = view.read_whole(path);
    if (!text) return fail(text.error());
    if (!view.options().extent.whole) {
      const Result<std::optional<std::string>> before = view.whole_before(path);
      if (!before) return fail(before.error());
      if (view.options().before == nullptr || (*before && **before == *text)) continue;
    }
    if (!is_configuration(*text)) continue;
    const YamlText yaml = read_yaml(*text);
    if (yaml.fault) {
      reporter.add_whole(path, yaml.fault->line, yaml.fault->column, "not YAML: " + yaml.fault->message,
                         "publisher and extractor stop at a configuration that they cannot read",
                         policy::Severity::error);
      continue;
    }
    if (yaml.repeat)
      reporter.add_whole(
          path, yaml.repeat->line, yaml.repeat->column,
          fmt::format("the key '{}' stands a second time in this mapping", printable(yaml.repeat->message, 80)),
          "keep one of them; readers refuse the second, or forget the first", policy::Severity::warning);
    const std::string name = ascii_lower(path.substr(path.rfind('/') + 1));
    if (!yaml.tree || name.find("extractor") != std::string::npos) continue;
    if (Status done = judge_names(view, reporter, path, *yaml.tree); !done) return done;
  }
  return {};
}

}  // namespace

const TreeRule kOverrideFile{
    {"override-file", policy::Severity::error, "A publisher's configuration file parses and names what is there.",
     "configuration.prod.yaml and its like, in the artifact root, beside it or at the top of the repository: publisher "
     "and extractor stop at one that is no YAML. An entry whose name no artifact has is passed over in silence, and "
     "what it says for that environment does not happen; where it is like the name of one, it is told as a warning.",
     "namedValues:\n  - name: api-kye\n    properties: { value: x } where the folder is named api-key",
     "namedValues:\n  - name: api-key\n    properties: { value: x }"},
    check};

}  // namespace postern::tree
