// Writes without a ticket, and the names under which hook and gateway know them.
#pragma once

#include <string>
#include <string_view>

#include "gateway/access/bundle.h"
#include "hooks/receive/hook_call.h"

namespace postern::receive {

// "direct-" and 32 hex digits: the same for every hook of one git process that names the same `what` ("push", or the
// digest of a transaction's commands), so that what was judged and what moved find each other.
std::string direct_write_id(const HookCall& call, const Located& at, std::string_view what);

// A ticket travels as a push option, and only a ticket needs the bundle's keys.
access::BundleKeys keys_needed(const Environment& environment);

// refs/pull/N/head, N a number: what Gogs itself pushes for a pull request.
bool is_pull_head(std::string_view ref);

}  // namespace postern::receive
