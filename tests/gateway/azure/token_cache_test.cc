#include "gateway/azure/token_cache.h"

#include <catch2/catch.hpp>
#include <deque>
#include <thread>

namespace postern::azure {
namespace {

using namespace std::chrono_literals;

// Hands out "t1", "t2", … with a given lifetime, or fails.
class Counting final : public Credential {
 public:
  Result<AcquiredToken> acquire(const std::string& audience) override {
    ++calls;
    if (slow) std::this_thread::sleep_for(30ms);
    if (broken) return fail(ErrorCode::unavailable, "no issuer today");
    return AcquiredToken{Secret("t" + std::to_string(calls) + "@" + audience), lifetime, refresh_after};
  }
  std::string describe() const override { return "counting"; }
  int calls = 0;
  bool broken = false;
  bool slow = false;
  std::chrono::seconds lifetime = 1h;
  std::chrono::seconds refresh_after = 0s;
};

struct Fixture {
  ManualClock clock{WallTime(1000s)};
  Counting* source = new Counting;
  TokenCache cache{std::unique_ptr<Credential>(source), clock};
  std::string get() {
    auto token = cache.token("a");
    return token ? std::string(token->reveal()) : "error: " + token.error().message;
  }
};

TEST_CASE("a token is kept until five minutes before its end") {
  Fixture f;
  CHECK(f.get() == "t1@a");
  f.clock.advance(54min);
  CHECK(f.get() == "t1@a");
  f.clock.advance(1min);
  CHECK(f.get() == "t2@a");
}

TEST_CASE("a long token is renewed at half of its life and serves on when that fails") {
  Fixture f;
  f.source->lifetime = 24h;
  CHECK(f.get() == "t1@a");
  f.clock.advance(12h);
  f.source->broken = true;
  CHECK(f.get() == "t1@a");
  CHECK(f.source->calls == 2);
  CHECK(f.get() == "t1@a");
  CHECK(f.source->calls == 2);
  f.clock.advance(12h);
  CHECK(f.get() == "error: no issuer today");
  f.source->broken = false;
  f.clock.advance(6s);
  CHECK(f.get() == "t4@a");
}

TEST_CASE("an issuer that says when to renew is listened to") {
  Fixture f;
  f.source->refresh_after = 10min;
  CHECK(f.get() == "t1@a");
  f.clock.advance(10min);
  CHECK(f.get() == "t2@a");
}

TEST_CASE("a failure is remembered for at least a second and at most five") {
  Fixture f;
  f.source->broken = true;
  CHECK(f.get() == "error: no issuer today");
  f.clock.advance(999ms);
  CHECK(f.get() == "error: no issuer today");
  CHECK(f.source->calls == 1);
  f.clock.advance(4100ms);
  f.source->broken = false;
  CHECK(f.get() == "t2@a");
}

TEST_CASE("a token that was refused is dropped once") {
  Fixture f;
  CHECK(f.get() == "t1@a");
  f.cache.drop("a");
  CHECK(f.get() == "t2@a");
}

TEST_CASE("audiences are kept apart") {
  Fixture f;
  CHECK(f.get() == "t1@a");
  CHECK(f.cache.token("b")->reveal() == "t2@b");
  CHECK(f.get() == "t1@a");
}

TEST_CASE("many callers make one request") {
  Fixture f;
  f.source->slow = true;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { (void)f.cache.token("a"); });
  threads.clear();
  CHECK(f.source->calls == 1);
}

}  // namespace
}  // namespace postern::azure
