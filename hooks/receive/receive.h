// The three hooks that judge a push and record it in the spool (schema/spool.md).
#pragma once

#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "hooks/receive/hook_call.h"

namespace postern::receive {

// Value: what the pusher sees and what the hook exits with (0: goes on; 1: refused).
struct HookOutcome {
  int exit_code = 0;
  std::vector<std::string> lines;  // without line ends; printable
};

// Judges the whole push; one refused ref refuses all. Writes the claim, the verdict and the marker.
HookOutcome pre_receive(const HookCall& call, const Environment& environment, const Clock& clock);

// Records which refs moved. Never refuses anything.
HookOutcome post_receive(const HookCall& call, const Environment& environment, const Clock& clock);

// Sees the writes that no pre-receive saw (branches and tags of the web pages); silent for all others.
HookOutcome reference_transaction(const HookCall& call, const Environment& environment, const Clock& clock);

}  // namespace postern::receive
