// What a hook was called with, taken apart once: paths from the dispatcher, git's and Gogs' environment, standard
// input.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"

namespace postern::receive {

// Value: the environment of the process, or of a test.
class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> values) : values_(std::move(values)) {}
  static Environment of_process();
  const std::string* find(std::string_view name) const;  // null when unset
  bool has_prefix(std::string_view prefix) const;        // any variable whose name begins so

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Value: one call of a hook. Everything but `commands` and the environment is written by `postern-hook install` into
// the dispatcher, which root owns.
struct HookCall {
  std::string bundle;  // directory with hook.json
  std::string spool;
  std::string root;         // Gogs' [repository] ROOT
  pid_t git_pid = 0;        // the git process that runs the hook
  std::string paused;       // not empty: the end of a pause; everything passes and is recorded
  std::string transaction;  // reference-transaction: prepared | committed | aborted
  std::string input;        // standard input
};

// Value: where the hook runs.
struct Located {
  std::string directory;  // absolute, links resolved: "<root>/owner/name.git"
  git::RepoPath repo;
};

// The repository that GIT_DIR (else the working directory) stands in; nullopt when it is none below `root`: that is not
// ours to judge (Gogs' temporary clones, other repositories of its user). An error: could not find out.
Result<std::optional<Located>> locate_repository(const std::string& root, const Environment& environment);

// `old SP new SP ref` per line. invalid_input names the line.
Result<std::vector<git::RefUpdate>> parse_commands(std::string_view input);

// GIT_PUSH_OPTION_0 … in order. invalid_input when the count and the variables disagree.
Result<std::vector<std::string>> push_options(const Environment& environment);

// The account Gogs names as the writer; nullopt when Gogs itself writes (merge button, wiki page, pull-request head).
std::optional<std::string> gogs_user(const Environment& environment);

}  // namespace postern::receive
