#include "hooks/deploy/environment.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "tests/hooks/deploy/fakes.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;
using test::FakeRecords;
using test::FakeSource;
using test::FakeTarget;
using test::id_of;

const Author kHuman{"alice", "human"};
const Author kAgent{"helper-bot", "agent"};
constexpr const char* kOrders = "root/apis/orders/policy.xml";
constexpr const char* kPets = "root/apis/pets/policy.xml";
constexpr const char* kAuth = "root/policy fragments/auth/policy.xml";

std::string policy(std::string_view word) {
  return "<policies><inbound><base /><set-header name=\"w\"><value>" + std::string(word) +
         "</value></set-header></inbound></policies>";
}
std::string fragment(std::string_view word) {
  return "<fragment><set-variable name=\"w\" value=\"" + std::string(word) + "\" /></fragment>";
}

// An environment whose service holds the first commit, which is adopted.
struct World {
  std::string directory;
  ManualClock clock{WallTime(1000000s)};
  FakeSource source;
  FakeRecords records;
  FakeTarget target;
  std::unique_ptr<Journal> journal;
  EnvironmentSettings settings;
  std::unique_ptr<Environment> environment;
  std::optional<std::string> sick;
  bool stopping = false;
  std::vector<policy::Finding> findings;
  std::string judged_at;
  std::string first;

  World() {
    char name[] = "/tmp/postern-deploy-XXXXXX";
    directory = ::mkdtemp(name);
    settings.name = "prod";
    settings.apply = true;
    settings.repository = "platform/policies";
    settings.ref = "refs/heads/main";
    settings.service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/c";
    settings.root = "root";
    first = source.commit("first", "", {{kOrders, policy("one")}, {kAuth, fragment("one")}});
    source.ref_at = first;
    target.held["/apis/orders/policies/policy"] = policy("one");
    target.held["/policyfragments/auth"] = fragment("one");
    restart();
    adopt(first);
  }
  ~World() { std::filesystem::remove_all(directory); }

  void restart() {
    environment.reset();
    journal.reset();
    auto opened = open_journal("sqlite:" + directory + "/deploy.db");
    REQUIRE(opened);
    journal = std::move(*opened);
    environment = std::make_unique<Environment>(
        settings, Environment::Parts{source, records, target, *journal, clock, [this](auto) { return !stopping; },
                                     [this] { return sick; },
                                     [this](const auto&, const Span& span) -> Result<std::vector<policy::Finding>> {
                                       judged_at = span.settings_at;
                                       return findings;
                                     }});
  }
  void adopt(const std::string& commit) {
    EnvironmentRecord record;
    record.name = settings.name;
    record.repository = settings.repository;
    record.ref = settings.ref;
    record.service = settings.service;
    record.deployed = commit;
    REQUIRE(journal->adopt(record, "root", clock.wall()));
  }
  // A commit on top of the tip, pushed and accepted.
  std::string push(std::string_view name, std::map<std::string, std::string> files, Author author = kHuman) {
    const std::string before = source.ref_at;
    const std::string made = source.commit(name, before, std::move(files));
    source.ref_at = made;
    records.accept(before, made, author, {made});
    return made;
  }
  Pass pass() { return environment->reconcile(); }
  // Passes until nothing is asked for soon.
  Pass settle() {
    Pass last = pass();
    for (int i = 0; i < 50 && last.again_in; ++i) {
      clock.advance(*last.again_in);
      last = pass();
    }
    return last;
  }
  EnvironmentRecord record() {
    auto found = journal->environment("prod");
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }
  // State and reason of the outcomes, in order.
  std::vector<std::string> outcomes() {
    std::vector<std::string> list;
    const auto items = journal->unacknowledged(100);
    REQUIRE(items);
    for (const auto& item : *items) {
      auto body = json::parse(item.body);
      REQUIRE(body);
      const std::string reason = *body->find_string("reason");
      list.push_back(*body->find_string("state") + (reason.empty() ? "" : " " + reason));
    }
    return list;
  }
};

TEST_CASE("a pushed change reaches the service and nothing else is written") {
  World w;
  const std::string tip = w.push("second", {{kOrders, policy("two")}, {"README.md", "x"}});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.writes == std::vector<std::string>{"put /apis/orders/policies/policy"});
  CHECK(w.target.held["/apis/orders/policies/policy"] == policy("two"));
  CHECK(w.record().deployed == tip);
  CHECK(w.record().state == State::healthy);
  CHECK(w.outcomes() == std::vector<std::string>{"healthy"});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.writes.size() == 1);
}

