#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/template/information.h"
#include "hooks/template/references.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// An id of ARM in an artifact's JSON ("/products/starter", whole or from the subscription on), with its place.
struct Link {
  const json::Value* at;
  std::string collection;  // apiVersionSets, loggers, products, apis, groups, backends
  std::string name;
};

struct Collection {
  std::string_view name;
  std::string_view one;  // as a person calls a member of it
};
constexpr std::array kCollections = {Collection{"apiVersionSets", "version set"},
                                     Collection{"loggers", "logger"},
                                     Collection{"products", "product"},
                                     Collection{"apis", "API"},
                                     Collection{"groups", "group"},
                                     Collection{"backends", "backend"}};

const Collection* find_collection(std::string_view name) {
  const auto at = std::find_if(kCollections.begin(), kCollections.end(),
                               [&](const Collection& each) { return ascii_lower(each.name) == ascii_lower(name); });
  return at == kCollections.end() ? nullptr : &*at;
}

// Every service has these.
constexpr std::array<std::string_view, 4> kBuiltIn = {"groups/administrators", "groups/developers", "groups/guests",
                                                      "loggers/azuremonitor"};

std::string key_of(std::string_view collection, std::string_view name) {
  return fmt::format("{}/{}", collection, ascii_lower(name));
}

// The last two segments of an id, where they name a resource of ours.
std::optional<Link> link_in(const json::Value& value) {
  const std::string* id = value.as_string();
  if (id == nullptr || id->find_first_of("{#$%") != std::string::npos) return std::nullopt;
  const std::size_t slash = id->rfind('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == id->size()) return std::nullopt;
  const std::size_t before = id->rfind('/', slash - 1);
  const std::string_view collection = std::string_view(*id).substr(before + 1, slash - before - 1);
  const Collection* known = find_collection(collection);
  if (known == nullptr) return std::nullopt;
  std::string name = id->substr(slash + 1);
  if (known->name == "apis") name.resize(std::min(name.size(), name.find(";rev=")));
  return Link{&value, std::string(known->name), std::move(name)};
}

std::vector<Link> links_of(const Information& information) {
  std::vector<Link> out;
  const auto add = [&](const json::Value* value) {
    if (value == nullptr) return;
    if (std::optional<Link> link = link_in(*value)) out.push_back(std::move(*link));
  };
  for (const std::string_view name : {"apiVersionSetId", "loggerId", "scope", "apiId", "productId", "groupId"}) {
    add(information.at({name}));
  }
  if (const json::Value* services = information.at({"pool", "services"}); services && services->as_array()) {
    for (const json::Value& service : *services->as_array()) add(service.find("id"));
  }
  return out;
}

class Check {
 public:
  Check(TreeView& view, TreeReporter& reporter) : view_(view), reporter_(reporter) {}

  Status run() {
    if (Status done = find_taken(); !done) return done;
    for (const TreeFile& file : view_.judged()) {
      if (file.artifact.kind != ArtifactKind::information) continue;
      const Result<std::string_view> text = view_.text(file.path);
      if (!text) return fail(text.error());
      if (Status done = judge(file, *text, false); !done) return done;
    }
    if (view_.options().extent.whole || taken_.empty()) return {};
    // Only a resource that went can break what the change did not touch.
    const Result<std::vector<TreeFile>> all = view_.files_below("");
    if (!all) return fail(all.error());
    for (const TreeFile& file : *all) {
      if (file.artifact.kind != ArtifactKind::information) continue;
      if (view_.options().extent.changed.contains(file.path)) continue;
      const Result<std::string> text = view_.glance(file.path);
      if (!text) return fail(text.error());
      if (Status done = judge(file, *text, true); !done) return done;
    }
    return {};
  }

 private:
  Status judge(const TreeFile& file, std::string_view text, bool only_taken) {
    const std::optional<Information> information = Information::read(text);
    if (!information) return {};
    const std::string* workspace = file.artifact.name_in("workspaces");
    for (const Link& link : links_of(*information)) {
      const bool gone = taken_.contains(key_of(link.collection, link.name));
      if (only_taken && !gone) continue;
      bool carried = gone;
      bool found = false;
      for (const std::string& collection :
           {workspace ? "workspaces/" + *workspace + "/" + link.collection : link.collection, link.collection}) {
        const Result<const std::set<std::string>*> names = names_in(collection);
        if (!names) return fail(names.error());
        carried |= !(*names)->empty();
        found |= (*names)->contains(ascii_lower(link.name));
      }
      const bool built_in =
          std::find(kBuiltIn.begin(), kBuiltIn.end(), key_of(link.collection, link.name)) != kBuiltIn.end();
      // A tree that carries no such resources keeps them elsewhere.
      if (found || built_in || !carried) continue;
      information->add(reporter_, file.path, text, *link.at,
                       fmt::format("{} '{}' {}", find_collection(link.collection)->one, printable(link.name, 100),
                                   gone ? "is deleted by this change and still named here" : "is not in this tree"),
                       gone ? "remove the use as well, or keep the artifact" : "add the artifact, or mend the id",
                       gone ? policy::Severity::error : policy::Severity::warning);
    }
    return {};
  }

  // Folded names of a collection's folders; an API's revisions count as the API.
  Result<const std::set<std::string>*> names_in(const std::string& collection) {
    if (const auto at = names_.find(collection); at != names_.end()) return &at->second;
    const Result<std::vector<std::string>> folders = resource_folders(view_, collection);
    if (!folders) return fail(folders.error());
    std::set<std::string> names;
    for (const std::string& folder : *folders) {
      const std::string name = ascii_lower(std::string_view(folder).substr(folder.rfind('/') + 1));
      names.insert(name.substr(0, name.find(";rev=")));
    }
    return &names_.emplace(collection, std::move(names)).first->second;
  }

  Status find_taken() {
    for (const std::string& path : view_.options().extent.deleted) {
      const Artifact artifact = classify_artifact(path);
      // The resource itself, not a link to it below another.
      const bool whole = artifact.resource.size() == 1 ||
                         (artifact.resource.size() == 2 && artifact.resource.front().collection == "workspaces");
      if (!whole) continue;
      const std::string collection(artifact.resource.back().collection);
      if (find_collection(collection) == nullptr) continue;
      const Result<const std::set<std::string>*> still = names_in(collection);
      if (!still) return fail(still.error());
      std::string name = ascii_lower(artifact.resource.back().name);
      name = name.substr(0, name.find(";rev="));
      if (!(*still)->contains(name)) taken_.insert(key_of(collection, name));
    }
    return {};
  }

  TreeView& view_;
  TreeReporter& reporter_;
  std::map<std::string, std::set<std::string>> names_;
  std::set<std::string> taken_;
};

}  // namespace

const TreeRule kMissingArtifact{
    {"missing-artifact", policy::Severity::warning, "what the JSON of an artifact names by its id exists in the tree",
     "ARM refuses an API whose version set, a diagnostic whose logger or a link whose end does not exist. What this "
     "very change deletes is an error.",
     "{ \"properties\": { \"apiVersionSetId\": \"/apiVersionSets/odrers\" } } where the folder is named orders",
     "{ \"properties\": { \"apiVersionSetId\": \"/apiVersionSets/orders\" } }"},
    [](TreeView& view, TreeReporter& reporter) { return Check(view, reporter).run(); }};

}  // namespace postern::tree
