// Each thing that binds a ticket to its push, alone: in a real push several of them fail together.
#include "hooks/receive/judge_ticket.h"

#include <catch2/catch.hpp>
#include <functional>

#include "gateway/base/encoding.h"

namespace postern::receive {
namespace {

struct Bound {
  identity::SigningKey key = *identity::SigningKey::generate_ed25519();
  access::HookBundle bundle;
  git::RepoPath repo = *git::RepoPath::parse("platform/policies");
  std::vector<git::RefUpdate> commands{
      {git::ObjectId::zero(), *git::ObjectId::parse(std::string(40, '1')), "refs/heads/main"}};
  std::optional<Marker> marker = Marker{7, "platform/policies"};
  std::optional<std::string> gogs_id = "7";
  WallTime now = *parse_rfc3339("2026-11-22T18:00:00Z");
  access::Ticket ticket;

  Bound() {
    bundle.issuer = "https://git.example.com";
    bundle.keys = {key.public_key()};
    ticket.jti = std::string(32, 'a');
    ticket.issued_at = now;
    ticket.expires_at = now + std::chrono::hours(1);
    ticket.issuer = bundle.issuer;
    ticket.identity = {"alice", "human", "idp", "s", "c"};
    ticket.owner = "platform";
    ticket.name = "policies";
    ticket.repo_id = 7;
    ticket.commands = git::command_digest(commands);
    ticket.grants = {{"all", {access::Verb::create}, {}, {}}};
    ticket.use = {0};
  }
  // "ok", or "rule: reason".
  std::string verdict() const {
    const std::string jws = *access::sign_ticket(ticket, key);
    const auto judged = judge_ticket(jws, {bundle, repo, commands, marker, gogs_id ? &*gogs_id : nullptr, now});
    if (judged) return "ok";
    CHECK_FALSE(judged.error().fix.empty());
    return judged.error().rule + ": " + judged.error().reason;
  }
  static std::string with(const std::function<void(Bound&)>& change) {
    Bound bound;
    change(bound);
    return bound.verdict();
  }
};

}  // namespace

TEST_CASE("a ticket for this very push is taken also where fewer ids are known") {
  CHECK(Bound().verdict() == "ok");
  CHECK(Bound::with([](Bound& b) { b.marker = std::nullopt; }) == "ok");
  CHECK(Bound::with([](Bound& b) { b.gogs_id = std::nullopt; }) == "ok");
  CHECK(Bound::with([](Bound& b) { b.ticket.repo_id = std::nullopt; }) == "ok");
  CHECK(Bound::with([](Bound& b) { b.marker->id = std::nullopt; }) == "ok");
}

TEST_CASE("attack 6 - each thing that a ticket is bound to refuses it alone") {
  CHECK(Bound::with([](Bound& b) { b.ticket.issuer = "https://other.example.com"; }) ==
        "ticket: the ticket is of another gateway");
  CHECK(Bound::with([](Bound& b) { b.now = b.ticket.expires_at - std::chrono::milliseconds(1); }) == "ok");
  CHECK(Bound::with([](Bound& b) { b.now = b.ticket.expires_at; }) ==
        "ticket: the ticket expired at 2026-11-22T19:00:00.000Z");
  CHECK(Bound::with([](Bound& b) { b.now -= std::chrono::minutes(5); }) == "ok");
  CHECK(Bound::with([](Bound& b) { b.now -= std::chrono::minutes(5) + std::chrono::milliseconds(1); }) ==
        "ticket: the ticket is from the future");
  CHECK(Bound::with([](Bound& b) { b.ticket.name = "other"; }) == "ticket: the ticket is for another repository");
  CHECK(Bound::with([](Bound& b) { b.ticket.owner = "other"; }) == "ticket: the ticket is for another repository");
  CHECK(Bound::with([](Bound& b) { b.commands[0].ref = "refs/heads/other"; }) ==
        "ticket: the ticket is for other commands than these");
  CHECK(Bound::with([](Bound& b) { b.commands[0].new_id = *git::ObjectId::parse(std::string(40, '2')); }) ==
        "ticket: the ticket is for other commands than these");
  // A digest that holds, and one decision more or fewer than there are commands.
  CHECK(Bound::with([](Bound& b) { b.ticket.use = {0, 0}; }) == "ticket: the ticket is for other commands than these");
  CHECK(Bound::with([](Bound& b) {
          b.bundle.keys = {identity::SigningKey::generate_ed25519()->public_key()};
        }).starts_with("ticket: "));
}

TEST_CASE("attack 14 - a ticket is bound to the id that Gogs gave and to the one in the marker") {
  CHECK(Bound::with([](Bound& b) {
          b.gogs_id = std::nullopt;
          b.marker->id = 8;
        }) == "marker: the ticket is for Gogs id 7, the marker has 8");
  CHECK(Bound::with([](Bound& b) {
          b.marker = std::nullopt;
          b.gogs_id = "8";
        }) == "ticket: the ticket is for another Gogs id");
  CHECK(Bound::with([](Bound& b) {
          b.marker = std::nullopt;
          b.gogs_id = "07";
        }) == "ticket: the ticket is for another Gogs id");
}

}  // namespace postern::receive