TEST_CASE("a fragment is written before the policy that uses it and deleted after it") {
  World w;
  w.settings.max_deletes = 2;
  w.restart();
  w.push("second", {{kOrders, policy("two")}, {"root/policyFragments/new/policy.xml", fragment("n")}});
  w.pass();
  CHECK(w.target.writes == std::vector<std::string>{"put /policyFragments/new", "put /apis/orders/policies/policy"});
  w.target.writes.clear();
  w.push("third", {{kOrders, ""}, {"root/policyFragments/new/policy.xml", ""}});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.writes ==
        std::vector<std::string>{"delete /apis/orders/policies/policy", "delete /policyFragments/new"});
}

TEST_CASE("nothing deploys before a person adopts a commit - attack 22") {
  World w;
  w.settings.name = "stage";
  w.restart();
  w.push("second", {{kOrders, policy("two")}});
  const Pass pass = w.pass();
  CHECK(pass.state == State::held);
  CHECK(pass.reason == "not-adopted");
  CHECK(pass.message.find("postern-deploy adopt --environment stage") != std::string::npos);
  CHECK(w.target.writes.empty());
}

TEST_CASE("an adoption counts only for the service repository and ref it was made for") {
  const auto reason_with = [](const std::function<void(EnvironmentSettings&)>& change) {
    World w;
    change(w.settings);
    w.restart();
    w.push("second", {{kOrders, policy("two")}});
    std::string reason = w.pass().reason;
    CHECK(w.target.writes.empty() == (reason == "not-adopted"));
    return reason;
  };
  CHECK(reason_with([](EnvironmentSettings& s) { s.service += "-other"; }) == "not-adopted");
  CHECK(reason_with([](EnvironmentSettings& s) { s.repository += "-other"; }) == "not-adopted");
  CHECK(reason_with([](EnvironmentSettings& s) { s.ref += "-other"; }) == "not-adopted");
  CHECK(reason_with([](EnvironmentSettings& s) { s.service = ascii_lower(s.service); }) == "");
}

TEST_CASE("a commit slipped under an honest push is a gap - attack 1") {
  World w;
  const std::string slipped = w.source.commit("slipped", w.first, {{kOrders, policy("evil")}});
  w.source.ref_at = slipped;  // nobody recorded it
  w.push("honest", {{kPets, policy("pets")}});
  const Pass waiting = w.pass();
  CHECK(waiting.state == State::waiting);  // the record may lag behind for a moment
  w.clock.advance(10s);
  const Pass pass = w.pass();
  CHECK(pass.state == State::held);
  CHECK(pass.reason == "gap");
  CHECK(pass.message.find(slipped) != std::string::npos);
  CHECK(pass.message.find("adopt") != std::string::npos);
  CHECK(w.target.writes.empty());
  w.adopt(slipped);
  CHECK(w.settle().state == State::healthy);
  CHECK(w.target.writes == std::vector<std::string>{"put /apis/pets/policies/policy"});
}

TEST_CASE("a record that arrives late fills the gap by itself") {
  World w;
  const std::string made = w.source.commit("second", w.first, {{kOrders, policy("two")}});
  w.source.ref_at = made;
  w.pass();
  w.clock.advance(1min);
  CHECK(w.pass().reason == "gap");
  w.records.accept(w.first, made, kHuman, {made});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.outcomes() == std::vector<std::string>{"held gap", "healthy"});
}

TEST_CASE("a reset to an old commit is held although it was deployed once - attack 2") {
  World w;
  w.push("second", {{kOrders, policy("two")}});
  w.pass();
  w.target.writes.clear();
  w.source.ref_at = w.first;
  const Pass pass = w.pass();
  CHECK(pass.state == State::held);
  CHECK(pass.reason == "not-descendant");
  CHECK(w.target.writes.empty());
}

