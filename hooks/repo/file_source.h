// Files by path, wherever they come from: a directory, or a commit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace postern::repo {

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
};

}  // namespace postern::repo
