#include "hooks/template/references.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/glob.h"

namespace postern::tree {

std::string_view collection_of(policy::Reference::Kind kind) {
  switch (kind) {
    case policy::Reference::Kind::named_value: return "namedValues";
    case policy::Reference::Kind::fragment: return "policyFragments";
    case policy::Reference::Kind::backend: return "backends";
    case policy::Reference::Kind::logger: return "loggers";
    case policy::Reference::Kind::certificate: return "certificates";
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

Result<std::vector<std::string>> information_files(const TreeView& view, const std::string& folder) {
  const Result<std::vector<std::string>> names = view.names_in(folder);
  if (!names) return fail(names.error());
  std::vector<std::string> files;
  for (const std::string& name : *names) {
    std::string path = folder + "/" + name;
    if (classify_artifact(path).kind == ArtifactKind::information) files.push_back(std::move(path));
  }
  return files;
}

std::optional<std::string> body_name(std::string_view text) {
  const Result<json::Value> value = parse_artifact(text);
  const std::string* name = value ? value->find_string("name") : nullptr;
  if (name == nullptr || name->empty()) return std::nullopt;
  return name->substr(name->rfind('/') + 1);
}

namespace {

// "workspaces/w/backends" for a file of that workspace; empty for others.
std::string local(std::string_view collection, const Artifact& from) {
  const std::string* workspace = from.name_in("workspaces");
  return workspace == nullptr ? std::string() : fmt::format("workspaces/{}/{}", *workspace, collection);
}

// The name of a resource as references give it.
std::string plain_name(std::string_view collection, std::string_view name) {
  std::string out = ascii_lower(name);
  if (collection == "apis") out.resize(std::min(out.size(), out.find(";rev=")));
  return out;
}

const std::vector<std::string>* externals(const TreeOptions& options, std::string_view collection) {
  if (collection == "namedValues") return &options.external_named_values;
  if (collection == "policyFragments") return &options.external_fragments;
  if (collection == "backends") return &options.external_backends;
  if (collection == "certificates") return &options.external_certificates;
  if (collection == "loggers") return &options.external_loggers;
  if (collection == "products") return &options.external_products;
  if (collection == "tags") return &options.external_tags;
  return nullptr;
}

}  // namespace

std::string resource_key(std::string_view collection, std::string_view name) {
  return ascii_lower(fmt::format("{}/{}", collection, name));
}

bool is_external(const TreeOptions& options, std::string_view collection, const std::string& name) {
  const std::vector<std::string>* globs = externals(options, collection);
  return globs != nullptr &&
         std::any_of(globs->begin(), globs->end(), [&](const std::string& glob) { return Glob(glob).matches(name); });
}

bool names_externals(const TreeOptions& options, std::string_view collection) {
  const std::vector<std::string>* globs = externals(options, collection);
  return globs != nullptr && !globs->empty();
}

Result<Names::Known*> Names::known(const std::string& collection) {
  if (const auto at = known_.find(collection); at != known_.end()) return &at->second;
  Result<std::vector<std::string>> folders = resource_folders(view_, collection);
  if (!folders) return fail(folders.error());
  Known known;
  for (std::string& folder : *folders) {
    const std::string_view name = std::string_view(folder).substr(folder.rfind('/') + 1);
    known.folders.emplace(plain_name(collection.substr(collection.rfind('/') + 1), name), std::move(folder));
  }
  return &known_.emplace(collection, std::move(known)).first->second;
}

Result<std::optional<std::string>> Names::display_in(const std::string& folder) {
  const Result<std::vector<std::string>> files = information_files(view_, folder);
  if (!files) return fail(files.error());
  if (files->empty()) return std::optional<std::string>();
  const Result<std::string> text = view_.glance(files->front());
  if (!text) return fail(text.error());
  return display_name(*text);
}

// Azure/apiops 1 kept an API in apis/DISPLAY NAME/VERSION/REVISION; its body says its name.
Result<std::set<std::string>> Names::nested_apis(const Known& known) {
  std::set<std::string> out;
  for (const auto& [unused, folder] : known.folders) {
    const Result<std::vector<std::string>> versions = view_.names_in(folder);
    if (!versions) return fail(versions.error());
    for (const std::string& version : *versions) {
      if (!version.ends_with('/') || !classify_artifact(folder + "/" + version + "x/x").resource.empty()) continue;
      const std::string below = folder + "/" + version;
      const Result<std::vector<std::string>> revisions = view_.names_in(below.substr(0, below.size() - 1));
      if (!revisions) return fail(revisions.error());
      for (const std::string& revision : *revisions) {
        const std::string path = below + revision + "apiInformation.json";
        const Result<bool> there = revision.ends_with('/') ? view_.exists(path) : Result<bool>(false);
        if (!there) return fail(there.error());
        if (!*there) continue;
        const Result<std::string> text = view_.glance(path);
        if (!text) return fail(text.error());
        if (const std::optional<std::string> name = body_name(*text)) out.insert(plain_name("apis", *name));
      }
    }
  }
  return out;
}

Result<bool> Names::in_collection(const std::string& collection, const std::string& name) {
  const Result<Known*> known = this->known(collection);
  if (!known) return fail(known.error());
  const auto folder = (*known)->folders.find(name);
  if (!collection.ends_with("namedValues")) {
    if (folder != (*known)->folders.end()) return true;
    if (collection != "apis") return false;
    if (!(*known)->display) {
      Result<std::set<std::string>> nested = nested_apis(**known);
      if (!nested) return fail(nested.error());
      (*known)->display = std::move(*nested);
    }
    return (*known)->display->contains(name);
  }
  if (folder != (*known)->folders.end()) {
    const Result<std::optional<std::string>> shown = display_in(folder->second);
    if (!shown) return fail(shown.error());
    if (!*shown || ascii_lower(**shown) == name) return true;
  }
  if (!(*known)->display) {
    std::set<std::string> display;
    for (const auto& [unused, each] : (*known)->folders) {
      const Result<std::optional<std::string>> shown = display_in(each);
      if (!shown) return fail(shown.error());
      if (*shown) display.insert(ascii_lower(**shown));
    }
    (*known)->display = std::move(display);
  }
  return (*known)->display->contains(name);
}

Result<bool> Names::has(std::string_view collection, std::string_view name, const Artifact& from) {
  const std::string plain = plain_name(collection, name);
  if (const std::string own = local(collection, from); !own.empty()) {
    const Result<bool> there = in_collection(own, plain);
    if (!there || *there) return there;
  }
  return in_collection(std::string(collection), plain);
}

Result<bool> Names::carries(std::string_view collection, const Artifact& from) {
  for (const std::string& each : {local(collection, from), std::string(collection)}) {
    if (each.empty()) continue;
    const Result<Known*> known = this->known(each);
    if (!known) return fail(known.error());
    if (!(*known)->folders.empty()) return true;
  }
  return false;
}

Result<std::optional<std::string>> Names::other_display(std::string_view name, const Artifact& from) {
  for (const std::string& each : {local("namedValues", from), std::string("namedValues")}) {
    if (each.empty()) continue;
    const Result<Known*> known = this->known(each);
    if (!known) return fail(known.error());
    const auto folder = (*known)->folders.find(ascii_lower(name));
    if (folder == (*known)->folders.end()) continue;
    Result<std::optional<std::string>> shown = display_in(folder->second);
    if (!shown) return shown;
    if (*shown && ascii_lower(**shown) != ascii_lower(name)) return shown;
  }
  return std::optional<std::string>();
}

Result<Taken> Taken::find(TreeView& view, Names& names) {
  Taken out;
  const auto take = [&](const std::string& path, bool deleted) -> Status {
    const Artifact artifact = classify_artifact(path);
    // The resource itself, not what hangs below it or links to it.
    const bool whole = artifact.resource.size() == 1 ||
                       (artifact.resource.size() == 2 && artifact.resource.front().collection == "workspaces");
    if (!whole || artifact.resource.back().collection == "workspaces") return {};
    const std::string_view collection = artifact.resource.back().collection;
    std::vector<std::string> gone;
    if (deleted) gone.push_back(artifact.resource.back().name);
    if (collection == "namedValues" && artifact.kind == ArtifactKind::information) {
      const Result<std::string> text = view.text_before(path);
      if (!text && text.error().code != ErrorCode::not_found) return fail(text.error());
      if (const auto display = text ? display_name(*text) : std::nullopt) gone = {*display};
    }
    for (const std::string& name : gone) {
      const Result<bool> still = names.has(collection, name, artifact);
      if (!still) return fail(still.error());
      if (*still) continue;
      const std::string own = local(collection, artifact);
      const std::string plain = plain_name(collection, name);
      out.names_.insert(resource_key(own.empty() ? collection : std::string_view(own), plain));
      out.plain_.insert(plain);
    }
    return {};
  };
  for (const std::string& path : view.options().extent.deleted) {
    if (Status done = take(path, true); !done) return fail(done.error());
  }
  for (const std::string& path : view.options().extent.changed) {
    if (Status done = take(path, false); !done) return fail(done.error());
  }
  return out;
}

bool Taken::holds(std::string_view collection, std::string_view name, const Artifact& from) const {
  const std::string plain = plain_name(collection, name);
  const std::string own = local(collection, from);
  return names_.contains(resource_key(collection, plain)) ||
         (!own.empty() && names_.contains(resource_key(own, plain)));
}

bool Taken::may_stand_in(std::string_view text) const {
  const std::string folded = ascii_lower(text);
  return std::any_of(plain_.begin(), plain_.end(),
                     [&folded](const std::string& name) { return folded.find(name) != std::string::npos; });
}

Status judge_users(TreeView& view, const Taken& taken, bool (*may_refer)(const TreeFile&), const JudgeFile& judge) {
  for (const TreeFile& file : view.judged()) {
    if (!may_refer(file)) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (Status done = judge(file, *text, false); !done) return done;
  }
  // Only a name that went can break what the change did not touch.
  if (view.options().extent.whole || taken.empty()) return {};
  const Result<std::vector<TreeFile>> users = view.users_of(taken.plain_names());
  if (!users) return fail(users.error());
  for (const TreeFile& file : *users) {
    if (!may_refer(file) || view.options().extent.changed.contains(file.path)) continue;
    const Result<std::string> text = view.glance(file.path);
    if (!text) return fail(text.error());
    // A link is named by its folder.
    if (!taken.may_stand_in(*text) && !taken.may_stand_in(file.path)) continue;
    if (Status done = judge(file, *text, true); !done) return done;
  }
  return {};
}

}  // namespace postern::tree
