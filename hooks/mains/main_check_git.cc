#include "hooks/mains/main_check_git.h"

#include <fmt/core.h>

#include <cstdlib>

#include "gateway/base/encoding.h"
#include "gateway/base/process.h"

namespace postern::check {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

Result<ProcessResult> git(std::vector<std::string> arguments) {
  ProcessRequest request;
  // The checkout of a container often belongs to somebody else; nothing of it is executed by what we ask.
  request.argv = {"git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.quotepath=false"};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  const char* path = std::getenv("PATH");
  request.environment = {{"PATH", path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path},
                         {"LC_ALL", "C"},
                         {"GIT_OPTIONAL_LOCKS", "0"},
                         {"GIT_TERMINAL_PROMPT", "0"},
                         // safe.directory counts only from the system, the user or the environment, not from -c.
                         {"GIT_CONFIG_COUNT", "1"},
                         {"GIT_CONFIG_KEY_0", "safe.directory"},
                         {"GIT_CONFIG_VALUE_0", "*"}};
  for (const char* name :
       {"HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"})
    if (const char* value = std::getenv(name)) request.environment.emplace_back(name, value);
  request.max_output = kMaxBytes;
  return run_process(request);
}

Result<std::string> commit_of(const std::string& name) {
  if (name.empty() || name.starts_with('-'))
    return fail(ErrorCode::bad_usage, fmt::format("'{}' names no commit", printable(name)));
  Result<ProcessResult> found = git({"rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"});
  if (!found) return fail(in_context("git", found.error()));
  if (found->exit_code == 0) return found->output.substr(0, found->output.find('\n'));
  Result<ProcessResult> inside = git({"rev-parse", "--is-shallow-repository"});
  if (!inside) return fail(in_context("git", inside.error()));
  if (inside->exit_code != 0)
    return fail(ErrorCode::bad_usage, "--changed needs a git repository: " + printable(inside->errors));
  if (inside->output.starts_with("true"))
    return fail(
        ErrorCode::bad_usage,
        fmt::format(
            "commit '{}' is not here, because this clone is shallow; fetch it first: git fetch --deepen=100 origin, "
            "or check out with a depth of 0",
            printable(name)));
  return fail(ErrorCode::bad_usage, fmt::format("commit '{}' is not in this repository", printable(name)));
}

}  // namespace

Result<std::vector<ChangedFile>> changed_files(const std::string& range, const std::vector<std::string>& paths) {
  const std::size_t dots = range.find("..");
  const bool to_commit = dots != std::string::npos;
  Result<std::string> base = commit_of(range.substr(0, dots));
  if (!base) return fail(base.error());
  std::string head;
  if (to_commit) {
    const bool three = range.compare(dots, 3, "...") == 0;
    const std::string name = range.substr(dots + (three ? 3 : 2));
    Result<std::string> found = commit_of(name.empty() ? "HEAD" : name);
    if (!found) return fail(found.error());
    head = *found;
    if (three) {
      Result<ProcessResult> merge = git({"merge-base", *base, head});
      if (!merge) return fail(in_context("git", merge.error()));
      if (merge->exit_code != 0)
        return fail(
            ErrorCode::bad_usage,
            "the two commits have no common ancestor here; a shallow clone lacks it: git fetch --deepen=100 origin");
      *base = merge->output.substr(0, merge->output.find('\n'));
    }
  }
  std::vector<std::string> arguments = {"diff",         "--name-only",   "--relative",      "-z",
                                        "--no-renames", "--no-ext-diff", "--diff-filter=d", *base};
  if (to_commit) arguments.push_back(head);
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  Result<ProcessResult> diff = git(std::move(arguments));
  if (!diff) return fail(in_context("git diff", diff.error()));
  if (diff->exit_code != 0) return fail(ErrorCode::unavailable, "git diff: " + printable(diff->errors));
  std::string names = std::move(diff->output);
  if (!to_commit) {
    // What git does not know yet is a change as well.
    std::vector<std::string> others = {"ls-files", "--others", "--exclude-standard", "-z", "--"};
    others.insert(others.end(), paths.begin(), paths.end());
    Result<ProcessResult> untracked = git(std::move(others));
    if (!untracked) return fail(in_context("git ls-files", untracked.error()));
    if (untracked->exit_code != 0) return fail(ErrorCode::unavailable, "git ls-files: " + printable(untracked->errors));
    names += untracked->output;
  }
  std::vector<ChangedFile> out;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find('\0', at), names.size());
    ChangedFile file;
    file.path = names.substr(at, end - at);
    at = end + 1;
    const bool xml =
        file.path.size() > 4 && ascii_lower(std::string_view(file.path).substr(file.path.size() - 4)) == ".xml";
    if (to_commit && xml) {
      Result<ProcessResult> blob = git({"cat-file", "blob", head + ":./" + file.path});
      if (!blob) return fail(in_context("git cat-file", blob.error()));
      if (blob->exit_code != 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("git cat-file {}: {}", printable(file.path), printable(blob->errors)));
      file.text = std::move(blob->output);
    }
    out.push_back(std::move(file));
  }
  return out;
}

}  // namespace postern::check
