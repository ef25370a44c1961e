#include "hooks/deploy/chain.h"

#include <catch2/catch.hpp>

namespace postern::deploy {
namespace {

const Author kHuman{"alice", "human"};
const Author kWorkload{"pipeline", "workload"};
const Author kAgent{"bot", "agent"};

RefMove move(std::int64_t seq, std::string from, std::string to, Author by = kHuman) {
  return {seq, std::move(from), std::move(to), true, false, std::move(by)};
}

// L -> A -> T, pushed one by one by a human.
ChainQuestion question() {
  ChainQuestion q;
  q.environment = "prod";
  q.ref = "refs/heads/main";
  q.deployed = "L";
  q.tip = "T";
  q.descends = true;
  q.moves = {move(1, "L", "A"), move(2, "A", "T")};
  q.commits = {"T", "A"};
  q.introducers = {{"A", kHuman}, {"T", kHuman}};
  return q;
}

std::string reason(const ChainQuestion& q) {
  const ChainAnswer answer = judge_chain(q);
  const Held* held = std::get_if<Held>(&answer);
  return held == nullptr ? "clear" : std::string(to_string(held->reason));
}
std::string message(const ChainQuestion& q) {
  const ChainAnswer answer = judge_chain(q);
  const Held* held = std::get_if<Held>(&answer);
  return held == nullptr ? "" : held->message;
}

TEST_CASE("an unbroken chain of a persons pushes is clear and names where settings are read") {
  const ChainAnswer answer = judge_chain(question());
  REQUIRE(std::holds_alternative<Clear>(answer));
  CHECK(std::get<Clear>(answer).last_old == "A");
  CHECK(std::get<Clear>(answer).chain.size() == 2);
}

TEST_CASE("records that were settled out of order are the same chain") {
  auto q = question();
  q.moves = {move(2, "A", "T"), move(1, "L", "A")};
  CHECK(reason(q) == "clear");
}

TEST_CASE("a chain goes through a ref that went back and forth") {
  auto q = question();
  q.moves = {move(1, "L", "A"), move(2, "A", "L"), move(3, "L", "B"), move(4, "B", "T")};
  CHECK(reason(q) == "clear");
  q.moves = {move(1, "A", "A"), move(2, "L", "A"), move(3, "A", "A")};
  CHECK(reason(q) == "gap");
}

// Attack 2 the other way round: T was accepted once and taken back on purpose; whoever holds the Gogs user moves the
// ref to it again. T descends from L, and a record from L to T is there.
TEST_CASE("the record of a push that was taken back brings nothing in a second time - attack 2") {
  auto q = question();
  q.moves = {move(1, "L", "T"), move(2, "T", "L")};
  CHECK(reason(q) == "gap");
  CHECK(message(q).find("was at T before and was taken back") != std::string::npos);
  // With a push of its own it is in order, in whatever order that was recorded.
  q.moves.push_back(move(3, "L", "T"));
  CHECK(reason(q) == "clear");
  q.moves = {move(1, "L", "T"), move(2, "L", "T"), move(3, "T", "L")};
  CHECK(reason(q) == "clear");
  // A direct write that the rules did not judge took it away all the same.
  q.moves = {move(1, "L", "T"), move(2, "T", "L")};
  q.moves[1].link = false;
  CHECK(reason(q) == "gap");
}

TEST_CASE("a commit that was taken back and slipped under an honest push is a gap - attack 1") {
  auto q = question();
  q.moves = {move(1, "L", "A"), move(2, "A", "L"), move(3, "A", "T")};
  CHECK(reason(q) == "gap");
  CHECK(message(q).find("was at A before") != std::string::npos);
  q.moves = {move(1, "L", "A"), move(2, "A", "L"), move(3, "L", "A"), move(4, "A", "T")};
  CHECK(reason(q) == "clear");
}

TEST_CASE("a ref that was deleted and made again is a chain and brings no old record back") {
  const std::string none(40, '0');
  auto q = question();
  q.moves = {move(1, none, "L"), move(2, "L", none), move(3, none, "T")};
  CHECK(reason(q) == "clear");
  // Made as T once, taken back to L, deleted and made again as L: no record brings T a second time.
  q.moves = {move(1, none, "T"), move(2, "T", "L"), move(3, "L", none), move(4, none, "L")};
  CHECK(reason(q) == "gap");
}

TEST_CASE("a missing link holds and the message names the commit nobody brought - attack 1") {
  auto q = question();
  q.moves = {move(2, "A", "T")};
  CHECK(reason(q) == "gap");
  CHECK(message(q).find("refs/heads/main to A") != std::string::npos);
  CHECK(message(q).find("adopt --environment prod --commit T") != std::string::npos);
  q.moves.clear();
  CHECK(reason(q) == "gap");
}

TEST_CASE("a direct write that the rules did not judge is no link") {
  auto q = question();
  q.moves[0].link = false;
  CHECK(reason(q) == "gap");
}

TEST_CASE("no approval setting releases a gap") {
  auto q = question();
  q.moves.clear();
  q.approvals_agents = 0;
  CHECK(reason(q) == "gap");
}

TEST_CASE("what does not descend is held whatever the records say - attack 2") {
  auto q = question();
  q.descends = false;
  CHECK(reason(q) == "not-descendant");
}

TEST_CASE("a workload owes what a person owes") {
  auto q = question();
  q.moves[1].author = kWorkload;
  q.introducers["T"] = kWorkload;
  CHECK(reason(q) == "clear");
}

TEST_CASE("one agents commit in the range owes an approval - attack 3") {
  auto q = question();
  q.introducers["A"] = kAgent;
  CHECK(reason(q) == "approval");
  CHECK(message(q).find("bot (agent)") != std::string::npos);
}

TEST_CASE("an agent who pushes other peoples commits owes an approval") {
  auto q = question();
  q.moves[0].author = kAgent;
  CHECK(reason(q) == "approval");
}

TEST_CASE("a commit that nobody brought in counts as an agents") {
  auto q = question();
  q.introducers.erase("A");
  CHECK(reason(q) == "approval");
  CHECK(message(q).find("commit A") != std::string::npos);
}

TEST_CASE("a truncated list counts as an agents") {
  auto q = question();
  q.moves[1].truncated = true;
  CHECK(reason(q) == "approval");
}

TEST_CASE("a kind that is none of ours counts as an agents") {
  for (const char* kind : {"", "unknown", "Human", "gogs"}) {
    auto q = question();
    q.introducers["T"] = {"x", kind};
    CHECK(reason(q) == "approval");
  }
}

TEST_CASE("an environment may ask nothing of agents and something of everybody") {
  auto q = question();
  q.introducers["A"] = kAgent;
  q.approvals_agents = 0;
  CHECK(reason(q) == "clear");
  q.approvals_default = 1;
  CHECK(reason(q) == "approval");
}

}  // namespace
}  // namespace postern::deploy
