// What names exist in a tree, looked up as they are asked for.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/template/tree_rule.h"

namespace postern::tree {

// Names of named values, fragments and backends, looked up as they are asked for: the folders of a collection first;
// the display names of its named values, which is what the service goes by, only for a name that has no folder.
class Names {
 public:
  explicit Names(TreeView& view) : view_(view) {}
  // Whether `reference`, seen in the file at `from`, leads to something in the tree. Letter case is ignored, as ARM
  // does.
  Result<bool> has(const policy::Reference& reference, const Artifact& from);
  // Whether the tree carries that collection at all: a tree without backends says nothing about them.
  Result<bool> carries(policy::Reference::Kind kind);

 private:
  struct Known {
    std::map<std::string, std::string> folders;  // folded name -> folder below the root
    std::optional<std::set<std::string>> display;
  };
  Result<Known*> known(const std::string& collection);
  Result<bool> in_collection(const std::string& collection, const std::string& name);
  TreeView& view_;
  std::map<std::string, Known> known_;  // by ARM collection, workspace in front
};

// The ARM collection that a reference leads to; empty for what is no artifact of its own.
std::string_view collection_of(policy::Reference::Kind kind);

// The folders of the resources of a collection ("backends", "workspaces/w/backends"), each below the root, without a
// slash at the end. Every spelling of the collection's own folder counts.
Result<std::vector<std::string>> resource_folders(const TreeView& view, std::string_view collection);

// The display name in the text of a named value's information; nullopt when it says none or does not parse.
std::optional<std::string> display_name(std::string_view text);

}  // namespace postern::tree
