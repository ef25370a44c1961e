// What names exist in a tree, looked up as they are asked for, and which a change took away.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/template/tree_rule.h"

namespace postern::tree {

// Collections are named as ARM spells them ("namedValues"); names are compared without letter case, as ARM does. A file
// in a workspace sees the workspace's resources and the service's.
class Names {
 public:
  explicit Names(TreeView& view) : view_(view) {}
  // Whether the file at `from` finds a resource of that name: by the folder, all revisions of an API being one. Named
  // values go by their display name, which is what the service goes by; the folder's name is theirs where it says none.
  Result<bool> has(std::string_view collection, std::string_view name, const Artifact& from);
  // Whether the tree carries such resources at all: a tree without backends says nothing about them.
  Result<bool> carries(std::string_view collection, const Artifact& from);
  // The display name of the named value in the folder of that name, where it is another one.
  Result<std::optional<std::string>> other_display(std::string_view name, const Artifact& from);

 private:
  struct Known {
    std::map<std::string, std::string> folders;    // folded name -> folder below the root
    std::optional<std::set<std::string>> display;  // names in bodies: shown ones; of APIs in deeper folders
  };
  Result<Known*> known(const std::string& collection);
  Result<bool> in_collection(const std::string& collection, const std::string& name);
  Result<std::optional<std::string>> display_in(const std::string& folder);
  Result<std::set<std::string>> nested_apis(const Known& known);
  TreeView& view_;
  std::map<std::string, Known> known_;  // by collection, workspace in front
};

// The names that a change took away: of resources that have no file any more, and display names that no named value has
// any more.
class Taken {
 public:
  static Result<Taken> find(TreeView& view, Names& names);
  bool empty() const { return names_.empty(); }
  bool holds(std::string_view collection, std::string_view name, const Artifact& from) const;
  const std::set<std::string>& plain_names() const { return plain_; }  // without their collections; folded
  // Whether the text holds one of these names at all, which most files do not.
  bool may_stand_in(std::string_view text) const;

 private:
  std::set<std::string> names_;  // "backends/b", "workspaces/w/backends/b"; folded
  std::set<std::string> plain_;
};

// Gives the files that `may_refer` to `judge`: those of the extent; then, where the change took names away, those it
// did not touch and that may use one (`only_taken`: nothing else of them is to be judged).
using JudgeFile = std::function<Status(const TreeFile& file, std::string_view text, bool only_taken)>;
Status judge_users(TreeView& view, const Taken& taken, bool (*may_refer)(const TreeFile&), const JudgeFile& judge);

// "backends/b": one name however it is spelt.
std::string resource_key(std::string_view collection, std::string_view name);

// What the settings say lives outside the tree. For a collection of which they name some, the rest is in the tree.
bool is_external(const TreeOptions& options, std::string_view collection, const std::string& name);
bool names_externals(const TreeOptions& options, std::string_view collection);

// The ARM collection that a reference leads to.
std::string_view collection_of(policy::Reference::Kind kind);

// The folders of the resources of a collection ("backends", "workspaces/w/backends"), each below the root, without a
// slash at the end. Every spelling of the collection's own folder counts.
Result<std::vector<std::string>> resource_folders(const TreeView& view, std::string_view collection);

// The information files that stand directly in the folder; paths below the root, in the order of their names.
Result<std::vector<std::string>> information_files(const TreeView& view, const std::string& folder);

// The name that an artifact's own text gives its resource, at the top or as the end of an id; nullopt: none.
std::optional<std::string> body_name(std::string_view text);

// The display name in the text of a named value's information; nullopt when it says none or does not parse.
std::optional<std::string> display_name(std::string_view text);

}  // namespace postern::tree
