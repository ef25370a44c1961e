#include "gateway/identity/key_set.h"

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <thread>

#include "gateway/identity/cache_headers.h"
#include "gateway/identity/issuer_url.h"
#include "tests/gateway/identity/test_key_openssl.h"

namespace postern::identity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kIssuer = "https://idp.example.com/tenant";
constexpr const char* kDiscovery = "https://idp.example.com/tenant/.well-known/openid-configuration";
constexpr const char* kKeys = "https://idp.example.com/tenant/keys";

// Elliptic keys are made in no time.
json::Value new_key(std::string_view kid) { return TestKey::ec("P-256").jwk(kid); }

std::string jwks(const std::vector<json::Value>& keys) {
  json::Value out;
  out.set("keys", json::Array(keys.begin(), keys.end()));
  return json::dump(out);
}

std::string discovery(std::string_view issuer = kIssuer, std::string_view uri = kKeys) {
  json::Value out;
  out.set("issuer", issuer);
  out.set("jwks_uri", uri);
  out.set("token_endpoint", "not-supported");
  return json::dump(out);
}

// An issuer on the other side of Fetch: answers by URL, writes down what it was asked.
struct FakeIssuer {
  std::map<std::string, Fetched> answers;
  std::vector<FetchRequest> asked;
  bool down = false;

  Fetch fetch() {
    return [this](const FetchRequest& request) -> Result<Fetched> {
      asked.push_back(request);
      if (down) return fail(ErrorCode::timeout, "no answer");
      const auto found = answers.find(request.url);
      if (found == answers.end()) return Fetched{.status = 404, .body = "", .cache_control = "", .retry_after = ""};
      return found->second;
    };
  }
  void answer(const std::string& url, std::string body, std::string cache_control = "") {
    answers[url] = {
        .status = 200, .body = std::move(body), .cache_control = std::move(cache_control), .retry_after = ""};
  }
  void fault(const std::string& url, int status, std::string retry_after = "") {
    answers[url] = {.status = status, .body = "", .cache_control = "", .retry_after = std::move(retry_after)};
  }
  int asked_for(const std::string& url) const {
    int times = 0;
    for (const FetchRequest& request : asked) times += request.url == url ? 1 : 0;
    return times;
  }
};

struct World {
  ManualClock clock{WallTime(hours(490000))};
  FakeIssuer issuer;
  KeySet keys;

  explicit World(
      KeySource source = {.issuer_name = "idp", .issuer = kIssuer, .jwks_url = "", .jwks_file = "", .ca_file = ""})
      : keys(std::move(source), clock, issuer.fetch()) {
    clock.advance(hours(1));  // a machine that has been up for a while
    issuer.answer(kDiscovery, discovery());
    issuer.answer(kKeys, jwks({new_key("one")}));
  }
  KeyState find(std::string_view kid) { return keys.find(kid, Algorithm::ES256).state; }
};

TEST_CASE("the first look-up needs a refresh and the second finds the key") {
  World world;
  CHECK(world.find("one") == KeyState::needs_refresh);
  CHECK(world.issuer.asked.empty());  // looking up asks nobody
  REQUIRE(world.keys.refresh());
  CHECK(world.find("one") == KeyState::found);
  CHECK(world.issuer.asked.size() == 2);
  CHECK(world.issuer.asked[0].url == kDiscovery);
  CHECK(world.issuer.asked[1].url == kKeys);
  CHECK(world.issuer.asked[1].configured_host);
}

TEST_CASE("an unknown kid in a set of this moment is unknown without another fetch") {
  World world;
  REQUIRE(world.keys.refresh());
  CHECK(world.find("other") == KeyState::unknown);
  CHECK(world.issuer.asked_for(kKeys) == 1);
}

TEST_CASE("an unknown kid refetches once the set is thirty seconds old and a rotated key is found") {
  World world;
  REQUIRE(world.keys.refresh());
  world.clock.advance(seconds(29));
  CHECK(world.find("two") == KeyState::unknown);  // and known to be so for a minute
  world.clock.advance(seconds(61));
  world.issuer.answer(kKeys, jwks({new_key("one"), new_key("two")}));
  CHECK(world.find("two") == KeyState::needs_refresh);
  CHECK(world.find("one") == KeyState::found);  // meanwhile the others go on
  REQUIRE(world.keys.refresh());
  CHECK(world.find("two") == KeyState::found);
}

