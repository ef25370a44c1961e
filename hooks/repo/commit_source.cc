#include "hooks/repo/directory_source.h"
#include "hooks/repo/pushed_tree.h"

namespace postern::repo {
namespace {

class CommitSource final : public FileSource {
 public:
  CommitSource(const PushedTree& tree, ObjectId commit) : tree_(tree), commit_(std::move(commit)) {}

  Result<std::string> read(std::string_view path, std::size_t max_bytes) const override {
    if (!is_plain_path(path)) return fail(ErrorCode::not_found, "a path of no tree");
    Result<std::optional<Entry>> entry = tree_.entry_at(commit_, path);
    if (!entry) return fail(entry.error());
    if (!*entry || !(*entry)->is_file()) return fail(ErrorCode::not_found, std::string(path) + ": no such file");
    Result<std::string> bytes = tree_.read_blob((*entry)->id, max_bytes);
    if (!bytes) return fail(in_context(path, bytes.error()));
    return bytes;
  }

  Result<bool> exists(std::string_view path) const override {
    if (!is_plain_path(path)) return false;
    Result<std::optional<Entry>> entry = tree_.entry_at(commit_, path);
    if (!entry) return fail(entry.error());
    return entry->has_value() && (*entry)->is_file();
  }

  Result<std::vector<std::string>> list(std::string_view directory) const override {
    Result<std::vector<std::pair<std::string, Entry>>> entries = tree_.entries_below(commit_, directory);
    if (!entries) return fail(entries.error());
    std::vector<std::string> files;
    for (auto& [path, entry] : *entries) {
      if (entry.is_file()) files.push_back(std::move(path));
    }
    return files;
  }

  Result<std::vector<std::string>> names(std::string_view directory) const override {
    if (!directory.empty() && !is_plain_path(directory)) return std::vector<std::string>{};
    return tree_.names_in(commit_, directory);
  }

  Result<std::vector<Folder>> folders(std::string_view directory) const override {
    if (!directory.empty() && !is_plain_path(directory)) return std::vector<Folder>{};
    const Result<std::vector<std::pair<std::string, ObjectId>>> found = tree_.folders_in(commit_, directory);
    if (!found) return fail(found.error());
    std::vector<Folder> out;
    for (const auto& [name, id] : *found) out.push_back({name, id.hex()});
    return out;
  }

 private:
  const PushedTree& tree_;
  ObjectId commit_;
};

}  // namespace

std::unique_ptr<FileSource> commit_source(const PushedTree& tree, const ObjectId& commit) {
  return std::make_unique<CommitSource>(tree, commit);
}

}  // namespace postern::repo
