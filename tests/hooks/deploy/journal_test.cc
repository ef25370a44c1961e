#include "hooks/deploy/journal.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "hooks/deploy/worker.h"
#include "tests/hooks/deploy/fakes.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

struct Place {
  std::string directory;
  std::unique_ptr<Journal> journal;
  WallTime now{1000s};
  Place() {
    char name[] = "/tmp/postern-journal-XXXXXX";
    directory = ::mkdtemp(name);
    open();
  }
  ~Place() { std::filesystem::remove_all(directory); }
  void open() {
    journal.reset();
    auto opened = open_journal("sqlite:" + directory + "/j.db");
    REQUIRE(opened);
    journal = std::move(*opened);
  }
  void adopt(std::string commit) {
    EnvironmentRecord record;
    record.name = "prod";
    record.repository = "a/b";
    record.ref = "refs/heads/main";
    record.service = "/s";
    record.deployed = std::move(commit);
    REQUIRE(journal->adopt(record, "root", now));
  }
};

TEST_CASE("what was adopted is there after a restart") {
  Place p;
  CHECK_FALSE(p.journal->environment("prod")->has_value());
  p.adopt("c1");
  p.open();
  auto found = p.journal->environment("prod");
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->deployed == "c1");
  CHECK((*found)->state == State::idle);
  CHECK(*p.journal->was_healthy("prod", "c1"));
}

TEST_CASE("the first before image of a resource is kept until a commit is healthy") {
  Place p;
  p.adopt("c1");
  Plan plan = make_plan("prod", "/s", "c1", "c2", {});
  Step step{Action::put, {"/Apis/a/policies/policy", policy::Scope::api, "f", "i"}, "two"};
  auto run = p.journal->begin_run("prod", plan, p.now);
  REQUIRE(run);
  REQUIRE(p.journal->begin_step(*run, 0, step, "prod", {step.resource, true, std::string("o\0ne", 4)}, p.now));
  p.open();
  auto again = p.journal->begin_run("prod", plan, p.now);
  REQUIRE(p.journal->begin_step(*again, 0, step, "prod", {step.resource, true, "two"}, p.now));
  auto images = p.journal->before_images("prod");
  REQUIRE(images);
  REQUIRE(images->size() == 1);
  CHECK((*images)[0].value == std::string("o\0ne", 4));
  CHECK((*images)[0].resource.scope == policy::Scope::api);
  REQUIRE(p.journal->deployed("prod", "c2", {State::healthy, "", "", "c2", ""}, std::nullopt, p.now));
  CHECK(p.journal->before_images("prod")->empty());
}

TEST_CASE("since moves only with the state") {
  Place p;
  p.adopt("c1");
  REQUIRE(p.journal->set_state("prod", {State::held, "gap", "m", "t", ""}, std::nullopt, p.now));
  REQUIRE(p.journal->set_state("prod", {State::held, "gap", "m", "t", ""}, std::nullopt, p.now + 5s));
  CHECK((**p.journal->environment("prod")).since == p.now);
  REQUIRE(p.journal->set_state("prod", {State::held, "gap", "other", "t", ""}, std::nullopt, p.now + 9s));
  CHECK((**p.journal->environment("prod")).since == p.now + 9s);
}

TEST_CASE("a request of a person is seen by the one who counts") {
  Place p;
  CHECK_FALSE(p.journal->ask_retry("prod", "root", p.now));
  p.adopt("c1");
  const auto asked = (**p.journal->environment("prod")).asked;
  REQUIRE(p.journal->ask_retry("prod", "root", p.now));
  CHECK((**p.journal->environment("prod")).asked == asked + 1);
  auto refused = p.journal->ask_rollback("prod", "never", "root", p.now);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::bad_usage);
}

TEST_CASE("an outcome stays until the gateway acknowledged it") {
  Place p;
  p.adopt("c1");
  test::FakeRecords records;
  records.down = true;
  REQUIRE(
      p.journal->set_state("prod", {State::held, "gap", "m", "t", ""}, json::Value(json::Object{{"id", "o1"}}), p.now));
  REQUIRE(
      p.journal->set_state("prod", {State::held, "gap", "m", "t", ""}, json::Value(json::Object{{"id", "o1"}}), p.now));
  CHECK(report_once(records, *p.journal) == 1);
  p.open();
  records.down = false;
  CHECK(report_once(records, *p.journal) == 0);
  CHECK(records.reported == std::vector<std::string>{R"({"id":"o1"})"});
  CHECK(report_once(records, *p.journal) == 0);
  CHECK(records.reported.size() == 1);
}

TEST_CASE("a journal of another scheme or program is refused") {
  CHECK_FALSE(open_journal("postgresql://x"));
  CHECK_FALSE(open_journal("sqlite:"));
  CHECK_FALSE(open_journal("sqlite:/nonexistent/dir/j.db"));
}

TEST_CASE("a read-only look does not make a journal") {
  Place p;
  auto none = open_journal("sqlite:" + p.directory + "/none.db", {.read_only = true});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::not_found);
  p.adopt("c1");
  auto there = open_journal("sqlite:" + p.directory + "/j.db", {.read_only = true});
  REQUIRE(there);
  CHECK((*there)->environments()->size() == 1);
  CHECK_FALSE((*there)->ask_retry("prod", "root", p.now));
}

}  // namespace
}  // namespace postern::deploy
