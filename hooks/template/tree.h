// An artifact directory as a whole: its files, what each is, and what names what.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "hooks/policy/check.h"
#include "hooks/policy/finding.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/settings.h"
#include "hooks/repo/file_source.h"
#include "hooks/template/artifact.h"
#include "hooks/template/words.h"

namespace postern::tree {

// Which files are to be judged. The rest of the tree is only looked at as far as they refer to it.
struct Extent {
  bool whole = true;              // false: `changed` and what `deleted` may have broken
  std::set<std::string> changed;  // below the root; there after the change
  std::set<std::string> deleted;  // below the root; there before it
};

struct TreeOptions {
  Extent extent;
  // Names that live outside the tree, as the settings declare them; globs.
  std::vector<std::string> external_named_values;
  std::vector<std::string> external_fragments;
  std::vector<std::string> external_backends;
  std::vector<std::string> external_certificates;
  std::vector<std::string> external_loggers;
  std::vector<std::string> external_products;
  std::vector<std::string> external_tags;
  // What the organisation declared; silent rules without.
  policy::Guardrails guardrails;
  std::size_t max_file_bytes = std::size_t{16} << 20;
  // The level of each rule at a path in the whole tree; null: each rule's own.
  std::function<policy::RuleLevels(const std::string& path)> levels_for;
  // Which rules a comment in a document may suppress, and the day it is, as in policy::CheckOptions; empty: none.
  std::vector<std::string> may_suppress;
  std::int64_t today = 0;
  // The tree before the change, where it is known (extent.whole is false): what was broken there already is not said
  // again of files that the change does not touch. Outlives the call.
  const repo::FileSource* before = nullptr;
  // What is known about folders from before, so that looking for who uses a name costs what the change costs. May be
  // null; outlives the call.
  KeptWords* kept = nullptr;
};

// Takes over what a repository's settings say about its tree.
void declare(TreeOptions& options, const policy::Settings& settings);

// Judges what no single document shows: artifacts that do not parse or have another shape than ARM takes, names that
// lead nowhere, cycles, names that differ by letter case alone. `root` is the artifact root within `files`. The
// findings carry whole paths, sorted; the policy documents themselves are policy::check_policy's business.
// An error means that a file could not be read: the question stays open.
//
// The cost of an extent follows the change: the changed files, and the names in the folders that they refer to. A
// change that takes a name away asks every folder of a resource whether it may use it: one whose content was read
// before (TreeOptions::kept) is not read again.
// What a comment in a document suppresses is added to `suppressed`, where given.
Result<std::vector<policy::Finding>> check_tree(const repo::FileSource& files, std::string_view root,
                                                const TreeOptions& options,
                                                std::vector<policy::Finding>* suppressed = nullptr);

// Ids and words of the rules above, for lists and documentation; their `check` is null, since it looks at a document.
const std::vector<const policy::Rule*>& tree_rules();

}  // namespace postern::tree
