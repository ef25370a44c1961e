// The two HTTP headers that say when to ask again (RFC 9111 §5.2.2, RFC 9110 §10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace postern::identity {

// How long an answer is fresh by its Cache-Control: 0 for no-store and no-cache, none when it does not say.
std::optional<std::chrono::seconds> max_age_of(std::string_view cache_control);

// The seconds form of Retry-After; none for the date form and anything else.
std::optional<std::chrono::seconds> retry_after_of(std::string_view value);

}  // namespace postern::identity
