// Which refs really moved, left in the spool for the gateway: a verdict alone is no outcome (schema/spool.md).
#pragma once

#include <vector>

#include "gateway/base/clock.h"
#include "gateway/git/ref_update.h"
#include "hooks/receive/receive.h"

namespace postern::receive {

// A transaction that pre-receive saw nothing of has moved `moved`; silent when it was not judged either.
HookOutcome record_transaction(const HookCall& call, const Located& at, std::vector<git::RefUpdate> moved,
                               const Clock& clock);

}  // namespace postern::receive
