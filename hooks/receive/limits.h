// The hook's own limits: a push must not be able to take the machine with it.
#pragma once

#include <chrono>
#include <string>

#include "gateway/access/bundle.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace postern::receive {

// Sets the soft RLIMIT_DATA (not under sanitizers, which reserve more) and RLIMIT_CPU, never above what stands already,
// and makes a reached CPU limit or `deadline` end the process with a message that names it. `passes` is what the
// process then exits with: 0 in observe mode. deadline 0: none.
Status apply_limits(const access::HookLimits& limits, std::chrono::seconds deadline, bool passes);

// Puts back what stood before apply_limits(), for the repository's own hook that follows in this process.
void lift_limits();

// The message of a reached limit, in the same words wherever it is noticed.
std::string limit_message(std::string_view name, const std::string& value);
std::string bytes_text(std::uint64_t bytes);  // "512MiB"

}  // namespace postern::receive
