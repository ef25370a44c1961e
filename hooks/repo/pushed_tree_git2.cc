#include <git2.h>
#include <git2/sys/repository.h>

#include <algorithm>
#include <map>

#include "gateway/base/encoding.h"
#include "hooks/repo/directory_source.h"
#include "hooks/repo/libgit2.h"
#include "hooks/repo/pushed_tree.h"

namespace postern::repo {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using RepositoryPtr = std::unique_ptr<git_repository, Deleter<git_repository_free>>;
using OdbPtr = std::unique_ptr<git_odb, Deleter<git_odb_free>>;
using OdbObjectPtr = std::unique_ptr<git_odb_object, Deleter<git_odb_object_free>>;
using TreePtr = std::unique_ptr<git_tree, Deleter<git_tree_free>>;
using CommitPtr = std::unique_ptr<git_commit, Deleter<git_commit_free>>;
using TagPtr = std::unique_ptr<git_tag, Deleter<git_tag_free>>;
using RevwalkPtr = std::unique_ptr<git_revwalk, Deleter<git_revwalk_free>>;
using ReferencePtr = std::unique_ptr<git_reference, Deleter<git_reference_free>>;
using RefIteratorPtr = std::unique_ptr<git_reference_iterator, Deleter<git_reference_iterator_free>>;
using ConfigPtr = std::unique_ptr<git_config, Deleter<git_config_free>>;
using ConfigIteratorPtr = std::unique_ptr<git_config_iterator, Deleter<git_config_iterator_free>>;

std::string hex_of(const git_oid& oid) {
  std::string text(GIT_OID_HEXSZ, '0');
  git_oid_fmt(text.data(), &oid);
  return text;
}

ObjectId id_of(const git_oid& oid) { return *ObjectId::parse(hex_of(oid)); }

Result<git_oid> oid_of(const ObjectId& id) {
  git_oid oid;
  if (id.hex().size() != GIT_OID_HEXSZ || git_oid_fromstr(&oid, id.hex().c_str()) != 0) {
    return fail(ErrorCode::unsupported, "object " + id.hex() + " is not named by SHA-1");
  }
  return oid;
}

// What git itself would never check out, or what two readers would place differently.
bool is_sound_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         ascii_lower(name) != ".git";
}

constexpr std::uint32_t kTreeMode = 040000;

// A mode as git takes it, whatever was written: its type, and of a file whether the owner may execute it. Another
// reading would see a file where git checks out a folder; receive.fsckObjects only notes such modes.
std::uint32_t mode_of(const git_tree_entry* entry) {
  constexpr std::uint32_t kTypeMask = 0170000;
  const auto written = static_cast<std::uint32_t>(git_tree_entry_filemode_raw(entry));
  switch (written & kTypeMask) {
    case 0100000: return (written & 0100) != 0 ? 0100755 : 0100644;
    case 0120000: return 0120000;
    case kTreeMode: return kTreeMode;
    default: return 0160000;
  }
}

struct RawEntry {
  std::uint32_t mode = 0;
  git_oid oid{};
  bool is_tree() const { return mode == kTreeMode; }
};
using RawTree = std::map<std::string, RawEntry, std::less<>>;

class Git2PushedTree final : public PushedTree {
 public:
  Git2PushedTree(RepositoryPtr repository, OdbPtr odb, const ReadLimits& limits, Interrupted interrupted)
      : repository_(std::move(repository)),
        odb_(std::move(odb)),
        limits_(limits),
        interrupted_(std::move(interrupted)) {}

