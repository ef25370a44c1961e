#include "hooks/deploy/backoff.h"

#include <algorithm>

namespace postern::deploy {

std::chrono::milliseconds next_delay(unsigned failures, std::optional<std::chrono::seconds> retry_after,
                                     unsigned char random) {
  const unsigned shift = std::min(failures == 0 ? 0U : failures - 1, 10U);
  const auto whole = std::min<std::chrono::milliseconds>(std::chrono::milliseconds(1000LL << shift), kBackoffLimit);
  auto pause = whole - whole * random / 512;
  if (retry_after) pause = std::max<std::chrono::milliseconds>(pause, *retry_after);
  return pause;
}

}  // namespace postern::deploy
