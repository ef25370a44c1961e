// Is the ticket of a push for this very push? Pure: its one use is claimed by the caller.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/access/bundle.h"
#include "gateway/access/ticket.h"
#include "gateway/base/clock.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"
#include "hooks/receive/marker.h"
#include "hooks/receive/refusal.h"

namespace postern::receive {

// What a ticket is held against. References are the caller's.
struct TicketQuestion {
  const access::HookBundle& bundle;
  const git::RepoPath& repo;
  std::span<const git::RefUpdate> commands;
  const std::optional<Marker>& marker;
  const std::string* gogs_id = nullptr;  // GOGS_REPO_ID; null where Gogs names none
  WallTime now;
};

// The ticket, when a key of the bundle signed it for this gateway, this time, this repository and exactly these
// commands; else why it is worth nothing here.
std::expected<access::Ticket, Refusal> judge_ticket(std::string_view jws, const TicketQuestion& question);

}  // namespace postern::receive
