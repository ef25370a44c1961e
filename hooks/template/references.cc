#include "hooks/template/references.h"

#include <array>

#include "gateway/base/encoding.h"

namespace postern::tree {
namespace {

// The two spellings of a collection's folder.
std::array<std::string, 2> folders_of(std::string_view collection) {
  if (collection == "namedValues") return {"named values", "namedValues"};
  if (collection == "policyFragments") return {"policy fragments", "policyFragments"};
  return {std::string(collection), std::string()};
}

}  // namespace

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

Result<const std::set<std::string>*> Names::names_of(const std::string& collection) {
  if (const auto at = known_.find(collection); at != known_.end()) return &at->second;
  const std::size_t slash = collection.rfind('/');
  const std::string prefix = slash == std::string::npos ? "" : collection.substr(0, slash + 1);
  const std::string last = slash == std::string::npos ? collection : collection.substr(slash + 1);
  std::set<std::string> names;
  for (const std::string& folder : folders_of(last)) {
    if (folder.empty()) continue;
    const Result<std::vector<TreeFile>> files = view_.files_below(prefix + folder);
    if (!files) return fail(files.error());
    for (const TreeFile& file : *files) {
      if (file.artifact.resource.empty()) continue;
      names.insert(ascii_lower(file.artifact.resource.back().name));
      // The service finds a named value by its display name, which may differ from the folder's.
      if (last != "namedValues" || file.artifact.kind != ArtifactKind::information) continue;
      const Result<std::string_view> text = view_.text(file.path);
      if (!text) return fail(text.error());
      const Result<json::Value> value = parse_artifact(*text);
      if (!value) continue;
      if (const json::Value* properties = value->find("properties")) {
        if (const std::string* display = properties->find_string("displayName")) names.insert(ascii_lower(*display));
      }
    }
  }
  return &known_.emplace(collection, std::move(names)).first->second;
}

Result<bool> Names::has(const policy::Reference& reference, const Artifact& from) {
  const std::string collection(collection_of(reference.kind));
  if (collection.empty()) return true;
  const std::string name = ascii_lower(reference.name);
  if (const std::string* workspace = from.name_in("workspaces")) {
    const Result<const std::set<std::string>*> local = names_of("workspaces/" + *workspace + "/" + collection);
    if (!local) return fail(local.error());
    if ((*local)->contains(name)) return true;
  }
  const Result<const std::set<std::string>*> names = names_of(collection);
  if (!names) return fail(names.error());
  return (*names)->contains(name);
}

Result<bool> Names::carries(policy::Reference::Kind kind) {
  const std::string collection(collection_of(kind));
  if (collection.empty()) return false;
  const Result<const std::set<std::string>*> names = names_of(collection);
  if (!names) return fail(names.error());
  return !(*names)->empty();
}

}  // namespace postern::tree