TEST_CASE("a thousand unknown kids cause one fetch each half minute and no more") {
  World world;
  REQUIRE(world.keys.refresh());
  for (int second = 0; second < 300; ++second) {
    for (int i = 0; i < 20; ++i) {
      if (world.find("stranger-" + std::to_string(second * 20 + i)) == KeyState::needs_refresh) {
        (void)world.keys.refresh();
      }
    }
    world.clock.advance(seconds(1));
  }
  CHECK(world.issuer.asked_for(kKeys) == 10);
}

TEST_CASE("the memory of unknown kids is bounded") {
  World world;
  REQUIRE(world.keys.refresh());
  for (std::size_t i = 0; i < kMaxNegatives + 500; ++i) CHECK(world.find("k" + std::to_string(i)) == KeyState::unknown);
  world.clock.advance(seconds(31));
  CHECK(world.find("k5") == KeyState::unknown);                                             // remembered
  CHECK(world.find("k" + std::to_string(kMaxNegatives + 400)) == KeyState::needs_refresh);  // no room: asked again
}

TEST_CASE("a kid that was unknown is found as soon as a refresh brings it") {
  World world;
  REQUIRE(world.keys.refresh());
  CHECK(world.find("two") == KeyState::unknown);
  world.clock.advance(seconds(31));
  world.issuer.answer(kKeys, jwks({new_key("two")}));
  REQUIRE(world.keys.refresh());
  CHECK(world.find("two") == KeyState::found);
}

TEST_CASE("a key that the issuer took back is gone with the next fetch") {
  World world;
  REQUIRE(world.keys.refresh());
  const std::uint64_t serial = world.keys.serial();
  world.issuer.answer(kKeys, jwks({new_key("two")}));
  world.clock.advance(minutes(10));
  REQUIRE(world.keys.refresh());
  CHECK(world.find("one") == KeyState::unknown);
  CHECK(world.keys.serial() != serial);
}

TEST_CASE("the serial stays while the keys stay whatever their order") {
  World world;
  const json::Value a = new_key("a");
  const json::Value b = new_key("b");
  world.issuer.answer(kKeys, jwks({a, b}));
  REQUIRE(world.keys.refresh());
  const std::uint64_t serial = world.keys.serial();
  world.clock.advance(minutes(10));
  world.issuer.answer(kKeys, jwks({b, a}));
  REQUIRE(world.keys.refresh());
  CHECK(world.keys.serial() == serial);
}

TEST_CASE("a key replaced under the same kid changes the serial") {
  World world;
  REQUIRE(world.keys.refresh());
  const std::uint64_t serial = world.keys.serial();
  world.clock.advance(minutes(10));
  world.issuer.answer(kKeys, jwks({new_key("one")}));
  REQUIRE(world.keys.refresh());
  CHECK(world.keys.serial() != serial);
}

TEST_CASE("an outage leaves the keys in use until the hard stop and then closes the gate") {
  World world;
  REQUIRE(world.keys.refresh());
  world.issuer.down = true;
  for (int hour = 0; hour < 23; ++hour) {
    world.clock.advance(hours(1));
    CHECK(world.keys.due());
    CHECK_FALSE(world.keys.refresh());
    CHECK(world.find("one") == KeyState::found);
  }
  CHECK(world.keys.health().stale);
  CHECK(world.keys.health().stale_uses > 0);
  CHECK(world.keys.health().last_error.find("no answer") != std::string::npos);
  world.clock.advance(hours(1));
  CHECK(world.find("one") == KeyState::needs_refresh);
  CHECK_FALSE(world.keys.refresh());
  CHECK(world.find("one") == KeyState::unavailable);
  CHECK_FALSE(world.keys.health().usable);
  // and recovers without a restart
  world.issuer.down = false;
  world.clock.advance(minutes(6));
  REQUIRE(world.keys.refresh());
  CHECK(world.find("one") == KeyState::found);
}

TEST_CASE("an unknown kid during an outage is unavailable and not refused") {
  // 503 and not 401, because git erases a stored credential after a 401.
  World world;
  REQUIRE(world.keys.refresh());
  world.clock.advance(minutes(20));
  world.issuer.down = true;
  CHECK(world.find("two") == KeyState::needs_refresh);
  CHECK_FALSE(world.keys.refresh());
  CHECK(world.find("two") == KeyState::unavailable);
  CHECK(world.find("one") == KeyState::found);
}

