// What a pusher is shown of a judgement. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gateway/git/ref_update.h"
#include "hooks/receive/judge.h"

namespace postern::receive {

// Value: what a no of the hook is worth in this call.
struct Enforcement {
  bool observe = false;  // nothing is refused; what would be is said
  std::string paused;    // not empty: likewise, until then
};

// Printable lines without line ends: findings, forbidden paths, one line for each refused ref, and last the `fix:`
// lines, each once. `judgement` has one entry per command.
std::vector<std::string> verdict_lines(const Judgement& judgement, std::span<const git::RefUpdate> commands,
                                       const Enforcement& enforcement);

// "2 errors, 1 warning (1 suppressed)", as postern-check counts them; empty when there is nothing to count.
std::string findings_summary(const Judgement& judgement);

}  // namespace postern::receive
