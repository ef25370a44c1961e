#include "hooks/receive/judge_ticket.h"

namespace postern::receive {
namespace {

constexpr auto kClockSkew = std::chrono::minutes(5);

// A renamed repository's old name can be taken, so names alone bind nothing.
std::optional<Refusal> judge_ids(const access::Ticket& ticket, const TicketQuestion& question) {
  if (!ticket.repo_id) return std::nullopt;
  const std::string id = std::to_string(*ticket.repo_id);
  if (question.marker && question.marker->id && *question.marker->id != *ticket.repo_id) {
    return Refusal{"marker",
                   "the ticket is for Gogs id " + id + ", the marker has " + std::to_string(*question.marker->id),
                   "ask the administrator: postern-hook install --rebind " + question.repo.full_name()};
  }
  if (question.gogs_id != nullptr && !question.repo.is_wiki() && *question.gogs_id != id) {
    return Refusal{"ticket", "the ticket is for another Gogs id", "push again"};
  }
  return std::nullopt;
}

}  // namespace

std::expected<access::Ticket, Refusal> judge_ticket(std::string_view jws, const TicketQuestion& question) {
  const auto refuse = [](std::string reason, std::string fix) {
    return std::unexpected(Refusal{"ticket", std::move(reason), std::move(fix)});
  };
  Result<access::Ticket> opened = access::open_ticket(jws, question.bundle.keys);
  if (!opened) return refuse(opened.error().message, "push again; if it stays, ask the administrator to reload");
  const access::Ticket& ticket = *opened;
  if (ticket.issuer != question.bundle.issuer) {
    return refuse("the ticket is of another gateway", "push through " + question.bundle.issuer);
  }
  if (question.now >= ticket.expires_at) {
    return refuse("the ticket expired at " + to_rfc3339(ticket.expires_at), "push again");
  }
  if (ticket.issued_at > question.now + kClockSkew) {
    return refuse("the ticket is from the future", "set the clocks of gateway and Gogs host");
  }
  const std::string name = ticket.owner + "/" + ticket.name;
  if (name != question.repo.full_name()) {
    return refuse("the ticket is for another repository", "push to " + name + " through the gateway");
  }
  if (std::optional<Refusal> other = judge_ids(ticket, question)) return std::unexpected(*std::move(other));
  if (ticket.commands != git::command_digest(question.commands) || ticket.use.size() != question.commands.size()) {
    return refuse("the ticket is for other commands than these", "push again");
  }
  return std::move(*opened);
}

}  // namespace postern::receive