  Result<std::optional<ObjectId>> peel_to_commit(const ObjectId& id) const override {
    Result<git_oid> oid = oid_of(id);
    if (!oid) return fail(oid.error());
    constexpr int kMaxTags = 64;  // a tag of a tag of a tag
    for (int i = 0; i < kMaxTags; ++i) {
      Result<git_object_t> type = judge_header(*oid);
      if (!type) return fail(type.error());
      if (*type == GIT_OBJECT_COMMIT) return id_of(*oid);
      if (*type != GIT_OBJECT_TAG) return std::optional<ObjectId>{};
      git_tag* raw = nullptr;
      const int code = git_tag_lookup(&raw, repository_.get(), &*oid);
      const TagPtr tag(raw);
      if (code != 0) return fail(git_error_of("reading tag " + hex_of(*oid), code));
      oid = *git_tag_target_id(tag.get());
    }
    return fail(ErrorCode::limit, "tag " + id.hex() + ": limit of 64 tags within tags reached");
  }

  Result<std::vector<Change>> changes(const std::optional<ObjectId>& from, const ObjectId& to) const override {
    std::optional<git_oid> before;
    if (from) {
      Result<git_oid> tree = tree_of(*from);
      if (!tree) return fail(tree.error());
      before = *tree;
    }
    Result<git_oid> after = tree_of(to);
    if (!after) return fail(after.error());
    std::vector<Change> out;
    if (before && git_oid_equal(&*before, &*after)) return out;
    const RawEntry left{kTreeMode, before.value_or(git_oid{})};
    const RawEntry right{kTreeMode, *after};
    if (Status done = compare("", before ? &left : nullptr, &right, 0, out); !done) return fail(done.error());
    std::sort(out.begin(), out.end(), [](const Change& a, const Change& b) { return a.path < b.path; });
    return out;
  }

  Result<std::optional<Entry>> entry_at(const ObjectId& commit, std::string_view path) const override {
    Result<std::optional<RawEntry>> found = find(commit, path);
    if (!found) return fail(found.error());
    if (!*found || (*found)->is_tree()) return std::optional<Entry>{};
    return Entry{(*found)->mode, id_of((*found)->oid)};
  }

  Result<std::vector<std::pair<std::string, Entry>>> entries_below(const ObjectId& commit,
                                                                   std::string_view directory) const override {
    Result<std::optional<RawEntry>> start = find_directory(commit, directory);
    if (!start) return fail(start.error());
    if (!*start) return std::vector<std::pair<std::string, Entry>>{};
    std::vector<Change> all;
    if (Status done = compare(std::string(directory), nullptr, &**start, 0, all); !done) return fail(done.error());
    std::vector<std::pair<std::string, Entry>> out;
    out.reserve(all.size());
    for (Change& change : all) out.emplace_back(std::move(change.path), *change.after);
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return out;
  }

