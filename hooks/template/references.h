// What names exist in a tree, looked up as they are asked for.
#pragma once

#include <map>
#include <set>
#include <string>

#include "hooks/template/tree_rule.h"

namespace postern::tree {

// Names of named values (by display name), fragments and backends. Reads a collection once, when first asked.
class Names {
 public:
  explicit Names(TreeView& view) : view_(view) {}
  // Whether `reference`, seen in the file at `from`, leads to something in the tree. Letter case is ignored, as ARM
  // does.
  Result<bool> has(const policy::Reference& reference, const Artifact& from);
  // Whether the tree carries that collection at all: a tree without backends says nothing about them.
  Result<bool> carries(policy::Reference::Kind kind);

 private:
  Result<const std::set<std::string>*> names_of(const std::string& collection);
  TreeView& view_;
  std::map<std::string, std::set<std::string>> known_;  // by ARM collection, workspace in front
};

// The ARM collection that a reference leads to; empty for what is no artifact of its own.
std::string_view collection_of(policy::Reference::Kind kind);

}  // namespace postern::tree
