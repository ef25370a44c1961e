// The one LFS body that says what a request is for (git-lfs docs/api/batch.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace postern::git {

inline constexpr std::size_t kLfsBatchMax = std::size_t{1} << 20;  // bytes of a batch body
inline constexpr std::string_view kLfsMediaType = "application/vnd.git-lfs+json";

struct LfsObject {
  std::string oid;  // 64 lower-case hex digits
  std::uint64_t size = 0;
};

// Value. `upload` needs write, on `ref` when it is given; otherwise read.
struct LfsBatch {
  bool upload = false;
  std::string ref;  // "refs/heads/…"; empty when the client named none
  std::vector<LfsObject> objects;
};

// invalid_input names the member at fault. Only `basic` transfers and SHA-256 are taken.
Result<LfsBatch> parse_lfs_batch(std::string_view body);

// True for the text that git-lfs commits in place of a file (git-lfs docs/spec.md, "The Pointer").
bool is_lfs_pointer(std::string_view blob);

}  // namespace postern::git
