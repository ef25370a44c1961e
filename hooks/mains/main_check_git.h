// What changed since a commit.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/repo/file_source.h"

namespace postern::check {

struct ChangedFile {
  std::string path;                 // from the current directory
  bool deleted = false;             // was there before, is not any more
  std::optional<std::string> text;  // of an XML file, as committed, where HEAD was named
};

struct ChangeSet {
  std::vector<ChangedFile> files;            // sorted by path
  std::unique_ptr<repo::FileSource> before;  // the tree that was changed, from the current directory
};

// `range` is BASE (against the working tree, with what is not tracked yet), BASE..HEAD, or BASE...HEAD (against the
// common ancestor of the two). `paths` narrow it, literally; empty: all below the current directory.
// bad_usage: no such commit here, or history that a shallow clone lacks, with the command that fetches it. unavailable:
// a blob that a filtered clone lacks and could not fetch.
Result<ChangeSet> changes_of(const std::string& range, const std::vector<std::string>& paths);

}  // namespace postern::check
