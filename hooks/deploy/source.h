// Where commits come from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/deploy/change.h"

namespace postern::deploy {

// One repository, read. Ids are 40 or 64 lower-case hex digits. Not thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  // Where the ref points now; nullopt: there is no such ref. unavailable, timeout or denied when nobody says.
  virtual Result<std::optional<std::string>> tip(std::string_view ref) = 0;
  // Makes the ref's history readable below. not_found when the server no longer has `commit` there.
  virtual Status fetch(std::string_view ref, std::string_view commit) = 0;

  // The rest reads what was fetched.
  virtual Result<bool> descends(std::string_view commit, std::string_view ancestor) = 0;
  // Every commit reachable from `to` and not from `from`, newest first; limit beyond 100,000.
  virtual Result<std::vector<std::string>> commits_between(std::string_view from, std::string_view to) = 0;
  // Every regular file of the commit below `root` (symbolic links and submodules are left out).
  virtual Result<std::vector<TreeFile>> files(std::string_view commit, std::string_view root) = 0;
  // The contents of objects by id; not_found names the first that is missing. At most 64 MiB together.
  virtual Result<std::map<std::string, std::string>> contents(const std::vector<std::string>& ids) = 0;
  // One file of a commit; nullopt: it is not there.
  virtual Result<std::optional<std::string>> file(std::string_view commit, std::string_view path) = 0;
};

}  // namespace postern::deploy
