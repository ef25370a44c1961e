#include "hooks/receive/record_moves.h"

#include <algorithm>

#include "gateway/access/bundle.h"
#include "gateway/access/ticket.h"
#include "gateway/git/report_status.h"
#include "gateway/spool/spool.h"
#include "hooks/receive/direct_write.h"

namespace postern::receive {
namespace {

using git::RefUpdate;

// The id under which pre-receive recorded this push.
std::string recorded_id(const HookCall& call, const Environment& environment, const Located& at,
                        const access::HookBundle& bundle, const std::vector<RefUpdate>& moved,
                        const spool::Spool& spool) {
  const std::string direct = direct_write_id(call, at, "push");
  Result<std::vector<std::string>> options = push_options(environment);
  if (!options) return direct;
  Result<std::optional<std::string>> jws = access::collect_ticket(*options);
  if (!jws || !*jws) return direct;
  Result<access::Ticket> ticket = access::open_ticket(**jws, bundle.keys);
  if (!ticket || ticket->owner + "/" + ticket->name != at.repo.full_name()) return direct;
  if (!spool.is_claimed(ticket->jti)) return direct;
  // A ticket that was used before claims nothing a second time (observe mode lets such a push pass).
  Result<std::optional<spool::Verdict>> verdict = spool.read_verdict(ticket->jti);
  if (verdict && *verdict) {
    for (const RefUpdate& update : moved) {
      const auto same = [&update](const spool::CommandVerdict& entry) { return entry.command == update; };
      if (!std::any_of((*verdict)->commands.begin(), (*verdict)->commands.end(), same)) return direct;
    }
  }
  return ticket->jti;
}

// The refs have moved whatever becomes of the record; the gateway settles it from the report or from the refs
// themselves.
HookOutcome leave(const HookCall& call, const spool::Done& done) {
  const Status written = spool::Spool(call.spool).write_done(done);
  if (written) return {};
  return {0, {"postern: what moved could not be recorded: " + git::report_line(written.error().message, 300)}};
}

}  // namespace

HookOutcome post_receive(const HookCall& call, const Environment& environment, const Clock& clock) {
  Result<std::optional<Located>> at = locate_repository(call.root, environment);
  if (!at || !*at) return {};
  Result<access::HookBundle> bundle = access::read_hook_bundle(call.bundle, keys_needed(environment));
  if (!bundle || !bundle->governance_of((*at)->repo).governed) return {};
  Result<std::vector<RefUpdate>> moved = parse_commands(call.input);
  if (!moved || moved->empty()) return {};
  std::string id = recorded_id(call, environment, **at, *bundle, *moved, spool::Spool(call.spool));
  return leave(call, {std::move(id), (*at)->repo.full_name(), std::move(*moved), clock.wall()});
}

HookOutcome record_transaction(const HookCall& call, const Located& at, std::vector<git::RefUpdate> moved,
                               const Clock& clock) {
  std::string id = direct_write_id(call, at, git::command_digest(moved));
  const Result<std::optional<spool::Verdict>> verdict = spool::Spool(call.spool).read_verdict(id);
  if (!verdict || !*verdict) return {};
  return leave(call, {std::move(id), at.repo.full_name(), std::move(moved), clock.wall()});
}

}  // namespace postern::receive