  Result<std::vector<std::string>> names_in(const ObjectId& commit, std::string_view directory) const override {
    Result<std::optional<RawEntry>> start = find_directory(commit, directory);
    if (!start) return fail(start.error());
    std::vector<std::string> names;
    if (!*start) return names;
    Result<RawTree> entries = read_tree((*start)->oid, directory);
    if (!entries) return fail(entries.error());
    for (const auto& [name, entry] : *entries) {
      if (entry.is_tree()) {
        names.push_back(name + "/");
      } else if (Entry{entry.mode, ObjectId::zero()}.is_file()) {
        names.push_back(name);
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::vector<std::pair<std::string, ObjectId>>> folders_in(const ObjectId& commit,
                                                                   std::string_view directory) const override {
    Result<std::optional<RawEntry>> start = find_directory(commit, directory);
    if (!start) return fail(start.error());
    std::vector<std::pair<std::string, ObjectId>> folders;
    if (!*start) return folders;
    Result<RawTree> entries = read_tree((*start)->oid, directory);
    if (!entries) return fail(entries.error());
    for (const auto& [name, entry] : *entries) {
      if (entry.is_tree()) folders.emplace_back(name, id_of(entry.oid));
    }
    return folders;
  }

  Result<std::uint64_t> blob_size(const ObjectId& blob) const override {
    Result<git_oid> oid = oid_of(blob);
    if (!oid) return fail(oid.error());
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    const int code = git_odb_read_header(&size, &type, odb_.get(), &*oid);
    if (code != 0) return fail(git_error_of("reading the header of " + blob.hex(), code));
    if (type != GIT_OBJECT_BLOB) return fail(ErrorCode::invalid_input, "object " + blob.hex() + " is no blob");
    return size;
  }

  Result<std::string> read_blob(const ObjectId& blob, std::uint64_t max_bytes) const override {
    if (Status go = go_on(); !go) return fail(go.error());
    Result<std::uint64_t> size = blob_size(blob);
    if (!size) return fail(size.error());
    const std::uint64_t limit = std::min(max_bytes, limits_.blob_bytes);
    if (*size > limit) {
      return fail(ErrorCode::limit, "blob " + blob.hex() + " has " + std::to_string(*size) + " bytes; limit blob is " +
                                        std::to_string(limit));
    }
    Result<git_oid> oid = oid_of(blob);
    git_odb_object* raw = nullptr;
    const int code = git_odb_read(&raw, odb_.get(), &*oid);
    const OdbObjectPtr object(raw);
    if (code != 0) return fail(git_error_of("reading " + blob.hex(), code));
    return std::string(static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get()));
  }

  Result<bool> descends_from(const ObjectId& commit, const ObjectId& ancestor) const override {
    if (commit == ancestor) return true;
    Result<git_oid> one = oid_of(commit);
    if (!one) return fail(one.error());
    Result<git_oid> other = oid_of(ancestor);
    if (!other) return fail(other.error());
    // A missing commit is an error of its own, and libgit2 does not clean up after it.
    for (const git_oid& oid : {*one, *other}) {
      if (Result<git_object_t> type = judge_header(oid); !type) return fail(type.error());
    }
    const int code = git_graph_descendant_of(repository_.get(), &*one, &*other);
    if (code < 0) return fail(git_error_of("comparing " + commit.hex() + " with " + ancestor.hex(), code));
    return code == 1;
  }

  Result<std::optional<ObjectId>> merge_base(const ObjectId& one, const ObjectId& other) const override {
    Result<git_oid> left = oid_of(one);
    if (!left) return fail(left.error());
    Result<git_oid> right = oid_of(other);
    if (!right) return fail(right.error());
    // A missing commit is reported like a missing base, so both are looked at first.
    for (const git_oid& oid : {*left, *right}) {
      if (Result<git_object_t> type = judge_header(oid); !type) return fail(type.error());
    }
    git_oid base;
    const int code = git_merge_base(&base, repository_.get(), &*left, &*right);
    if (code == GIT_ENOTFOUND) return std::optional<ObjectId>{};
    if (code != 0) return fail(git_error_of("merge base of " + one.hex() + " and " + other.hex(), code));
    return id_of(base);
  }

  Result<NewCommits> new_commits(std::span<const ObjectId> tips, std::size_t max) const override {
    NewCommits out;
    if (tips.empty()) return out;
    git_revwalk* raw = nullptr;
    int code = git_revwalk_new(&raw, repository_.get());
    const RevwalkPtr walk(raw);
    if (code != 0) return fail(git_error_of("walking commits", code));
    for (const ObjectId& tip : tips) {
      Result<git_oid> oid = oid_of(tip);
      if (!oid) return fail(oid.error());
      code = git_revwalk_push(walk.get(), &*oid);
      if (code != 0) return fail(git_error_of("walking from " + tip.hex(), code));
    }
    // Refs that name no commit are passed over by libgit2 itself.
    code = git_revwalk_hide_glob(walk.get(), "refs/*");
    if (code != 0) return fail(git_error_of("walking commits", code));
    git_oid oid;
    while ((code = git_revwalk_next(&oid, walk.get())) == 0) {
      if (out.ids.size() >= max) {
        out.truncated = true;
        return out;
      }
      if (Status go = go_on(); !go) return fail(go.error());
      out.ids.push_back(id_of(oid));
    }
    if (code != GIT_ITEROVER) return fail(git_error_of("walking commits", code));
    return out;
  }

  Result<bool> has_refs() const override {
    git_reference_iterator* raw = nullptr;
    int code = git_reference_iterator_new(&raw, repository_.get());
    const RefIteratorPtr iterator(raw);
    if (code != 0) return fail(git_error_of("listing refs", code));
    const char* name = nullptr;
    code = git_reference_next_name(&name, iterator.get());
    if (code == GIT_ITEROVER) return false;
    if (code != 0) return fail(git_error_of("listing refs", code));
    return true;
  }

  Result<std::string> default_branch() const override {
    git_reference* raw = nullptr;
    const int code = git_reference_lookup(&raw, repository_.get(), "HEAD");
    const ReferencePtr head(raw);
    if (code != 0) return fail(git_error_of("reading HEAD", code));
    const char* target = git_reference_symbolic_target(head.get());
    if (target == nullptr) return fail(ErrorCode::unsupported, "HEAD points to no branch");
    return std::string(target);
  }

  Result<std::optional<ObjectId>> default_tip() const override {
    git_oid oid;
    const int code = git_reference_name_to_id(&oid, repository_.get(), "HEAD");
    if (code == GIT_ENOTFOUND) return std::optional<ObjectId>{};
    if (code != 0) return fail(git_error_of("reading HEAD", code));
    return peel_to_commit(id_of(oid));
  }

  Result<std::optional<ObjectId>> resolve(std::string_view ref) const override {
    git_oid oid;
    const int code = git_reference_name_to_id(&oid, repository_.get(), std::string(ref).c_str());
    if (code == GIT_ENOTFOUND) return std::optional<ObjectId>{};
    if (code != 0) return fail(git_error_of("reading " + printable(ref), code));
    return std::optional<ObjectId>(id_of(oid));
  }

  Result<std::optional<std::string>> symbolic_target(std::string_view ref) const override {
    git_reference* raw = nullptr;
    const int code = git_reference_lookup(&raw, repository_.get(), std::string(ref).c_str());
    const ReferencePtr found(raw);
    // What libgit2 takes for no name at all is not there either.
    if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC) return std::optional<std::string>{};
    if (code != 0) return fail(git_error_of("reading " + printable(ref), code));
    const char* target = git_reference_symbolic_target(found.get());
    if (target == nullptr) return std::optional<std::string>{};
    return std::optional<std::string>(target);
  }

  Result<bool> is_mirror() const override {
    git_config* raw_config = nullptr;
    int code = git_repository_config_snapshot(&raw_config, repository_.get());
    const ConfigPtr config(raw_config);
    if (code != 0) return fail(git_error_of("reading the repository's configuration", code));
    git_config_iterator* raw = nullptr;
    // Names are compared here: libgit2's iterator with a pattern loses the compiled pattern.
    code = git_config_iterator_new(&raw, config.get());
    const ConfigIteratorPtr iterator(raw);
    if (code != 0) return fail(git_error_of("reading the repository's configuration", code));
    git_config_entry* entry = nullptr;
    while ((code = git_config_next(&entry, iterator.get())) == 0) {
      int value = 0;
      const std::string_view name = entry->name;
      if (!name.starts_with("remote.") || !name.ends_with(".mirror")) continue;
      if (git_config_parse_bool(&value, entry->value) == 0 && value != 0) return true;
    }
    return false;
  }

 private:
  Status go_on() const { return interrupted_ ? interrupted_() : Status{}; }

  // The type of an object that is no blob, once its header says that it may be read.
  Result<git_object_t> judge_header(const git_oid& oid) const {
    if (Status go = go_on(); !go) return fail(go.error());
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    const int code = git_odb_read_header(&size, &type, odb_.get(), &oid);
    if (code != 0) return fail(git_error_of("reading the header of " + hex_of(oid), code));
    if (type != GIT_OBJECT_BLOB && size > limits_.object_bytes) {
      return fail(ErrorCode::limit, "object " + hex_of(oid) + " has " + std::to_string(size) +
                                        " bytes; limit object is " + std::to_string(limits_.object_bytes));
    }
    return type;
  }

  Result<git_oid> tree_of(const ObjectId& commit) const {
    Result<git_oid> oid = oid_of(commit);
    if (!oid) return fail(oid.error());
    Result<git_object_t> type = judge_header(*oid);
    if (!type) return fail(type.error());
    if (*type != GIT_OBJECT_COMMIT) return fail(ErrorCode::invalid_input, "object " + commit.hex() + " is no commit");
    git_commit* raw = nullptr;
    const int code = git_commit_lookup(&raw, repository_.get(), &*oid);
    const CommitPtr object(raw);
    if (code != 0) return fail(git_error_of("reading commit " + commit.hex(), code));
    return *git_commit_tree_id(object.get());
  }

  Result<RawTree> read_tree(const git_oid& oid, std::string_view path) const {
    Result<git_object_t> type = judge_header(oid);
    if (!type) return fail(type.error());
    git_tree* raw = nullptr;
    const int code = git_tree_lookup(&raw, repository_.get(), &oid);
    const TreePtr tree(raw);
    if (code != 0) return fail(git_error_of("reading tree " + hex_of(oid), code));
    RawTree out;
    const std::size_t count = git_tree_entrycount(tree.get());
    for (std::size_t i = 0; i < count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
      const std::string_view name = git_tree_entry_name(entry);
      if (!is_sound_name(name)) {
        return fail(ErrorCode::invalid_input, "tree '" + printable(path) + "' holds an entry called '" +
                                                  printable(name) + "', which no working tree can hold");
      }
      const RawEntry value{mode_of(entry), *git_tree_entry_id(entry)};
      if (!out.emplace(std::string(name), value).second) {
        return fail(ErrorCode::invalid_input,
                    "tree '" + printable(path) + "' holds two entries called '" + printable(name) + "'");
      }
    }
    return out;
  }

  Result<std::optional<RawEntry>> find(const ObjectId& commit, std::string_view path) const {
    Result<git_oid> root = tree_of(commit);
    if (!root) return fail(root.error());
    RawEntry at{kTreeMode, *root};
    if (!is_plain_path(path)) return std::optional<RawEntry>{};
    for (;;) {
      if (!at.is_tree()) return std::optional<RawEntry>{};
      if (Result<git_object_t> type = judge_header(at.oid); !type) return fail(type.error());
      git_tree* raw = nullptr;
      const int code = git_tree_lookup(&raw, repository_.get(), &at.oid);
      const TreePtr tree(raw);
      if (code != 0) return fail(git_error_of("reading tree " + hex_of(at.oid), code));
      const std::size_t slash = path.find('/');
      const git_tree_entry* entry = git_tree_entry_byname(tree.get(), std::string(path.substr(0, slash)).c_str());
      if (entry == nullptr) return std::optional<RawEntry>{};
      at = {mode_of(entry), *git_tree_entry_id(entry)};
      if (slash == std::string_view::npos) return std::optional<RawEntry>(at);
      path.remove_prefix(slash + 1);
    }
  }

  // nullopt: no directory stands there.
  Result<std::optional<RawEntry>> find_directory(const ObjectId& commit, std::string_view directory) const {
    if (directory.empty()) {
      Result<git_oid> tree = tree_of(commit);
      if (!tree) return fail(tree.error());
      return std::optional<RawEntry>(RawEntry{kTreeMode, *tree});
    }
    Result<std::optional<RawEntry>> found = find(commit, directory);
    if (found && *found && !(*found)->is_tree()) return std::optional<RawEntry>{};
    return found;
  }

  Status add(std::string_view path, const RawEntry* before, const RawEntry* after, std::vector<Change>& out) const {
    if (out.size() >= limits_.paths) {
      return fail(ErrorCode::limit, "more than " + std::to_string(limits_.paths) + " paths (limit paths)");
    }
    Change change{std::string(path), {}, {}};
    if (before != nullptr) change.before = Entry{before->mode, id_of(before->oid)};
    if (after != nullptr) change.after = Entry{after->mode, id_of(after->oid)};
    out.push_back(std::move(change));
    return {};
  }

  Status compare(const std::string& path, const RawEntry* before, const RawEntry* after, std::size_t depth,
                 std::vector<Change>& out) const {
    if (depth > limits_.depth) {
      return fail(ErrorCode::limit, "more than " + std::to_string(limits_.depth) + " directories deep (limit depth)");
    }
    const bool left_tree = before != nullptr && before->is_tree();
    const bool right_tree = after != nullptr && after->is_tree();
    const RawEntry* left_file = left_tree ? nullptr : before;
    const RawEntry* right_file = right_tree ? nullptr : after;
    if (left_file != nullptr || right_file != nullptr) {
      if (Status added = add(path, left_file, right_file, out); !added) return added;
    }
    if (!left_tree && !right_tree) return {};
    RawTree left;
    RawTree right;
    for (const auto& [entry, is_tree, into] :
         {std::tuple(before, left_tree, &left), std::tuple(after, right_tree, &right)}) {
      if (!is_tree) continue;
      Result<RawTree> read = read_tree(entry->oid, path);
      if (!read) return fail(read.error());
      *into = std::move(*read);
    }
    auto l = left.begin();
    auto r = right.begin();
    while (l != left.end() || r != right.end()) {
      const bool take_left = r == right.end() || (l != left.end() && l->first <= r->first);
      const bool take_right = l == left.end() || (r != right.end() && r->first <= l->first);
      const std::string& name = take_left ? l->first : r->first;
      const RawEntry* one = take_left ? &l->second : nullptr;
      const RawEntry* two = take_right ? &r->second : nullptr;
      const bool same =
          one != nullptr && two != nullptr && one->mode == two->mode && git_oid_equal(&one->oid, &two->oid);
      if (!same) {
        const std::string below = path.empty() ? name : path + "/" + name;
        if (Status done = compare(below, one, two, depth + 1, out); !done) return done;
      }
      if (take_left) ++l;
      if (take_right) ++r;
    }
    return {};
  }

  RepositoryPtr repository_;
  OdbPtr odb_;
  ReadLimits limits_;
  Interrupted interrupted_;
};

Result<std::unique_ptr<PushedTree>> open_with(const char* path, unsigned flags, const ReadLimits& limits,
                                              Interrupted interrupted) {
  if (Status started = start_libgit2(); !started) return fail(started.error());
  git_repository* raw = nullptr;
  int code = git_repository_open_ext(&raw, path, flags, nullptr);
  RepositoryPtr repository(raw);
  if (code != 0) {
    Error error = git_error_of("opening the repository", code);
    if (error.message.find("unsupported extension") != std::string::npos) {
      error.message += "; accepted: a complete repository of SHA-1 objects";
    }
    return fail(std::move(error));
  }
  // Of a working clone, postern-check says itself what is missing; a push into such a repository has no answer.
  if ((flags & GIT_REPOSITORY_OPEN_FROM_ENV) != 0 && git_repository_is_shallow(repository.get()) != 0) {
    return fail(
        ErrorCode::unsupported,
        "the repository is shallow, so what a push changes cannot be told; git fetch --unshallow brings the rest");
  }
  git_odb* raw_odb = nullptr;
  code = git_repository_odb(&raw_odb, repository.get());
  OdbPtr odb(raw_odb);
  if (code != 0) return fail(git_error_of("opening the object store", code));
  return std::make_unique<Git2PushedTree>(std::move(repository), std::move(odb), limits, std::move(interrupted));
}

}  // namespace

Result<std::unique_ptr<PushedTree>> open_pushed_tree_from_env(const ReadLimits& limits, Interrupted interrupted) {
  return open_with(nullptr, GIT_REPOSITORY_OPEN_FROM_ENV, limits, std::move(interrupted));
}

Result<std::unique_ptr<PushedTree>> open_pushed_tree(const std::string& directory, const ReadLimits& limits) {
  return open_with(directory.c_str(), 0, limits, {});
}

}  // namespace postern::repo