TEST_CASE("an issuer that cannot be reached at the start is tried again with growing pauses") {
  World world;
  world.issuer.down = true;
  int tries = 0;
  for (int second = 0; second < 3600; ++second) {
    if (world.keys.due()) {
      ++tries;
      (void)world.keys.refresh();
    }
    world.clock.advance(seconds(1));
  }
  CHECK(tries > 10);
  CHECK(tries < 25);  // 1, 2, 4 … 256 s, then every five minutes
  CHECK(world.issuer.asked.size() == static_cast<std::size_t>(tries));
}

TEST_CASE("Retry-After is honoured up to a quarter of an hour") {
  World world;
  world.issuer.fault(kKeys, 503, "120");
  CHECK_FALSE(world.keys.refresh());
  world.clock.advance(seconds(119));
  CHECK_FALSE(world.keys.due());
  CHECK(world.find("one") == KeyState::unavailable);
  world.clock.advance(seconds(1));
  CHECK(world.keys.due());
  world.issuer.fault(kKeys, 429, "99999999");
  CHECK_FALSE(world.keys.refresh());
  world.clock.advance(kMaxRetryAfter);
  CHECK(world.keys.due());
}

TEST_CASE("a refresh that brings no usable set keeps the old one") {
  const std::string good = jwks({new_key("one")});
  json::Value weak = TestKey::rsa(1024).jwk("one");
  json::Value leaked = new_key("leaked");
  leaked.set("d", "AQAB");
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("{}"), std::string(R"({"keys":[]})"),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[],"keys":[]})"), std::string(R"(["keys"])"),
        std::string(R"({"keys":[null,7,"x"]})"), jwks({weak}), jwks({new_key("fine"), leaked}), good + "x",
        jwks(std::vector<json::Value>(101, weak))}) {
    INFO(body.substr(0, 80));
    World world;
    world.issuer.answer(kKeys, good);
    REQUIRE(world.keys.refresh());
    world.clock.advance(minutes(20));
    world.issuer.answer(kKeys, body);
    CHECK_FALSE(world.keys.refresh());
    CHECK(world.find("one") == KeyState::found);
    CHECK(world.find("fine") == KeyState::unavailable);
  }
}

TEST_CASE("a status other than 200 is a failed refresh also with a good body") {
  for (const int status : {201, 204, 301, 302, 304, 401, 404, 500, 503}) {
    World world;
    REQUIRE(world.keys.refresh());
    world.clock.advance(minutes(20));
    world.issuer.answer(kKeys, jwks({new_key("evil")}));
    world.issuer.answers[kKeys].status = status;
    CHECK_FALSE(world.keys.refresh());
    CHECK(world.find("one") == KeyState::found);
    CHECK(world.find("evil") == KeyState::unavailable);
  }
}

TEST_CASE("one bad key does not spoil the set") {
  const auto snapshot = KeySnapshot::from_jwks(
      jwks({TestKey::rsa(1024).jwk("weak"), object(R"({"kty":"oct","kid":"secret","k":"c2VjcmV0"})"),
            object(R"({"kty":"AKP","kid":"quantum","alg":"ML-DSA-44"})"), new_key("good"), json::Value(7)}),
      kIssuer);
  REQUIRE(snapshot);
  CHECK(snapshot->size() == 1);
  CHECK(snapshot->skipped().size() == 4);
  CHECK(snapshot->find("good", Algorithm::ES256) != nullptr);
  CHECK(snapshot->find("weak", Algorithm::RS256) == nullptr);
}

TEST_CASE("of keys with one kid none is used") {
  const auto snapshot = KeySnapshot::from_jwks(jwks({new_key("twin"), new_key("twin"), new_key("single")}), kIssuer);
  REQUIRE(snapshot);
  CHECK(snapshot->find("twin", Algorithm::ES256) == nullptr);
  CHECK(snapshot->find("single", Algorithm::ES256) != nullptr);
}

TEST_CASE("a set that publishes a private key is refused whole") {
  json::Value leaked = new_key("leaked");
  leaked.set("d", "AQAB");
  CHECK_FALSE(KeySnapshot::from_jwks(jwks({new_key("good"), leaked}), kIssuer));
}

