// From two trees of one repository to the resources that differ.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/policy/check.h"

namespace postern::deploy {

// A file of a commit: its path below the repository's root and the id of its content. Two files with equal ids hold
// equal bytes.
struct TreeFile {
  std::string path;
  std::string id;
  bool operator==(const TreeFile&) const = default;
};

// A policy or fragment in API Management, and the file that says what it is to be.
struct Resource {
  std::string arm_path;  // below the service: "/apis/orders/policies/policy"; names percent-encoded each on its own
  policy::Scope scope = policy::Scope::unknown;
  std::string file;  // path in the repository
  std::string id;    // of the content
  bool operator==(const Resource&) const = default;
};

// How ARM compares ids: without regard to letter case. The key of every map here.
std::string resource_key(std::string_view arm_path);

using Resources = std::map<std::string, Resource>;  // by resource_key

// What an environment owns ([[environment]] kinds).
struct Kinds {
  bool policies = true;
  bool fragments = true;
};
// invalid_input for a word that is neither "policy" nor "fragment".
Result<Kinds> parse_kinds(const std::vector<std::string>& words);

// The policies and fragments among `files` below `root` (layout apiops, both spellings of folder names, workspaces and
// revisions). conflict when two files mean the same resource: which one would win is nobody's to guess.
Result<Resources> list_resources(const std::vector<TreeFile>& files, std::string_view root, const Kinds& kinds);

enum class Action { put, remove };
std::string_view to_string(Action action);

struct Change {
  Action action = Action::put;
  Resource resource;  // of the new tree for put, of the old one for remove
  bool operator==(const Change&) const = default;
};

// What must be written so that a service that holds `from` holds `to`. In the order of keys; the plan orders it.
// A resource whose file moved or was respelt, but whose text is the same, is no change.
std::vector<Change> list_changes(const Resources& from, const Resources& to);

}  // namespace postern::deploy
