// Any bytes, cut at any place, give the same packets as the bytes in one piece.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "gateway/git/pkt_line.h"

using namespace postern::git;

namespace {

// False at the first error; `packets` holds what came before it.
bool read(std::string_view bytes, std::size_t piece, std::vector<std::string>& packets) {
  PktReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view input = bytes.substr(at, piece);
    for (;;) {
      auto pkt = reader.next(input);
      if (!pkt) return false;
      if (!*pkt) break;
      packets.push_back(std::to_string(static_cast<int>((*pkt)->kind)) + (*pkt)->payload);
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 7 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole, pieces;
  const bool good = read(bytes, bytes.size() + 1, whole);
  if (good != read(bytes, piece, pieces) || whole != pieces) std::abort();
  return 0;
}