TEST_CASE("without a kid only the one key that fits is taken") {
  const auto one = KeySnapshot::from_jwks(jwks({new_key("a"), TestKey::ed25519().jwk("b")}), kIssuer);
  REQUIRE(one);
  CHECK(one->find("", Algorithm::ES256)->key_id() == "a");
  CHECK(one->find("", Algorithm::EdDSA)->key_id() == "b");
  CHECK(one->find("", Algorithm::RS256) == nullptr);
  const auto two = KeySnapshot::from_jwks(jwks({new_key("a"), new_key("b")}), kIssuer);
  REQUIRE(two);
  CHECK(two->find("", Algorithm::ES256) == nullptr);
}

TEST_CASE("a key without a kid is never found by one") {
  const auto snapshot = KeySnapshot::from_jwks(jwks({new_key("")}), kIssuer);
  REQUIRE(snapshot);
  CHECK(snapshot->find("a", Algorithm::ES256) == nullptr);
  CHECK(snapshot->find("", Algorithm::ES256) != nullptr);
}

TEST_CASE("a key that Entra published for another tenant is not used") {
  json::Value all = new_key("all");
  all.set("issuer", "https://login.microsoftonline.com/{tenantid}/v2.0");
  json::Value consumers = new_key("consumers");
  consumers.set("issuer", "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
  json::Value strange = new_key("strange");
  strange.set("issuer", 7);
  const auto snapshot =
      KeySnapshot::from_jwks(jwks({all, consumers, strange}), "https://login.microsoftonline.com/1111/v2.0");
  REQUIRE(snapshot);
  CHECK(snapshot->find("all", Algorithm::ES256) != nullptr);
  CHECK(snapshot->find("consumers", Algorithm::ES256) == nullptr);
  CHECK(snapshot->find("strange", Algorithm::ES256) == nullptr);
}

TEST_CASE("discovery must name the configured issuer byte for byte") {
  for (const char* other : {"https://idp.example.com/tenant/", "https://IDP.example.com/tenant",
                            "https://idp.example.com", "https://idp.example.com/{tenantid}", ""}) {
    INFO(other);
    World world;
    world.issuer.answer(kDiscovery, discovery(other));
    const Status done = world.keys.refresh();
    REQUIRE_FALSE(done);
    CHECK(done.error().message.find("the same bytes") != std::string::npos);
    CHECK(world.issuer.asked_for(kKeys) == 0);
  }
}

TEST_CASE("a jwks_uri that leads elsewhere is followed only to a public host over TLS") {
  World world;
  world.issuer.answer(kDiscovery, discovery(kIssuer, "https://www.keys.example.net/certs"));
  world.issuer.answer("https://www.keys.example.net/certs", jwks({new_key("one")}));
  REQUIRE(world.keys.refresh());
  CHECK_FALSE(world.issuer.asked[1].configured_host);  // so the client refuses a private address
  for (const char* uri : {"http://idp.example.com/keys", "http://169.254.169.254/keys", "file:///etc/passwd",
                          "https://user:pass@idp.example.com/keys", "https://idp.example.com/keys#x", "/keys", "",
                          "https://", "ftp://idp.example.com/keys", "https://idp.example.com\\@evil/keys"}) {
    INFO(uri);
    World other;
    other.issuer.answer(kDiscovery, discovery(kIssuer, uri));
    CHECK_FALSE(other.keys.refresh());
    CHECK(other.issuer.asked.size() == 1);
  }
}

TEST_CASE("another port of the issuer counts as another host") {
  World world;
  world.issuer.answer(kDiscovery, discovery(kIssuer, "https://idp.example.com:8443/keys"));
  world.issuer.answer("https://idp.example.com:8443/keys", jwks({new_key("one")}));
  REQUIRE(world.keys.refresh());
  CHECK_FALSE(world.issuer.asked[1].configured_host);
}

TEST_CASE("a private authority is trusted for the issuer and not for the host it names") {
  World world({.issuer_name = "idp", .issuer = kIssuer, .jwks_url = "", .jwks_file = "", .ca_file = "/etc/ca.pem"});
  world.issuer.answer(kDiscovery, discovery(kIssuer, "https://keys.example.net/"));
  (void)world.keys.refresh();
  REQUIRE(world.issuer.asked.size() == 2);
  CHECK(world.issuer.asked[0].ca_file == "/etc/ca.pem");
  CHECK(world.issuer.asked[1].ca_file.empty());
}

TEST_CASE("the jwks_uri is asked for again once a day and after a failure") {
  World world;
  for (int hour = 0; hour < 24; ++hour) {
    REQUIRE(world.keys.refresh());
    world.clock.advance(hours(1));
  }
  CHECK(world.issuer.asked_for(kDiscovery) == 1);
  REQUIRE(world.keys.refresh());
  CHECK(world.issuer.asked_for(kDiscovery) == 2);
  world.issuer.answer(kDiscovery, discovery(kIssuer, "https://idp.example.com/moved"));
  world.issuer.answer("https://idp.example.com/moved", jwks({new_key("moved")}));
  world.issuer.fault(kKeys, 404);
  world.clock.advance(hours(1));
  CHECK_FALSE(world.keys.refresh());
  world.clock.advance(hours(1));
  REQUIRE(world.keys.refresh());
  CHECK(world.find("moved") == KeyState::found);
}

TEST_CASE("a configured jwks_url or jwks_file is read without discovery") {
  World by_url({.issuer_name = "idp", .issuer = "anything", .jwks_url = kKeys, .jwks_file = "", .ca_file = ""});
  REQUIRE(by_url.keys.refresh());
  CHECK(by_url.issuer.asked.size() == 1);
  CHECK(by_url.issuer.asked[0].configured_host);
  World by_file(
      {.issuer_name = "idp", .issuer = "anything", .jwks_url = "", .jwks_file = "/etc/keys.json", .ca_file = ""});
  by_file.issuer.answer("file:/etc/keys.json", jwks({new_key("one")}));
  REQUIRE(by_file.keys.refresh());
  CHECK(by_file.issuer.asked.size() == 1);
  CHECK(by_file.find("one") == KeyState::found);
}

TEST_CASE("freshness follows Cache-Control within its bounds and a renewal comes before its end") {
  struct Case {
    const char* cache_control;
    milliseconds earliest, latest;  // when the renewal is due
  };
  for (const Case& c :
       {Case{"", minutes(7), minutes(8)}, Case{"no-store", minutes(3), minutes(4)},
        Case{"max-age=1", minutes(3), minutes(4)}, Case{"max-age=1800", minutes(21), minutes(24)},
        Case{"public, MAX-AGE=86400", minutes(54), minutes(60)},
        Case{"max-age=99999999999999999999", minutes(54), minutes(60)}, Case{"max-age=-5", minutes(7), minutes(8)}}) {
    INFO(c.cache_control);
    World world;
    world.issuer.answer(kKeys, jwks({new_key("one")}), c.cache_control);
    REQUIRE(world.keys.refresh());
    world.clock.advance(c.earliest);
    CHECK_FALSE(world.keys.due());
    world.clock.advance(c.latest - c.earliest);
    CHECK(world.keys.due());
    CHECK_FALSE(world.keys.health().stale);
  }
}

TEST_CASE("a purge drops the keys at once") {
  World world;
  REQUIRE(world.keys.refresh());
  const std::uint64_t serial = world.keys.serial();
  world.keys.purge();
  CHECK(world.find("one") == KeyState::needs_refresh);
  CHECK(world.keys.serial() != serial);
  REQUIRE(world.keys.refresh());
  CHECK(world.find("one") == KeyState::found);
}

TEST_CASE("callers that come together share one fetch") {
  const ManualClock clock{WallTime(hours(490000))};
  std::atomic<int> fetches = 0;
  std::promise<void> begun;
  std::promise<void> go_on;
  const std::shared_future<void> gate = go_on.get_future().share();
  const std::string body = jwks({new_key("one")});
  KeySet keys({.issuer_name = "idp", .issuer = "x", .jwks_url = kKeys, .jwks_file = "", .ca_file = ""}, clock,
              [&](const FetchRequest&) -> Result<Fetched> {
                if (++fetches == 1) begun.set_value();
                gate.wait();
                return Fetched{.status = 200, .body = body, .cache_control = "", .retry_after = ""};
              });
  std::atomic<int> fine = 0;
  std::vector<std::thread> callers;
  callers.emplace_back([&] { fine += keys.refresh() ? 1 : 0; });
  begun.get_future().wait();
  for (int i = 0; i < 7; ++i) callers.emplace_back([&] { fine += keys.refresh() ? 1 : 0; });
  CHECK(keys.find("one", Algorithm::ES256).state == KeyState::needs_refresh);  // looking up goes on meanwhile
  CHECK_FALSE(keys.due());
  go_on.set_value();
  for (std::thread& caller : callers) caller.join();
  CHECK(fetches == 1);
  CHECK(fine == 8);
  CHECK(keys.find("one", Algorithm::ES256).state == KeyState::found);
}

TEST_CASE("a fetch that throws is a failure like any other") {
  const ManualClock clock{WallTime(hours(490000))};
  KeySet keys({.issuer_name = "idp", .issuer = "x", .jwks_url = kKeys, .jwks_file = "", .ca_file = ""}, clock,
              [](const FetchRequest&) -> Result<Fetched> { throw std::runtime_error("out of something"); });
  CHECK_FALSE(keys.refresh());
  CHECK(keys.health().last_error.find("out of something") != std::string::npos);
}

TEST_CASE("a reload keeps the keys of an issuer that stayed the same") {
  ManualClock clock{WallTime(hours(490000))};
  FakeIssuer issuer;
  issuer.answer(kKeys, jwks({new_key("one")}));
  KeyRefresher refresher(clock, issuer.fetch());
  const KeySource source{.issuer_name = "idp", .issuer = "x", .jwks_url = kKeys, .jwks_file = "", .ca_file = ""};
  std::shared_ptr<KeySet> before = refresher.key_set(source);
  CHECK(refresher.refresh_due() == 1);
  CHECK(refresher.refresh_due() == 0);
  CHECK(refresher.key_set(source) == before);
  KeySource other = source;
  other.issuer = "y";
  CHECK(refresher.key_set(other) != before);
  before.reset();
  CHECK(refresher.key_set(source)->find("one", Algorithm::ES256).state == KeyState::needs_refresh);  // nobody held it
}

TEST_CASE("the refreshing loop ends when it is asked to") {
  const SystemClock clock;
  FakeIssuer issuer;
  std::promise<void> fetched;
  const std::string body = jwks({new_key("one")});
  KeyRefresher refresher(clock, [&](const FetchRequest&) -> Result<Fetched> {
    fetched.set_value();
    return Fetched{.status = 200, .body = body, .cache_control = "", .retry_after = ""};
  });
  const auto keys =
      refresher.key_set({.issuer_name = "idp", .issuer = "x", .jwks_url = kKeys, .jwks_file = "", .ca_file = ""});
  std::jthread loop([&refresher](const std::stop_token& stop) { refresher.run(stop); });
  fetched.get_future().wait();
  loop.request_stop();
  loop.join();
  CHECK(keys->find("one", Algorithm::ES256).state == KeyState::found);
}

// Two readers of one URL: a client library may end the host at a backslash, take what stands before @ for a user, or
// drop a blank.
TEST_CASE("a URL that two readers could take for two hosts is none") {
  CHECK(parse_issuer_url("https://idp.example/keys")->authority == "idp.example");
  CHECK(parse_issuer_url("HTTPS://IDP.example:8443/keys")->authority == "idp.example:8443");
  for (const char* text : {"https://evil.example\\@idp.example/keys", "https://idp.example\\.evil.example/",
                           "https://idp.example@evil.example/", "https://a:b@idp.example/", "https://idp.example /keys",
                           "https://idp.example/\tkeys", "https://idp.example/\x7f", "https://idp\xc3\xa9.example/",
                           "https://", "https://:443/", "https:///keys", "idp.example/keys", "//idp.example/keys",
                           "ftp://idp.example/", "file:///etc/passwd", "https://idp.example/#keys"}) {
    INFO(text);
    CHECK_FALSE(parse_issuer_url(text));
  }
  CHECK_FALSE(parse_issuer_url("https://idp.example/" + std::string(2048, 'x')));
}

TEST_CASE("the discovery document is looked for where the standard says") {
  CHECK(discovery_url("https://a.example/t") == "https://a.example/t/.well-known/openid-configuration");
  CHECK(discovery_url("https://a.example/t/") == "https://a.example/t/.well-known/openid-configuration");
  CHECK(max_age_of("max-age=7, no-cache") == seconds(0));
  CHECK_FALSE(max_age_of("private"));
  CHECK_FALSE(retry_after_of("Wed, 21 Oct 2026 07:28:00 GMT"));
  CHECK(retry_after_of(" 7 ") == seconds(7));
}

}  // namespace
}  // namespace postern::identity
