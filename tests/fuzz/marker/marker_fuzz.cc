// postern.json of a bare repository: what is taken for a marker names a repository and is written as it was read.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/git/repo_path.h"
#include "hooks/receive/marker.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<receive::Marker> marker = receive::parse_marker(text);
  if (!marker) {
    if (marker.error().message.empty() || marker.error().code != ErrorCode::corrupt) std::abort();
    return 0;
  }
  if (!git::RepoPath::parse(marker->name)) std::abort();
  const Result<receive::Marker> again = receive::parse_marker(receive::to_text(*marker));
  if (!again || *again != *marker) std::abort();
  return 0;
}
