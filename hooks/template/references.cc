#include "hooks/template/references.h"

#include "gateway/base/encoding.h"

namespace postern::tree {
std::string_view collection_of(policy::Reference::Kind kind) {
  switch (kind) {
    case policy::Reference::Kind::named_value: return "namedValues";
    case policy::Reference::Kind::fragment: return "policyFragments";
    case policy::Reference::Kind::backend: return "backends";
    case policy::Reference::Kind::logger: return "loggers";
    case policy::Reference::Kind::certificate: return {};
  }
  return {};
}

Result<std::vector<std::string>> resource_folders(const TreeView& view, std::string_view collection) {
  const std::size_t slash = collection.rfind('/');
  const std::string parent(slash == std::string_view::npos ? "" : collection.substr(0, slash));
  const std::string prefix = parent.empty() ? "" : parent + "/";
  const std::string_view last = slash == std::string_view::npos ? collection : collection.substr(slash + 1);
  Result<std::vector<std::string>> folders = view.names_in(parent);
  if (!folders) return fail(folders.error());
  std::vector<std::string> out;
  for (const std::string& folder : *folders) {
    if (!folder.ends_with('/')) continue;
    const Artifact inside = classify_artifact(prefix + folder + "x/x");
    if (inside.resource.empty() || inside.resource.back().collection != last) continue;
    const std::string directory = prefix + folder;  // ends with a slash
    Result<std::vector<std::string>> names = view.names_in(std::string_view(directory).substr(0, directory.size() - 1));
    if (!names) return fail(names.error());
    for (const std::string& name : *names) {
      if (name.ends_with('/')) out.push_back(directory + name.substr(0, name.size() - 1));
    }
  }
  return out;
}

std::optional<std::string> display_name(std::string_view text) {
  const Result<json::Value> value = parse_artifact(text);
  if (!value) return std::nullopt;
  const json::Value* properties = value->find("properties");
  const std::string* display = properties == nullptr ? nullptr : properties->find_string("displayName");
  return display == nullptr ? std::nullopt : std::optional(*display);
}

Result<Names::Known*> Names::known(const std::string& collection) {
  if (const auto at = known_.find(collection); at != known_.end()) return &at->second;
  Result<std::vector<std::string>> folders = resource_folders(view_, collection);
  if (!folders) return fail(folders.error());
  Known known;
  for (std::string& folder : *folders) {
    const std::string name = ascii_lower(std::string_view(folder).substr(folder.rfind('/') + 1));
    known.folders.emplace(name, std::move(folder));
  }
  return &known_.emplace(collection, std::move(known)).first->second;
}

Result<bool> Names::in_collection(const std::string& collection, const std::string& name) {
  const Result<Known*> known = this->known(collection);
  if (!known) return fail(known.error());
  if ((*known)->folders.contains(name)) return true;
  if (!collection.ends_with("namedValues")) return false;
  if (!(*known)->display) {
    std::set<std::string> display;
    for (const auto& [unused, folder] : (*known)->folders) {
      const Result<std::vector<std::string>> files = view_.names_in(folder);
      if (!files) return fail(files.error());
      for (const std::string& file : *files) {
        const std::string path = folder + "/" + file;
        if (classify_artifact(path).kind != ArtifactKind::information) continue;
        const Result<std::string> text = view_.glance(path);
        if (!text) return fail(text.error());
        if (const auto shown = display_name(*text)) display.insert(ascii_lower(*shown));
      }
    }
    (*known)->display = std::move(display);
  }
  return (*known)->display->contains(name);
}

Result<bool> Names::has(const policy::Reference& reference, const Artifact& from) {
  const std::string collection(collection_of(reference.kind));
  if (collection.empty()) return true;
  const std::string name = ascii_lower(reference.name);
  if (const std::string* workspace = from.name_in("workspaces")) {
    const Result<bool> local = in_collection("workspaces/" + *workspace + "/" + collection, name);
    if (!local || *local) return local;
  }
  return in_collection(collection, name);
}

Result<bool> Names::carries(policy::Reference::Kind kind) {
  const std::string collection(collection_of(kind));
  if (collection.empty()) return false;
  const Result<Known*> known = this->known(collection);
  if (!known) return fail(known.error());
  return !(*known)->folders.empty();
}

}  // namespace postern::tree
