// What changed between two commits, by asking git: libgit2 refuses foreign-owned, shallow and filtered checkouts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"

namespace postern::check {

struct ChangedFile {
  std::string path;                 // from the current directory
  std::optional<std::string> text;  // as committed, where HEAD was named
};

// `range` is BASE (against the working tree) or BASE..HEAD. `paths` narrow it; empty: all. bad_usage: no such commit
// here, with what a shallow clone lacks.
Result<std::vector<ChangedFile>> changed_files(const std::string& range, const std::vector<std::string>& paths);

}  // namespace postern::check
