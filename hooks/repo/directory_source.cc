#include "hooks/repo/directory_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::repo {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

class DirectorySource final : public FileSource {
 public:
  DirectorySource(std::string root, const DirectoryLimits& limits) : root_(std::move(root)), limits_(limits) {}

  Result<std::string> read(std::string_view path, std::size_t max_bytes) const override {
    if (!is_plain_path(path)) return fail(ErrorCode::invalid_input, "'" + printable(path) + "' is no path in a tree");
    Result<bool> there = exists(path);
    if (!there) return fail(there.error());
    if (!*there) return fail(ErrorCode::not_found, std::string(path) + ": no such file");
    return read_file(root_ + "/" + std::string(path), max_bytes);
  }

  Result<bool> exists(std::string_view path) const override {
    if (!is_plain_path(path)) return false;
    // Every directory on the way is looked at too: a link there could lead out of the tree.
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      struct stat info{};
      const std::string directory = root_ + "/" + std::string(path.substr(0, slash));
      if (::lstat(directory.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return fail(errno_error("looking at " + directory, errno));
      }
      if (!S_ISDIR(info.st_mode)) return false;
    }
    struct stat info{};
    const std::string file = root_ + "/" + std::string(path);
    if (::lstat(file.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return false;
      return fail(errno_error("looking at " + file, errno));
    }
    return S_ISREG(info.st_mode);
  }

  Result<std::vector<std::string>> list(std::string_view directory) const override {
    std::vector<std::string> files;
    if (!directory.empty() && !is_plain_path(directory)) return files;
    if (Status walked = walk(std::string(directory), 0, files); !walked) return fail(walked.error());
    std::sort(files.begin(), files.end());
    return files;
  }

  Result<std::vector<std::string>> names(std::string_view directory) const override {
    std::vector<std::string> out;
    if (!directory.empty() && !is_plain_path(directory)) return out;
    Status read = each_entry(std::string(directory), [&](const std::string& name, unsigned char type) -> Status {
      if (type == DT_REG) out.push_back(name);
      if (type != DT_DIR) return {};
      // As in a commit, a directory is there by its files.
      const Result<bool> there = holds_files(directory.empty() ? name : std::string(directory) + "/" + name, 0);
      if (!there) return fail(there.error());
      if (*there) out.push_back(name + "/");
      return {};
    });
    if (!read) return fail(read.error());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  // Hands name and type of each entry to `take`; links are not followed.
  template <class Take>
  Status each_entry(const std::string& directory, const Take& take) const {
    const std::string full = directory.empty() ? root_ : root_ + "/" + directory;
    const int fd = ::open(full.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (directory.empty() ? 0 : O_NOFOLLOW));
    if (fd < 0) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
      return fail(errno_error("listing " + full, errno));
    }
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd));
    if (!dir) {
      ::close(fd);
      return fail(errno_error("listing " + full, errno));
    }
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) {
        if (errno != 0) return fail(errno_error("listing " + full, errno));
        return {};
      }
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || name == ".git") continue;
      unsigned char type = entry->d_type;
      if (type == DT_UNKNOWN) {
        struct stat info{};
        if (::lstat((full + "/" + name).c_str(), &info) != 0) return fail(errno_error("looking at " + name, errno));
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_LNK;
      }
      if (Status taken = take(name, type); !taken) return taken;
    }
  }

  Result<bool> holds_files(const std::string& directory, std::size_t depth) const {
    bool found = false;
    std::vector<std::string> below;
    const Status read = each_entry(directory, [&](const std::string& name, unsigned char type) -> Status {
      found |= type == DT_REG;
      if (type == DT_DIR) below.push_back(directory + "/" + name);
      return {};
    });
    if (!read) return fail(read.error());
    for (std::size_t i = 0; !found && i < below.size() && depth < limits_.depth; ++i) {
      const Result<bool> one = holds_files(below[i], depth + 1);
      if (!one) return one;
      found = *one;
    }
    return found;
  }

  Status walk(const std::string& directory, std::size_t depth, std::vector<std::string>& files) const {
    if (depth > limits_.depth) {
      return fail(ErrorCode::limit,
                  root_ + "/" + directory + ": deeper than " + std::to_string(limits_.depth) + " directories");
    }
    return each_entry(directory, [&](const std::string& name, unsigned char type) -> Status {
      const std::string path = directory.empty() ? name : directory + "/" + name;
      if (type == DT_DIR) return walk(path, depth + 1, files);
      if (type != DT_REG) return {};
      if (files.size() >= limits_.files) {
        return fail(ErrorCode::limit, root_ + ": more than " + std::to_string(limits_.files) + " files");
      }
      files.push_back(path);
      return {};
    });
  }

  std::string root_;
  DirectoryLimits limits_;
};

}  // namespace

bool is_plain_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

Result<std::unique_ptr<FileSource>> open_directory_source(const std::string& root, const DirectoryLimits& limits) {
  struct stat info{};
  if (::stat(root.c_str(), &info) != 0) return fail(errno_error("opening " + root, errno));
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::not_found, "opening " + root + ": not a directory");
  return std::make_unique<DirectorySource>(root, limits);
}

}  // namespace postern::repo
