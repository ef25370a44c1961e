// When to try again.
#pragma once

#include <chrono>
#include <optional>

namespace postern::deploy {

inline constexpr std::chrono::milliseconds kBackoffLimit = std::chrono::minutes(15);

// The pause before attempt `failures` + 1: 1, 2, 4, … seconds up to 15 minutes, of which `random` (0 to 255) takes off
// up to half; but never before the peer's Retry-After, which is honoured exactly. Pure.
std::chrono::milliseconds next_delay(unsigned failures, std::optional<std::chrono::seconds> retry_after,
                                     unsigned char random);

}  // namespace postern::deploy
