#include "gateway/store/committer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

using namespace postern;
using namespace postern::store;

namespace {

// Records what a batch did; fails on demand.
class FakeTarget final : public CommitTarget {
 public:
  Status begin() override {
    if (fail_begin) return fail(ErrorCode::unavailable, "locked");
    return {};
  }
  Status commit() override {
    if (hold.valid()) hold.wait();
    if (fail_commit) return fail(ErrorCode::limit, "disk full");
    ++commits;
    return {};
  }
  void abandon() override { ++abandoned; }
  void committed() override {}

  std::atomic<bool> fail_begin{false};
  std::atomic<bool> fail_commit{false};
  std::atomic<int> commits{0};
  std::atomic<int> abandoned{0};
  std::shared_future<void> hold;  // set before the first job
};

CommitJob job(std::promise<Status>& answer, Status outcome = {}) {
  return {[outcome] { return outcome; }, [&answer](const Status& status) { answer.set_value(status); }};
}

Status submit_and_wait(Committer& committer, Status outcome = {}) {
  std::promise<Status> answer;
  committer.submit(job(answer, std::move(outcome)));
  return answer.get_future().get();
}

}  // namespace

TEST_CASE("jobs that wait together are committed together") {
  FakeTarget target;
  std::promise<void> open;
  target.hold = open.get_future().share();
  Committer committer(target, 10);
  std::vector<std::promise<Status>> answers(65);
  committer.submit(job(answers[0]));
  for (std::size_t i = 1; i < answers.size(); ++i) committer.submit(job(answers[i]));
  open.set_value();
  for (auto& answer : answers) CHECK(answer.get_future().get());
  CHECK(target.commits <= 2);
}

TEST_CASE("a failed commit acknowledges nothing and the next one works") {
  FakeTarget target;
  Committer committer(target, 10);
  target.fail_commit = true;
  const Status refused = submit_and_wait(committer);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::limit);
  CHECK(target.abandoned == 1);
  CHECK(!committer.health());
  target.fail_commit = false;
  CHECK(submit_and_wait(committer));
  CHECK(committer.health());
}

TEST_CASE("one job at fault does not take the others with it") {
  FakeTarget target;
  std::promise<void> open;
  target.hold = open.get_future().share();
  Committer committer(target, 10);
  std::promise<Status> first, bad, good;
  committer.submit(job(first));
  committer.submit(job(bad, fail(ErrorCode::internal, "of this job")));
  committer.submit(job(good));
  open.set_value();
  CHECK(first.get_future().get());
  CHECK(!bad.get_future().get());
  CHECK(good.get_future().get());
}

TEST_CASE("the soon queue is bounded and keeps its jobs while commits fail") {
  FakeTarget target;
  target.fail_begin = true;
  Committer committer(target, 5);
  std::atomic<int> applied{0};
  for (int i = 0; i < 5; ++i) {
    REQUIRE(committer.submit_soon([&]() -> Status {
      ++applied;
      return {};
    }));
  }
  const Status sixth = committer.submit_soon([] { return Status{}; });
  REQUIRE(!sixth);
  CHECK(sixth.error().code == ErrorCode::limit);
  // An urgent job fails meanwhile; the soon ones stay, also those that went with it.
  CHECK(!submit_and_wait(committer));
  CHECK(!committer.submit_soon([] { return Status{}; }));
  CHECK(applied == 0);
  target.fail_begin = false;
  CHECK(submit_and_wait(committer));
  committer.close();
  CHECK(applied == 5);
}

TEST_CASE("closing ends what waits and refuses what comes") {
  FakeTarget target;
  Committer committer(target, 5);
  std::atomic<int> applied{0};
  REQUIRE(committer.submit_soon([&]() -> Status {
    ++applied;
    return {};
  }));
  committer.close();
  committer.close();
  CHECK(applied == 1);
  const Status late = submit_and_wait(committer);
  REQUIRE(!late);
  CHECK(late.error().code == ErrorCode::unavailable);
  CHECK(committer.submit_soon([] { return Status{}; }).error().code == ErrorCode::unavailable);
}

TEST_CASE("sixty-four writers that wait for each record share commits") {
  FakeTarget target;
  Committer committer(target, 5);
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 64; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < 20; ++n) failures += submit_and_wait(committer) ? 0 : 1;
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
  CHECK(target.commits <= 64 * 20);
}
