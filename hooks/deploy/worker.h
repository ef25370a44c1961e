// The threads of `postern-deploy run`.
#pragma once

#include <chrono>

#include "hooks/deploy/environment.h"
#include "hooks/deploy/stop.h"

namespace postern::deploy {

// Passes over one environment until `stop`: at start, at every nudge, when a pass asks for it, when a person asked for
// something in the journal, and every `poll`.
void work(Environment& environment, Journal& journal, Nudge& nudge, Stop& stop, std::chrono::milliseconds poll);

// Waits at the gateway for accepted pushes of the environment's ref and nudges. Only a nudge: whatever it misses, the
// timer finds. Ends up to half a minute after `stop`.
void listen(PushRecords& records, const EnvironmentSettings& settings, Nudge& nudge, Stop& stop);

// Hands the outcomes in the journal's outbox to the gateway until it has acknowledged them.
void report(PushRecords& records, Journal& journal, Stop& stop);
// Once over the outbox; how many are still there.
std::size_t report_once(PushRecords& records, Journal& journal);

}  // namespace postern::deploy