TEST_CASE("an agents commit under a humans push owes an approval - attack 3") {
  World w;
  const std::string by_agent = w.source.commit("agents", w.first, {{kOrders, policy("agent")}});
  w.records.introduced[by_agent] = kAgent;  // it came in on another branch
  const std::string merge = w.source.commit("merge", by_agent, {{"README.md", "m"}});
  w.source.ref_at = merge;
  w.records.accept(w.first, merge, kHuman, {merge});
  const Pass pass = w.pass();
  CHECK(pass.reason == "approval");
  CHECK(pass.message.find("helper-bot") != std::string::npos);
  CHECK(pass.message.find(by_agent) != std::string::npos);
  CHECK(w.target.writes.empty());
}

TEST_CASE("settings are read from before the last push of the chain - attack 5") {
  World w;
  const std::string second = w.push("second", {{kOrders, policy("two")}});
  w.push("third", {{"postern-policy.toml", "anything goes"}, {kOrders, policy("three")}});
  w.pass();
  CHECK(w.judged_at == second);
}

TEST_CASE("a commit whose health check fails is taken back and not tried again - attack 21") {
  World w;
  const std::string bad = w.push("bad", {{kOrders, policy("two")}, {kPets, policy("new")}});
  w.sick = "GET https://x: expected 200, answered 500";
  Pass pass = w.pass();
  CHECK(pass.state == State::held);
  CHECK(pass.reason == "health");
  CHECK(w.target.held["/apis/orders/policies/policy"] == policy("one"));
  CHECK_FALSE(w.target.held.contains("/apis/pets/policies/policy"));
  CHECK(w.record().deployed == w.first);
  CHECK(w.outcomes() == std::vector<std::string>{"failed health", "held health"});
  const auto writes = w.target.writes.size();
  for (int i = 0; i < 20; ++i) {
    w.clock.advance(20min);
    CHECK(w.pass().state == State::held);
  }
  w.restart();
  CHECK(w.pass().reason == "health");
  CHECK(w.target.writes.size() == writes);
  CHECK(w.record().message.find("retry") != std::string::npos);

  w.sick.reset();
  REQUIRE(w.journal->ask_retry("prod", "root", w.clock.wall()));
  CHECK(w.pass().state == State::healthy);
  CHECK(w.record().deployed == bad);
}

TEST_CASE("a health check that is cut short by the end of the program takes nothing back") {
  World w;
  const std::string tip = w.push("second", {{kOrders, policy("two")}});
  w.sick = "GET https://x: expected 200, stopped";
  w.stopping = true;
  CHECK(w.pass().state == State::waiting);
  CHECK(w.record().undo.empty());
  w.stopping = false;
  w.sick.reset();
  w.restart();
  CHECK(w.pass().state == State::healthy);
  CHECK(w.record().deployed == tip);
  CHECK(w.target.writes.size() == 1);
}

TEST_CASE("a held failure is released by the next commit") {
  World w;
  w.target.refused.insert(policy("bad"));
  w.push("bad", {{kOrders, policy("bad")}});
  CHECK(w.pass().reason == "failed");
  w.push("good", {{kOrders, policy("good")}});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.held["/apis/orders/policies/policy"] == policy("good"));
}

TEST_CASE("a folder that disappears is held by max_deletes - attack 22") {
  World w;
  w.push("gone", {{kOrders, ""}});
  const Pass pass = w.pass();
  CHECK(pass.reason == "deletes");
  CHECK(pass.message.find("/apis/orders/policies/policy") != std::string::npos);
  CHECK(w.target.writes.empty());
  w.settings.max_deletes = 1;
  w.restart();
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.writes == std::vector<std::string>{"delete /apis/orders/policies/policy"});
}

TEST_CASE("a policy that ARM refuses is taken back with its place in the file") {
  World w;
  w.target.refused.insert(policy("bad"));
  w.push("bad", {{kAuth, fragment("two")}, {kOrders, policy("bad")}});
  const Pass pass = w.pass();
  CHECK(pass.state == State::held);
  CHECK(pass.reason == "failed");
  CHECK(pass.message.find("root/apis/orders/policy.xml:3:5: error: no good [arm ValidationError]") !=
        std::string::npos);
  CHECK(w.target.held["/policyfragments/auth"] == fragment("one"));
}

TEST_CASE("findings at the tip hold although the hook let them in") {
  World w;
  policy::Finding finding;
  finding.path = kOrders;
  finding.rule = "unknown-element";
  finding.message = "no such policy";
  w.findings = {finding};
  w.push("second", {{kOrders, policy("two")}});
  CHECK(w.pass().reason == "findings");
  CHECK(w.target.writes.empty());
}

