// Files by path, wherever they come from: a directory, or a commit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace postern::repo {

// A folder and what is below it.
struct Folder {
  std::string name;
  // The same only where every name and byte below the folder is; empty: not known without reading it all.
  std::string content;
};

// Paths are relative, '/' between segments, no "." or ".." segment. Implementations are const and may be read from one
// thread at a time unless they say otherwise.
class FileSource {
 public:
  virtual ~FileSource() = default;
  // The bytes of a regular file. not_found; limit when it is larger than `max_bytes`; anything else: could not find
  // out.
  virtual Result<std::string> read(std::string_view path, std::size_t max_bytes) const = 0;
  // True when a regular file stands there.
  virtual Result<bool> exists(std::string_view path) const = 0;
  // Every regular file below `directory` (empty: all), sorted, as paths that read() takes. A directory that is not
  // there holds none.
  virtual Result<std::vector<std::string>> list(std::string_view directory) const = 0;
  // The names that stand in `directory` itself (empty: the top), sorted; those of directories end with '/'. Links and
  // submodules are left out. A directory that is not there holds none. This one asks list(); who can, does better.
  virtual Result<std::vector<std::string>> names(std::string_view directory) const {
    const Result<std::vector<std::string>> paths = list(directory);
    if (!paths) return fail(paths.error());
    const std::size_t skip = directory.empty() ? 0 : directory.size() + 1;
    std::vector<std::string> out;
    for (const std::string& path : *paths) {
      const std::size_t slash = path.find('/', skip);
      out.push_back(path.substr(skip, slash == std::string::npos ? slash : slash + 1 - skip));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }
  // The folders that stand in `directory` itself, sorted.
  virtual Result<std::vector<Folder>> folders(std::string_view directory) const {
    const Result<std::vector<std::string>> standing = names(directory);
    if (!standing) return fail(standing.error());
    std::vector<Folder> out;
    for (const std::string& name : *standing) {
      if (name.ends_with('/')) out.push_back({name.substr(0, name.size() - 1), {}});
    }
    return out;
  }
};

}  // namespace postern::repo
