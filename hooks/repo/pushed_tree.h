// A repository as a push leaves it, read where the push still waits: quarantine, loose and packed objects, alternates.
//
// Replace refs and grafts are ignored by every read: they would show a reviewer one tree and a clone another.
// Implementations: pushed_tree_git2.cc (plain SHA-1 repositories, fast) and, beside it, whatever reads what libgit2
// refuses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/git/object_id.h"
#include "hooks/repo/file_source.h"

namespace postern::repo {

using git::ObjectId;

// Value: an entry of a tree that is no tree itself.
struct Entry {
  std::uint32_t mode = 0;  // 0100644, 0100755, 0120000 (link) or 0160000 (submodule), as git takes what is written
  ObjectId id = ObjectId::zero();
  bool is_file() const { return mode == 0100644 || mode == 0100755; }
  bool operator==(const Entry&) const = default;
};

// Value: a path whose entry differs between two trees. A rename is two of them.
struct Change {
  std::string path;
  std::optional<Entry> before;  // nullopt: was not there
  std::optional<Entry> after;   // nullopt: is gone
};

struct ReadLimits {
  std::uint64_t blob_bytes = 16ULL << 20;    // of a blob that is read
  std::uint64_t object_bytes = 32ULL << 20;  // of a tree, a commit or a tag that is read
  std::uint64_t paths = 100000;              // changes of one comparison, files of one listing
  std::size_t depth = 512;                   // directories within directories
};

// The commits that no ref reached before, newest first.
struct NewCommits {
  std::vector<ObjectId> ids;
  bool truncated = false;
};

// One thread at a time. Every error but those named means "could not find out".
class PushedTree {
 public:
  virtual ~PushedTree() = default;

  // The commit that `id` is or, as a tag, leads to; nullopt when that is a tree or a blob. not_found: no such object.
  virtual Result<std::optional<ObjectId>> peel_to_commit(const ObjectId& id) const = 0;
  // What differs between the trees of two commits, sorted by path; `from` nullopt is the empty tree. Only directories
  // whose ids differ are opened. limit: more than ReadLimits::paths; invalid_input: an entry no working tree could
  // hold.
  virtual Result<std::vector<Change>> changes(const std::optional<ObjectId>& from, const ObjectId& to) const = 0;
  // The entry at `path` in the commit's tree; nullopt when there is none or it is a directory.
  virtual Result<std::optional<Entry>> entry_at(const ObjectId& commit, std::string_view path) const = 0;
  // Every non-tree entry below `directory` (empty: all), sorted.
  virtual Result<std::vector<std::pair<std::string, Entry>>> entries_below(const ObjectId& commit,
                                                                           std::string_view directory) const = 0;
  // What stands in `directory` itself (empty: the top), sorted; names of directories end with '/'. Only files and
  // directories.
  virtual Result<std::vector<std::string>> names_in(const ObjectId& commit, std::string_view directory) const = 0;
  // The directories that stand in `directory` itself, with the ids of their trees, sorted.
  virtual Result<std::vector<std::pair<std::string, ObjectId>>> folders_in(const ObjectId& commit,
                                                                           std::string_view directory) const = 0;
  // The size of a blob, from its header alone.
  virtual Result<std::uint64_t> blob_size(const ObjectId& blob) const = 0;
  // limit when its header says more than `max_bytes`; nothing is inflated then.
  virtual Result<std::string> read_blob(const ObjectId& blob, std::uint64_t max_bytes) const = 0;
  // True when `commit` is `ancestor` or comes after it.
  virtual Result<bool> descends_from(const ObjectId& commit, const ObjectId& ancestor) const = 0;
  virtual Result<std::optional<ObjectId>> merge_base(const ObjectId& one, const ObjectId& other) const = 0;
  // What `tips` (commits) bring that no ref of the repository reaches, at most `max`.
  virtual Result<NewCommits> new_commits(std::span<const ObjectId> tips, std::size_t max) const = 0;

  virtual Result<bool> has_refs() const = 0;
  // The commit of the default branch (what HEAD points to); nullopt while it is unborn.
  virtual Result<std::optional<ObjectId>> default_tip() const = 0;
  // The full name HEAD points to, "refs/heads/main".
  virtual Result<std::string> default_branch() const = 0;
  // What `ref` names now, peeled to nothing; nullopt when it is not there.
  virtual Result<std::optional<ObjectId>> resolve(std::string_view ref) const = 0;
  // The ref that `ref` is another name of, whether or not that one is there; nullopt: an ordinary ref, or none.
  virtual Result<std::optional<std::string>> symbolic_target(std::string_view ref) const = 0;
  // True when the configuration of the repository has remote.<name>.mirror = true.
  virtual Result<bool> is_mirror() const = 0;
};

// The repository of the hook's environment (GIT_DIR, GIT_OBJECT_DIRECTORY, GIT_ALTERNATE_OBJECT_DIRECTORIES,
// GIT_QUARANTINE_PATH). `interrupted` is asked between objects; when it answers an error, the read ends with it.
using Interrupted = std::function<Status()>;
Result<std::unique_ptr<PushedTree>> open_pushed_tree_from_env(const ReadLimits& limits, Interrupted interrupted = {});
// The repository at `directory` (bare, or the one a working tree has), environment ignored. For postern-check.
Result<std::unique_ptr<PushedTree>> open_pushed_tree(const std::string& directory, const ReadLimits& limits);

// The files of one commit. `tree` must outlive it.
std::unique_ptr<FileSource> commit_source(const PushedTree& tree, const ObjectId& commit);

}  // namespace postern::repo
