#include "gateway/net/event_loop.h"

#include <catch2/catch.hpp>

#include "gateway/net/workers.h"
#include "tests/gateway/net/shard_fixture.h"

namespace postern::net {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a timer fires once and not before its time") {
  auto loop = std::move(*EventLoop::make());
  int fired = 0;
  Timer timer(*loop, [&] { ++fired; });
  const auto start = std::chrono::steady_clock::now();
  timer.arm(200ms);
  while (fired == 0) loop->run_once(1000ms);
  CHECK(std::chrono::steady_clock::now() - start >= 200ms);
  CHECK_FALSE(timer.armed());
  loop->run_once(300ms);
  CHECK(fired == 1);
}

TEST_CASE("a timer that is armed again fires at its new time only") {
  auto loop = std::move(*EventLoop::make());
  int fired = 0;
  Timer timer(*loop, [&] { ++fired; });
  timer.arm(100ms);
  timer.arm(600ms);
  const auto start = std::chrono::steady_clock::now();
  while (fired == 0) loop->run_once(1000ms);
  CHECK(std::chrono::steady_clock::now() - start >= 600ms);
}

TEST_CASE("what is put off past a wait does not make the loop spin") {
  auto loop = std::move(*EventLoop::make());
  int called = 0;
  loop->defer_past_wait([&] { ++called; });
  loop->defer([&] { CHECK(called == 0); });
  const auto start = std::chrono::steady_clock::now();
  loop->run_once(1000ms);
  CHECK(called == 1);
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 500us);
  CHECK(took < 500ms);
}

TEST_CASE("a timer may destroy the others of its moment") {
  auto loop = std::move(*EventLoop::make());
  std::vector<std::unique_ptr<Timer>> timers;
  int fired = 0;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(std::make_unique<Timer>(*loop, [&] {
      ++fired;
      std::unique_ptr<Timer> self;
      for (auto& timer : timers) {
        if (timer && !timer->armed()) self = std::move(timer);
      }
      timers.clear();
    }));
    timers.back()->arm(100ms);
  }
  for (int i = 0; i < 10 && fired == 0; ++i) loop->run_once(100ms);
  loop->run_once(300ms);
  CHECK(fired == 1);
}

TEST_CASE("what other threads post runs on the loop in order") {
  LoopThread thread;
  std::vector<int> seen;
  std::vector<std::thread> posters;
  for (int i = 0; i < 4; ++i) {
    posters.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) thread.loop().post([&seen, j] { seen.push_back(j); });
    });
  }
  for (std::thread& poster : posters) poster.join();
  thread.on_loop([&] { CHECK(seen.size() == 4000); });
}

Task<void> compute(Workers& workers, EventLoop& loop, int value, std::atomic<int>& sum, std::atomic<int>& done) {
  const int doubled = co_await on_worker(workers, loop, [value] { return value * 2; });
  sum += doubled;
  ++done;
}

TEST_CASE("work on workers comes back to its loop") {
  LoopThread thread;
  Workers workers(3);
  std::atomic<int> sum{0};
  std::atomic<int> done{0};
  thread.on_loop([&] {
    for (int i = 0; i < 100; ++i) spawn(compute(workers, thread.loop(), i, sum, done));
  });
  while (done < 100) std::this_thread::sleep_for(1ms);
  CHECK(sum == 9900);
}

}  // namespace
}  // namespace postern::net
