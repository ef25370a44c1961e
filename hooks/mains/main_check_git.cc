#include "hooks/mains/main_check_git.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "hooks/mains/main_check_pool.h"
#include "hooks/repo/checkout.h"

namespace postern::check {
namespace {

constexpr std::size_t kBlobsAtOnce = 256;

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

// Where a CI's own checkout is told to bring more history.
std::string_view checkout_setting() {
  if (is_set("GITHUB_ACTIONS")) return "; in GitHub Actions: actions/checkout with fetch-depth: 0";
  if (is_set("GITLAB_CI")) return "; in GitLab CI: variables: GIT_DEPTH: \"0\"";
  if (is_set("TF_BUILD")) return "; in Azure Pipelines: checkout: self with fetchDepth: 0";
  if (is_set("JENKINS_URL")) return "; in Jenkins: a checkout without the shallow clone option";
  return "";
}

bool is_object_id(std::string_view name) {
  return (name.size() == 40 || name.size() == 64) &&
         name.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// The command that brings the commit `name` into this clone.
std::string command_for(const std::string& name, bool shallow) {
  const std::string depth = shallow ? "--depth=1 " : "";
  if (is_object_id(name)) return fmt::format("git fetch {}origin {}", depth, name);
  const std::size_t back = name.find_first_of("~^");
  if (back != std::string::npos && shallow) {
    // HEAD~3, main^^: as many commits more.
    unsigned long steps = 0;
    for (std::size_t i = back; i < name.size(); ++i) {
      if (name[i] == '^') ++steps;
      if (name[i] == '~') {
        const std::size_t digits = std::min(name.find_first_not_of("0123456789", i + 1), name.size()) - i - 1;
        steps +=
            digits == 0 ? 1 : std::strtoul(name.substr(i + 1, std::min<std::size_t>(digits, 6)).c_str(), nullptr, 10);
      }
    }
    return fmt::format("git fetch --deepen={} origin", std::max(steps, 1UL));
  }
  std::string branch = name.substr(0, back);
  for (const std::string_view prefix : {"refs/remotes/origin/", "origin/", "refs/heads/"})
    if (branch.starts_with(prefix)) {
      branch.erase(0, prefix.size());
      break;
    }
  if (branch.empty() || branch == "HEAD" || branch.find_first_of(" :@{") != std::string::npos)
    return shallow ? "git fetch --unshallow origin" : "git fetch origin";
  const std::string command = fmt::format("git fetch {}origin {}:refs/remotes/origin/{}", depth, branch, branch);
  return name.starts_with("origin/") || name.starts_with("refs/remotes/")
             ? command
             : fmt::format("{}, and name it origin/{}", command, branch);
}

Result<std::string> commit_of(const repo::Checkout& git, const std::string& name) {
  if (name.empty() || name.starts_with('-'))
    return fail(ErrorCode::bad_usage, fmt::format("'{}' names no commit", printable(name)));
  if (is_object_id(name) && name.find_first_not_of('0') == std::string::npos)
    return fail(ErrorCode::bad_usage,
                "a commit of zeros stands for a branch that did not exist before; name another base, such as "
                "origin/main...HEAD");
  Result<ProcessResult> found = git.run({"rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"});
  if (!found) return fail(in_context("git", found.error()));
  if (found->exit_code == 0) return found->output.substr(0, found->output.find('\n'));
  const std::string command = printable(command_for(name, git.shallow()));
  if (git.shallow())
    return fail(ErrorCode::bad_usage,
                fmt::format("commit '{}' is not here, because this clone is shallow; fetch it first: {}{}",
                            printable(name), command, checkout_setting()));
  return fail(ErrorCode::bad_usage,
              fmt::format("commit '{}' is not in this repository; if the remote has it: {}", printable(name), command));
}

std::set<std::string_view> lines_of(std::string_view text) {
  std::set<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.insert(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The best common ancestor; in a shallow clone only when no cut in the history could hide a better one.
Result<std::string> common_ancestor(const repo::Checkout& git, const std::string& base, const std::string& head) {
  const auto lacks = [&](std::string_view what) {
    return fail(ErrorCode::bad_usage,
                fmt::format("{}, because this clone is shallow; fetch the history first: git fetch --unshallow "
                            "origin{}; or name the commit to compare with: BASE..HEAD",
                            what, checkout_setting()));
  };
  if (git.shallow()) {
    // Where the history was cut stands in a file. A cut among the commits that only one side has could hide a way of
    // that side to the other.
    Result<std::string> path = git.line({"rev-parse", "--git-path", "shallow"});
    if (!path) return fail(path.error());
    Result<std::string> cuts = read_file(*path, repo::Checkout::kMaxOutput);
    if (!cuts) return fail(cuts.error());
    Result<std::string> between = git.output({"rev-list", base + "..." + head});
    if (!between) return fail(between.error());
    const std::set<std::string_view> ends = lines_of(*cuts);
    for (const std::string_view commit : lines_of(*between))
      if (ends.contains(commit)) return lacks("the common ancestor of the two commits is not known");
  }
  Result<ProcessResult> merge = git.run({"merge-base", base, head});
  if (!merge) return fail(in_context("git merge-base", merge.error()));
  if (merge->exit_code == 0) return merge->output.substr(0, merge->output.find('\n'));
  if (git.shallow()) return lacks("the two commits have no common ancestor here");
  return fail(ErrorCode::bad_usage, "the two commits have no common ancestor; compare them with BASE..HEAD");
}

struct Entry {
  ChangedFile file;
  std::string old_id;
  std::string new_id;  // of zeros: what stands in the working tree
  bool regular = false;
};

bool is_zero(std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; }

// ":MODE MODE ID ID STATUS NUL PATH NUL" of git's raw format.
Result<std::vector<Entry>> entries_of(const std::string& raw) {
  std::vector<Entry> out;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t head_end = raw.find('\0', at);
    const std::size_t path_end = head_end == std::string::npos ? head_end : raw.find('\0', head_end + 1);
    const std::string_view head = std::string_view(raw).substr(at, head_end - at);
    std::vector<std::string_view> words;
    for (std::size_t from = 0; from <= head.size();) {
      const std::size_t to = std::min(head.find(' ', from), head.size());
      words.push_back(head.substr(from, to - from));
      from = to + 1;
    }
    if (path_end == std::string::npos || words.size() != 5 || !head.starts_with(':'))
      return fail(ErrorCode::unavailable, "git answers in a form that is not known here");
    Entry entry;
    entry.file.path = raw.substr(head_end + 1, path_end - head_end - 1);
    entry.file.deleted = words[4].starts_with('D');
    entry.regular = words[1].starts_with("100");
    entry.old_id = words[2];
    entry.new_id = words[3];
    // A submodule or a link is no file of ours, but what it replaced is gone.
    if (!entry.file.deleted && !entry.regular && words[0].starts_with(":100")) entry.file.deleted = true;
    if (entry.file.deleted || entry.regular) out.push_back(std::move(entry));
    at = path_end + 1;
  }
  return out;
}

// Files whose times differ from git's notes but whose bytes do not are no change.
Status drop_untouched(const repo::Checkout& git, std::vector<Entry>& entries) {
  std::string paths;
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.file.deleted || !is_zero(entry.new_id) || is_zero(entry.old_id)) continue;
    if (entry.file.path.find('\n') != std::string::npos || entry.file.path.starts_with('"')) continue;
    struct stat info{};
    if (::lstat(entry.file.path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    paths += entry.file.path + "\n";
    asked.push_back(i);
  }
  if (asked.empty()) return {};
  Result<std::string> ids = git.output({"hash-object", "--no-filters", "--stdin-paths"}, std::move(paths));
  if (!ids) return fail(ids.error());
  std::set<std::size_t> same;
  std::size_t at = 0;
  for (const std::size_t i : asked) {
    const std::size_t end = std::min(ids->find('\n', at), ids->size());
    if (std::string_view(*ids).substr(at, end - at) == entries[i].old_id) same.insert(i);
    at = std::min(end + 1, ids->size());
  }
  std::vector<Entry> kept;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (!same.contains(i)) kept.push_back(std::move(entries[i]));
  entries = std::move(kept);
  return {};
}

// The bytes of the blobs of `wanted`, in groups that fit.
Status read_blobs(const repo::Checkout& git, const std::vector<Entry*>& wanted, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  std::string ids;
  for (std::size_t i = begin; i < end; ++i) ids += wanted[i]->new_id + "\n";
  Result<ProcessResult> read = git.run({"cat-file", "--batch"}, std::move(ids));
  if (!read && read.error().code == ErrorCode::limit && end - begin > 1) {
    const std::size_t middle = begin + (end - begin) / 2;
    if (Status first = read_blobs(git, wanted, begin, middle); !first) return first;
    return read_blobs(git, wanted, middle, end);
  }
  const std::string& path = wanted[begin]->file.path;
  if (!read) return fail(in_context(fmt::format("git cat-file {}", printable(path)), read.error()));
  const std::string& text = read->output;
  std::size_t at = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t line = text.find('\n', at);
    const std::string_view head = std::string_view(text).substr(at, line == std::string::npos ? 0 : line - at);
    const std::size_t blob = head.find(" blob ");
    const std::size_t size =
        blob == std::string_view::npos ? 0 : std::strtoull(std::string(head.substr(blob + 6)).c_str(), nullptr, 10);
    if (blob == std::string_view::npos || text.size() - line - 1 < size)
      return fail(ErrorCode::unavailable,
                  fmt::format("{}: its content is not here, because this clone was made with a filter{}; fetch it "
                              "first: git fetch --refetch --no-filter origin",
                              printable(wanted[i]->file.path),
                              read->errors.empty() ? "" : " (git: " + repo::last_words(read->errors) + ")"));
    wanted[i]->file.text = text.substr(line + 1, size);
    at = line + 1 + size + 1;
  }
  return {};
}

}  // namespace

Result<ChangeSet> changes_of(const std::string& range, const std::vector<std::string>& paths) {
  Result<repo::Checkout> opened = repo::Checkout::open();
  if (!opened) return fail(in_context("--changed", opened.error()));
  const repo::Checkout& git = *opened;
  const std::size_t dots = range.find("..");
  const bool to_commit = dots != std::string::npos;
  // Before the first commit there is HEAD but nothing that it names: everything is new.
  const bool unborn = range == "HEAD" && !git.line({"rev-parse", "--verify", "--quiet", "HEAD"}) &&
                      git.line({"symbolic-ref", "--quiet", "HEAD"});
  Result<std::string> base =
      unborn ? git.line({"hash-object", "-t", "tree", "--stdin"}) : commit_of(git, range.substr(0, dots));
  if (!base) return fail(base.error());
  std::vector<std::string> arguments = {to_commit ? "diff-tree" : "diff-index",
                                        "--raw",
                                        "-z",
                                        "--no-renames",
                                        "--relative",
                                        "--no-ext-diff",
                                        "--full-index",
                                        "--ignore-submodules=all"};
  if (to_commit) {
    const bool three = range.compare(dots, 3, "...") == 0;
    const std::string name = range.substr(dots + (three ? 3 : 2));
    Result<std::string> head = commit_of(git, name.empty() ? "HEAD" : name);
    if (!head) return fail(head.error());
    if (three) {
      base = common_ancestor(git, *base, *head);
      if (!base) return fail(base.error());
    }
    arguments.insert(arguments.end(), {"-r", *base, *head});
  } else {
    arguments.push_back(*base);
  }
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  Result<std::string> raw = git.output(std::move(arguments));
  if (!raw) return fail(raw.error());
  Result<std::vector<Entry>> entries = entries_of(*raw);
  if (!entries) return fail(entries.error());
  if (to_commit) {
    std::vector<Entry*> wanted;
    for (Entry& entry : *entries)
      if (!entry.file.deleted && has_xml_name(entry.file.path)) wanted.push_back(&entry);
    for (std::size_t i = 0; i < wanted.size(); i += kBlobsAtOnce)
      if (Status read = read_blobs(git, wanted, i, std::min(i + kBlobsAtOnce, wanted.size())); !read)
        return fail(read.error());
  } else if (Status dropped = drop_untouched(git, *entries); !dropped) {
    return fail(dropped.error());
  }
  ChangeSet out;
  for (Entry& entry : *entries) out.files.push_back(std::move(entry.file));
  if (!to_commit) {
    // What git does not know yet is a change as well.
    std::vector<std::string> others = {"ls-files", "--others", "--exclude-standard", "-z", "--"};
    others.insert(others.end(), paths.begin(), paths.end());
    Result<std::string> untracked = git.output(std::move(others));
    if (!untracked) return fail(untracked.error());
    for (std::size_t at = 0; at < untracked->size();) {
      const std::size_t end = std::min(untracked->find('\0', at), untracked->size());
      out.files.push_back({untracked->substr(at, end - at), false, std::nullopt});
      at = end + 1;
    }
  }
  std::sort(out.files.begin(), out.files.end(),
            [](const ChangedFile& a, const ChangedFile& b) { return a.path < b.path; });
  out.before = repo::checkout_source(git, *base);
  return out;
}

}  // namespace postern::check
