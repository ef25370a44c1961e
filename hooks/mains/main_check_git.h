// What changed since a commit, by asking git: libgit2 refuses foreign-owned, shallow and filtered checkouts.
//
// Nothing that the repository's own configuration names is executed: no filter, external diff, file system monitor or
// hook; and in a checkout that belongs to somebody else nothing is fetched either (its configuration says from where
// and by which program). Replace refs are ignored.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"

namespace postern::check {

struct ChangedFile {
  std::string path;                 // from the current directory
  bool deleted = false;             // was there before, is not any more
  std::optional<std::string> text;  // of an XML file, as committed, where HEAD was named
};

// `range` is BASE (against the working tree, with what is not tracked yet), BASE..HEAD, or BASE...HEAD (against the
// common ancestor of the two). `paths` narrow it, literally; empty: all below the current directory. Sorted by path.
// bad_usage: no such commit here, or history that a shallow clone lacks, with the command that fetches it. unavailable:
// a blob that a filtered clone lacks and could not fetch.
Result<std::vector<ChangedFile>> changed_files(const std::string& range, const std::vector<std::string>& paths);

}  // namespace postern::check
