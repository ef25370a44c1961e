#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "gateway/base/encoding.h"
#include "hooks/policy/suggest.h"
#include "hooks/template/references.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// What is wrong with the name of a resource; empty when ARM takes it.
std::string fault_of(const Segment& segment) {
  const std::string& name = segment.name;
  if (segment.collection == "policyFragments") {
    if (name.size() > 80) return "is longer than 80 characters";
    const bool sound = !name.empty() && is_word(name.front()) && is_word(name.back()) &&
                       std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-'; });
    if (!sound) return "holds more than letters, digits, '_' and '-' inside";
    return {};
  }
  if (name.size() > 256) return "is longer than 256 characters";
  if (segment.collection == "apis" || segment.collection == "namedValues" || segment.collection == "products") {
    const std::size_t at = name.find_first_of("*#&+:<>?");
    if (at != std::string::npos) return fmt::format("holds '{}'", name[at]);
  }
  return {};
}

struct Kind {
  std::string_view collection;  // ARM name
  std::string_view folder;      // lower case, without blanks
  std::string_view file;        // of its information, before "Information.json"
};
constexpr std::array kKinds = {
    Kind{"apis", "apis", "api"},
    Kind{"products", "products", "product"},
    Kind{"policyFragments", "policyfragments", "policyFragment"},
    Kind{"namedValues", "namedvalues", "namedValue"},
    Kind{"backends", "backends", "backend"},
    Kind{"loggers", "loggers", "logger"},
    Kind{"diagnostics", "diagnostics", "diagnostic"},
    Kind{"tags", "tags", "tag"},
    Kind{"groups", "groups", "group"},
    Kind{"gateways", "gateways", "gateway"},
    Kind{"apiVersionSets", "versionsets", "versionSet"},
    Kind{"subscriptions", "subscriptions", "subscription"},
};

// The file name that was meant, where this one is no name of an artifact and like one; else empty.
std::string meant_file(const Artifact& artifact, std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (artifact.kind != ArtifactKind::unknown || artifact.resource.empty() || dot == std::string_view::npos) return {};
  const std::string stem = ascii_lower(name.substr(0, dot));
  const std::string ending = ascii_lower(name.substr(dot));
  const std::string_view collection = artifact.resource.back().collection;
  if (ending == ".json") {
    for (const Kind& kind : kKinds) {
      if (kind.collection != collection) continue;
      const std::string lower = ascii_lower(kind.file);
      if (stem == lower + "info" || policy::is_alike(stem, lower + "information"))
        return std::string(kind.file) + "Information.json";
    }
  }
  if (collection == "apis" && (ending == ".json" || ending == ".yaml" || ending == ".graphql" || ending == ".wsdl") &&
      policy::is_alike(stem, "specification")) {
    return "specification" + ending;
  }
  return {};
}

// The folder of the tree that no publisher knows and that is like one it does: its end in `path`, and the name meant.
std::optional<std::pair<std::size_t, std::string_view>> meant_folder(std::string_view path) {
  const std::string lower = ascii_lower(path);
  if (!lower.ends_with("information.json") && !lower.ends_with("/policy.xml")) return std::nullopt;
  std::size_t begin = 0;
  if (lower.starts_with("workspaces/")) {
    begin = lower.find('/', std::string_view("workspaces/").size());
    if (begin == std::string::npos) return std::nullopt;
    ++begin;
  }
  const std::size_t end = lower.find('/', begin);
  if (end == std::string::npos || lower.find('/', end + 1) == std::string::npos) return std::nullopt;
  std::string folder = lower.substr(begin, end - begin);
  std::erase(folder, ' ');
  std::array<std::string_view, kKinds.size()> names;
  std::transform(kKinds.begin(), kKinds.end(), names.begin(), [](const Kind& kind) { return kind.folder; });
  const std::string_view meant = policy::closest(folder, names);
  if (meant.empty() || meant == folder) return std::nullopt;
  return std::pair(end, meant);
}

// Whether what was meant stands beside it: then this one is kept for another purpose.
Result<bool> stands_beside(const TreeView& view, const TreeFile& file, const std::string& meant) {
  const Result<std::vector<std::string>> names = view.names_in(file.path.substr(0, file.path.rfind('/')));
  if (!names) return fail(names.error());
  const bool specification = meant.starts_with("specification.");
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    const std::string lower = ascii_lower(name);
    return specification ? lower.starts_with("specification.") : lower == ascii_lower(meant);
  });
}

Status judge_place(const TreeView& view, TreeReporter& reporter, const TreeFile& file, std::set<std::string>& said) {
  if (file.artifact.kind != ArtifactKind::unknown) return {};
  const std::string_view name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
  if (const std::string meant = meant_file(file.artifact, name); !meant.empty()) {
    const Result<bool> beside = stands_beside(view, file, meant);
    if (!beside) return fail(beside.error());
    if (!*beside)
      reporter.add_at(file.path, 1, 1, fmt::format("no publisher reads a file named '{}' here", printable(name, 80)),
                      fmt::format("did you mean '{}'?", meant), policy::Severity::warning);
  }
  if (!file.artifact.resource.empty()) return {};
  const auto folder = meant_folder(file.path);
  if (!folder || !said.insert(file.path.substr(0, folder->first + 1)).second) return {};
  reporter.add_at(file.path, 1, 1,
                  fmt::format("no publisher reads the folder '{}'", printable(file.path.substr(0, folder->first), 80)),
                  fmt::format("did you mean '{}'?", folder->second), policy::Severity::warning);
  return {};
}

// Whether the body of the resource in that folder says another name: Azure/apiops 1 named folders by display names.
Result<bool> is_named_by_body(const TreeView& view, const std::string& folder, const std::string& name) {
  const Result<std::vector<std::string>> files = information_files(view, folder);
  if (!files) return fail(files.error());
  for (const std::string& path : *files) {
    const Result<std::string> text = view.glance(path);
    if (!text) return fail(text.error());
    const std::optional<std::string> own = body_name(*text);
    if (own && *own != name) return true;
  }
  return false;
}

Status check(TreeView& view, TreeReporter& reporter) {
  std::set<std::string> said;
  for (const TreeFile& file : view.judged()) {
    if (Status done = judge_place(view, reporter, file, said); !done) return done;
    if (file.artifact.kind == ArtifactKind::unknown) continue;  // nothing is made of it
    std::size_t end = 0;
    for (const Segment& segment : file.artifact.resource) {
      end = file.path.find('/', file.path.find('/', end) + 1) + 1;
      const std::string fault = fault_of(segment);
      if (fault.empty() || !said.insert(std::string(segment.collection) + "/" + segment.name).second) continue;
      const Result<bool> other = is_named_by_body(view, file.path.substr(0, end - 1), segment.name);
      if (!other) return fail(other.error());
      if (*other) continue;
      reporter.add_at(file.path, 1, 1,
                      fmt::format("the name '{}' {}; ARM refuses it for {}", printable(segment.name, 80), fault,
                                  segment.collection),
                      "rename the folder");
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactName{{"artifact-name", policy::Severity::error, "Folder names are names that ARM takes.",
                              "The folder's name becomes the resource's name; ARM refuses some characters and lengths.",
                              "policy fragments/rate limit/policy.xml", "policy fragments/rate-limit/policy.xml"},
                             check};

}  // namespace postern::tree