TEST_CASE("two files of one resource are held and not guessed at") {
  World w;
  w.push("twice", {{"root/policyFragments/auth/policy.xml", fragment("x")}});
  const Pass pass = w.pass();
  CHECK(pass.reason == "findings");
  CHECK(pass.message.find("same resource") != std::string::npos);
}

TEST_CASE("an answer that says not now makes the deployment wait and then go on") {
  for (const auto& [status, code] :
       {std::pair{0, ""}, std::pair{401, "ExpiredAuthenticationToken"}, std::pair{403, "AuthorizationFailed"},
        std::pair{409, "PessimisticConcurrencyConflict"}, std::pair{412, "PreconditionFailed"}, std::pair{500, ""}}) {
    INFO(status);
    World w;
    w.push("second", {{kOrders, policy("two")}});
    w.target.failures.push_back(test::waiting_failure(status, code));
    const Pass pass = w.pass();
    CHECK(pass.state == State::waiting);
    REQUIRE(pass.again_in);
    CHECK(*pass.again_in <= 1s);
    CHECK(pass.message.find("not now") != std::string::npos);
    CHECK(w.record().state == State::waiting);
    CHECK(w.pass().state == State::waiting);  // not before its time
    CHECK(w.target.writes.empty());
    w.clock.advance(*pass.again_in);
    CHECK(w.pass().state == State::healthy);
  }
}

TEST_CASE("Retry-After is honoured also when the ref moves meanwhile") {
  World w;
  w.push("second", {{kOrders, policy("two")}});
  w.target.failures.push_back(test::waiting_failure(429, "TooManyRequests", 30s));
  CHECK(*w.pass().again_in >= 30s);
  w.push("third", {{kOrders, policy("three")}});
  w.clock.advance(29s);
  CHECK(w.pass().state == State::waiting);
  CHECK(w.target.writes.empty());
  w.clock.advance(1s);
  CHECK(w.pass().state == State::healthy);
}

TEST_CASE("back-off grows to a quarter of an hour and ends when the ref moves") {
  World w;
  w.push("second", {{kOrders, policy("two")}});
  for (int i = 0; i < 30; ++i) w.target.failures.push_back(test::waiting_failure(503, ""));
  Pass pass = w.pass();
  for (int i = 0; i < 14; ++i) {
    w.clock.advance(*pass.again_in);
    pass = w.pass();
  }
  CHECK(*pass.again_in > 7min);
  CHECK(*pass.again_in <= 15min);
  w.target.failures.clear();
  w.push("third", {{kOrders, policy("three")}});
  CHECK(w.pass().state == State::healthy);
}

TEST_CASE("a gateway that does not answer makes the environment wait and never guess") {
  World w;
  w.push("second", {{kOrders, policy("two")}});
  w.records.down = true;
  CHECK(w.pass().state == State::waiting);
  CHECK(w.target.writes.empty());
  w.records.down = false;
  CHECK(w.settle().state == State::healthy);
}

TEST_CASE("a repository that does not answer makes the environment wait") {
  World w;
  w.source.down = {ErrorCode::timeout, "git ls-remote: killed"};
  const Pass pass = w.pass();
  CHECK(pass.state == State::waiting);
  w.source.down.message.clear();
  w.push("second", {{kOrders, policy("two")}});
  w.clock.advance(*pass.again_in);
  CHECK(w.pass().state == State::healthy);
}

TEST_CASE("mode plan says what it would do and writes nothing") {
  World w;
  w.settings.apply = false;
  w.restart();
  w.push("second", {{kOrders, policy("two")}});
  CHECK(w.pass().state == State::planned);
  CHECK(w.pass().state == State::planned);
  CHECK(w.outcomes() == std::vector<std::string>{"planned"});
  CHECK(w.target.writes.empty());
  CHECK(w.record().deployed == w.first);
}

TEST_CASE("an environment waits for the one that comes before it") {
  World w;
  w.settings.after = {"stage"};
  w.restart();
  const std::string tip = w.push("second", {{kOrders, policy("two")}});
  CHECK(w.pass().state == State::waiting);
  EnvironmentRecord stage;
  stage.name = "stage";
  stage.deployed = tip;
  REQUIRE(w.journal->adopt(stage, "root", w.clock.wall()));
  CHECK(w.pass().state == State::healthy);
}

