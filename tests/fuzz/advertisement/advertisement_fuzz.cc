// What an upstream says of its refs: any bytes, in any pieces, give the same answer to the client.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/git/advertisement.h"

using namespace postern;
using namespace postern::git;

namespace {

struct Answer {
  bool taken = false;
  bool whole = false;
  std::string out;
};

Answer rewrite(Service service, std::string_view bytes, std::size_t piece) {
  AdvertisementRewriter rewriter(service);
  Answer answer;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!rewriter.feed(bytes.substr(at, piece), answer.out)) return answer;
  }
  answer.taken = true;
  answer.whole = bool(rewriter.finish());
  // Only an error that the upstream told may end without capabilities.
  if (answer.whole && !rewriter.saw_capabilities() && answer.out.find("ERR ") == std::string::npos) std::abort();
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Service service = (data[0] & 1) != 0 ? Service::receive_pack : Service::upload_pack;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Answer at_once = rewrite(service, bytes, std::max<std::size_t>(bytes.size(), 1));
  const Answer in_pieces = rewrite(service, bytes, 1 + data[1] % 7);
  if (at_once.taken != in_pieces.taken || at_once.whole != in_pieces.whole) std::abort();
  if (at_once.taken && at_once.out != in_pieces.out) std::abort();
  // What went on can be read again, and has nothing left to take out.
  if (at_once.whole) {
    const Answer again = rewrite(service, at_once.out, at_once.out.size());
    if (!again.whole || again.out != at_once.out) std::abort();
  }
  return 0;
}
