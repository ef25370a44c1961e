// A FileSource over a directory of the file system. Symbolic links are not followed.
#pragma once

#include <memory>
#include <string>

#include "hooks/repo/file_source.h"

namespace postern::repo {

struct DirectoryLimits {
  std::size_t files = 1000000;
  std::size_t depth = 100;
};

// not_found when `root` is no directory. `.git` directories are passed over. Safe from any thread.
Result<std::unique_ptr<FileSource>> open_directory_source(const std::string& root, const DirectoryLimits& limits = {});

// True for a relative path of plain segments: not empty, no empty, "." or ".." segment, no NUL.
bool is_plain_path(std::string_view path);

}  // namespace postern::repo
