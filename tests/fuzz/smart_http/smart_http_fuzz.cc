// A target that is served is served in one spelling: the forwarded one means the same request.
#include <cstdint>
#include <cstdlib>

#include "gateway/git/smart_http.h"

using namespace postern::git;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  for (const char* method : {"GET", "POST", "PUT"}) {
    const auto request = classify(method, target);
    if (!request) continue;
    const std::string forwarded = upstream_target(*request);
    const auto again = classify(method, forwarded);
    if (!again || again->repo != request->repo || again->action != request->action ||
        again->service != request->service || upstream_target(*again) != forwarded) {
      std::abort();
    }
    if (forwarded.find_first_of("%\\; ") != std::string::npos || forwarded.find("//") != std::string::npos)
      std::abort();
  }
  return 0;
}
