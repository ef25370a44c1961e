// A client's LFS batch, and a blob that may be a pointer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/git/lfs.h"

using namespace postern::git;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto batch = parse_lfs_batch(text)) {
    for (const LfsObject& object : batch->objects) {
      if (object.oid.size() != 64 || object.oid.find_first_not_of("0123456789abcdef") != std::string::npos)
        std::abort();
    }
  }
  if (is_lfs_pointer(text) && !text.starts_with("version ")) std::abort();
  return 0;
}
