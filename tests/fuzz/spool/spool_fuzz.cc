// What the Gogs user may leave in the spool: any bytes. What is taken must write and read back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/spool/spool.h"

using namespace postern::spool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto verdict = parse_verdict(text)) {
    if (!is_valid_id(verdict->id) || verdict->new_commits.size() > kMaxNewCommits) std::abort();
    const auto again = parse_verdict(to_text(*verdict));
    if (!again || to_text(*again) != to_text(*verdict)) std::abort();
  }
  if (const auto done = parse_done(text)) {
    const auto again = parse_done(to_text(*done));
    if (!again || again->moved != done->moved) std::abort();
  }
  return 0;
}
