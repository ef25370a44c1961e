#include "hooks/template/artifact.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"

namespace postern::tree {
namespace {

// A folder that holds one folder per resource; `parent` is the collection it may stand in, empty for the service.
// What may stand in a workspace is what may stand in the service.
struct Collection {
  std::string_view folder;                       // lower case, without blanks
  std::string_view parent;                       // ARM name of the parent collection
  std::string_view arm;                          // ARM name
  policy::Scope scope = policy::Scope::unknown;  // of a policy.xml there; unknown: takes none
};

using policy::Scope;
constexpr std::array kCollections = {
    Collection{"workspaces", "", "workspaces", Scope::workspace},
    Collection{"apis", "", "apis", Scope::api},
    Collection{"products", "", "products", Scope::product},
    Collection{"policyfragments", "", "policyFragments", Scope::fragment},
    Collection{"namedvalues", "", "namedValues"},
    Collection{"backends", "", "backends"},
    Collection{"loggers", "", "loggers"},
    Collection{"diagnostics", "", "diagnostics"},
    Collection{"tags", "", "tags"},
    Collection{"groups", "", "groups"},
    Collection{"gateways", "", "gateways"},
    Collection{"versionsets", "", "apiVersionSets"},
    Collection{"subscriptions", "", "subscriptions"},
    Collection{"schemas", "", "schemas"},
    Collection{"documentations", "", "documentations"},
    Collection{"policyrestrictions", "", "policyRestrictions"},
    Collection{"operations", "apis", "operations", Scope::operation},
    Collection{"resolvers", "apis", "resolvers", Scope::resolver},
    Collection{"diagnostics", "apis", "diagnostics"},
    Collection{"releases", "apis", "releases"},
    Collection{"schemas", "apis", "schemas"},
    Collection{"tags", "apis", "tags"},
    Collection{"tagdescriptions", "apis", "tagDescriptions"},
    Collection{"wikis", "apis", "wikis"},
    Collection{"apis", "products", "apis"},
    Collection{"groups", "products", "groups"},
    Collection{"tags", "products", "tags"},
    Collection{"apis", "tags", "apis"},
    Collection{"products", "tags", "products"},
    Collection{"apis", "gateways", "apis"},
};

std::string folded(std::string_view folder) {
  std::string out = ascii_lower(folder);
  std::erase(out, ' ');
  return out;
}

const Collection* find_collection(std::string_view folder, std::string_view parent) {
  const std::string name = folded(folder);
  for (const Collection& each : kCollections) {
    if (each.folder == name && each.parent == parent) return &each;
  }
  return nullptr;
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return text.ends_with(ending); });
}

}  // namespace

std::optional<std::string_view> below_root(std::string_view root, std::string_view path) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (root.empty() || root == ".") return path;
  if (path.size() <= root.size() + 1 || !path.starts_with(root) || path[root.size()] != '/') return std::nullopt;
  return path.substr(root.size() + 1);
}

Artifact classify_artifact(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  Artifact artifact;
  if (parts.empty() || std::find(parts.begin(), parts.end(), std::string_view()) != parts.end()) return artifact;
  const std::string_view file = parts.back();
  parts.pop_back();
  if (parts.size() % 2 != 0) return artifact;

  std::string_view parent;
  Scope scope = Scope::global;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    const Collection* collection = find_collection(parts[i], parent);
    if (collection == nullptr) {
      artifact.resource.clear();
      return artifact;
    }
    artifact.resource.push_back({collection->arm, std::string(parts[i + 1])});
    scope = collection->scope;
    // What stands in a workspace is named as what stands in the service.
    parent = collection->arm == "workspaces" ? std::string_view() : collection->arm;
  }

  const std::string name = ascii_lower(file);
  if (name.ends_with(".xml") && scope != Scope::unknown) {
    if (name == "policy.xml") {
      artifact.kind = scope == Scope::fragment ? ArtifactKind::fragment : ArtifactKind::policy;
      artifact.scope = scope;
    } else {
      artifact.kind = ArtifactKind::other_policy;
      artifact.scope = scope;
    }
    // The specification of a SOAP API may be an XML file as well.
    if (scope == Scope::api && ends_with_any(name, {"specification.xml"})) artifact.kind = ArtifactKind::specification;
  } else if (name.ends_with("information.json")) {
    artifact.kind = ArtifactKind::information;
  } else if (scope == Scope::api && name.starts_with("specification.")) {
    artifact.kind = ArtifactKind::specification;
  } else if (name == "apis.json" || name == "groups.json" || name == "tags.json") {
    artifact.kind = ArtifactKind::link_list;
  } else if (name == "wiki.md") {
    artifact.kind = ArtifactKind::wiki;
  }
  return artifact;
}

std::string Artifact::arm_path() const {
  std::string out;
  for (const Segment& segment : resource) {
    out += '/';
    out += segment.collection;
    out += '/';
    out += percent_encode(segment.name);
  }
  if (kind == ArtifactKind::policy) out += "/policies/policy";
  return out;
}

const std::string* Artifact::name_in(std::string_view collection) const {
  for (const Segment& segment : resource) {
    if (segment.collection == collection) return &segment.name;
  }
  return nullptr;
}

}  // namespace postern::tree