TEST_CASE("a rollback goes back pins and ends with a retry") {
  World w;
  const std::string second = w.push("second", {{kOrders, policy("two")}, {kPets, policy("pets")}});
  w.pass();
  CHECK_FALSE(w.journal->ask_rollback("prod", id_of("never"), "root", w.clock.wall()));
  REQUIRE(w.journal->ask_rollback("prod", w.first, "root", w.clock.wall()));
  CHECK(w.pass().state == State::pinned);
  CHECK(w.target.held["/apis/orders/policies/policy"] == policy("one"));
  CHECK_FALSE(w.target.held.contains("/apis/pets/policies/policy"));
  w.push("third", {{kOrders, policy("three")}});
  CHECK(w.pass().state == State::pinned);
  CHECK(w.record().deployed == w.first);
  REQUIRE(w.journal->ask_retry("prod", "root", w.clock.wall()));
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.held["/apis/orders/policies/policy"] == policy("three"));
}

TEST_CASE("a deployer killed at any write reaches the right state after restart") {
  for (const bool after : {false, true}) {
    for (int at = 0; at < 4; ++at) {
      INFO((after ? "after write " : "before write ") << at);
      World w;
      w.settings.max_deletes = 5;
      w.restart();
      w.target.held["/products/p/policies/policy"] = policy("theirs");  // stood there before anybody adopted
      const std::string tip = w.push("second", {{kOrders, policy("two")},
                                                {kPets, policy("pets")},
                                                {kAuth, ""},
                                                {"root/products/p/policy.xml", policy("ours")}});
      (after ? w.target.kill_after : w.target.kill_before) = at;
      bool killed = false;
      try {
        w.pass();
      } catch (const test::Killed&) {
        killed = true;
      }
      REQUIRE(killed);
      w.restart();
      CHECK(w.record().deployed == w.first);
      CHECK(w.pass().state == State::healthy);
      CHECK(w.record().deployed == tip);
      CHECK(w.target.held == std::map<std::string, std::string>{{"/apis/orders/policies/policy", policy("two")},
                                                                {"/apis/pets/policies/policy", policy("pets")},
                                                                {"/products/p/policies/policy", policy("ours")}});
    }
  }
}

TEST_CASE("an apply that was cut and overtaken by another commit leaves nothing behind") {
  World w;
  w.target.held["/products/p/policies/policy"] = policy("theirs");
  w.push("second", {{"root/products/p/policy.xml", policy("ours")}, {kPets, policy("pets")}});
  w.target.kill_after = 1;
  CHECK_THROWS_AS(w.pass(), test::Killed);
  w.restart();
  // The next commit takes both files out again: what they had written must go, and what stood there must be back.
  w.push("third", {{"root/products/p/policy.xml", ""}, {kPets, ""}, {"README.md", "sorry"}});
  CHECK(w.pass().state == State::healthy);
  CHECK(w.target.held["/products/p/policies/policy"] == policy("theirs"));
  CHECK_FALSE(w.target.held.contains("/apis/pets/policies/policy"));
}

TEST_CASE("a deployer killed while it takes back finishes taking back") {
  World w;
  w.target.refused.insert(policy("bad"));
  w.push("bad", {{kAuth, fragment("two")}, {kOrders, policy("bad")}});
  w.target.kill_before = 2;  // the first write of the undo
  CHECK_THROWS_AS(w.pass(), test::Killed);
  w.restart();
  CHECK(w.record().undo == "failed");
  CHECK(w.pass().reason == "failed");
  CHECK(w.target.held["/policyfragments/auth"] == fragment("one"));
  CHECK(w.record().deployed == w.first);
}

TEST_CASE("an undo that ARM puts off is finished later and keeps its reason") {
  World w;
  w.target.refused.insert(policy("bad"));
  w.push("bad", {{kAuth, fragment("two")}, {kOrders, policy("bad")}});
  w.sick.reset();
  // fragment put, policy refused, then the undo is throttled.
  w.target.failures.clear();
  const auto first_pass = [&] {
    w.target.failures.push_back(test::waiting_failure(500, ""));
    return w.pass();
  };
  CHECK(first_pass().state == State::waiting);  // the very first write was put off
  CHECK(w.settle().reason == "failed");
  CHECK(w.record().message.find("no good") != std::string::npos);
}

}  // namespace
}  // namespace postern::deploy
