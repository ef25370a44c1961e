#include "gateway/app/audit_command.h"

#include <catch2/catch.hpp>

#include "gateway/app/api.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/store/checkpointer.h"
#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::app;
using namespace postern::store::testing;

namespace {

// The API behind the client's interface, without a socket between.
class LoopClient final : public net::HttpClient {
 public:
  explicit LoopClient(store::Store& store) : api_({&store, &clock_, {}}) {}
  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    urls.push_back(request.url);
    const std::string prefix = "unix:/run/x.sock:/-/api/v1";
    REQUIRE(request.url.starts_with(prefix));
    ApiRequest call;
    call.method = request.method;
    std::string_view target = std::string_view(request.url).substr(prefix.size());
    call.path = target.substr(0, target.find('?'));
    target.remove_prefix(target.find('?') + 1);
    while (!target.empty()) {
      const std::string_view pair = target.substr(0, target.find('&'));
      target.remove_prefix(std::min(target.size(), pair.size() + 1));
      call.query[std::string(pair.substr(0, pair.find('=')))] = *percent_decode(pair.substr(pair.find('=') + 1));
    }
    call.may = [this](std::string_view) { return allowed; };
    net::HttpResponse response;
    api_.handle(call, [&](ApiAnswer answer) {
      response.status = std::get<ApiResponse>(answer).status;
      response.body = std::get<ApiResponse>(answer).body;
    });
    return response;
  }
  bool allowed = true;
  std::vector<std::string> urls;

 private:
  SystemClock clock_;
  Api api_;
};

struct Fixture {
  std::unique_ptr<store::Store> open() { return *store::open_store(url); }
  TemporaryDirectory directory;
  std::string url = "sqlite:" + directory.path() + "/a.db";
  std::string witness = directory.path() + "/witness";
};

}  // namespace

TEST_CASE("the list tells who did what from where under which rule and what came of it") {
  Fixture fixture;
  {
    const auto store = fixture.open();
    REQUIRE(store->begin_push_and_wait(intent("p1", {update('1', '2')})));
    store::PushOutcome done = outcome("p1", {update('1', '2')}, {id('2')});
    done.refs[0].outcome = store::Outcome::refused;
    done.refs[0].reason = "path apis/x is outside\nthe grant";
    done.entry.detail = json::Object{{"hook", json::Object{{"findings", "1 error"}, {"text", json::Array{}}}},
                                     {"upstream", json::Object{{"status", 200}}}};
    REQUIRE(store->settle_push_and_wait(done));
  }
  const CommandOutput output = audit_list_output(records_of_store(fixture.url, {}), false);
  CHECK(output.exit_code == 0);
  const std::string head =
      "  who         alice (human, issuer entra, subject sub, client cli)\n"
      "  from        192.0.2.7\n"
      "  repository  a/b\n"
      "  rule        grant-1\n"
      "  push        p1\n";
  CHECK(output.out ==
        "2026-11-22T14:03:07.123Z push.intent #1 request r1\n" + head +
            "  ref         refs/heads/main 111111111111 -> 222222222222\n"
            "2026-11-22T14:03:07.123Z push.outcome #2 request r1\n" +
            head +
            "  ref         refs/heads/main 111111111111 -> 222222222222 refused, rule grant-1: path apis/x is "
            "outside\\x0athe grant\n"
            "  commits     count=1 digest=" +
            hex_encode(as_view(sha256(id('2') + "\n"))) +
            " truncated=false\n"
            "  hook        findings=1 error\n"
            "  upstream    status=200\n");
}

TEST_CASE("what an attacker named cannot move the terminal") {
  Fixture fixture;
  {
    const auto store = fixture.open();
    auto odd = entry(audit::EntryKind::fetch, "al\x1b[2Jice");
    odd.detail = json::Object{{"agent\n", "x\r\nwho root"}};
    REQUIRE(store->append_and_wait(odd));
  }
  const CommandOutput output = audit_list_output(records_of_store(fixture.url, {}), false);
  CHECK(output.out.find('\x1b') == std::string::npos);
  CHECK(output.out.find('\r') == std::string::npos);
  CHECK(output.out.find("\nwho root") == std::string::npos);
}

TEST_CASE("gateway and store give the same records over many pages") {
  Fixture fixture;
  const auto store = fixture.open();
  for (int i = 0; i < 1203; ++i) REQUIRE(store->append_soon(entry(audit::EntryKind::advertise)));
  REQUIRE(store->append_and_wait(entry(audit::EntryKind::fetch, "bob & co")));
  LoopClient client(*store);
  store::AuditQuery query;
  query.limit = 1100;
  query.newest_first = true;
  const auto from_gateway = records_of_gateway("unix:/run/x.sock", Secret(), query, client);
  const auto from_store = records_of_store(fixture.url, query);
  REQUIRE(from_gateway);
  REQUIRE(from_store);
  CHECK(from_gateway->size() == 1100);
  CHECK(client.urls.size() == 3);
  CHECK(records_json(*from_gateway) == records_json(*from_store));
  CHECK(from_gateway->front().id < from_gateway->back().id);
  query.who = "bob & co";
  CHECK(records_of_gateway("unix:/run/x.sock", Secret(), query, client)->size() == 1);
  client.allowed = false;
  const CommandOutput refused =
      audit_list_output(records_of_gateway("unix:/run/x.sock", Secret(), query, client), false);
  CHECK(refused.exit_code == 1);
  CHECK(refused.error.find("403") != std::string::npos);
}

TEST_CASE("verify exits 0 for a log that holds and 1 for one that does not and 3 for one that cannot be read") {
  Fixture fixture;
  const auto key = *identity::SigningKey::generate_ed25519();
  {
    const auto store = fixture.open();
    REQUIRE(store->append_and_wait(entry(audit::EntryKind::fetch)));
    REQUIRE(store->append_and_wait(entry(audit::EntryKind::fetch)));
    SystemClock clock;
    std::vector<std::unique_ptr<store::Witness>> witnesses;
    witnesses.push_back(*store::open_witness("file:" + fixture.witness));
    store::Checkpointer(*store, clock, key, std::move(witnesses)).stop();
  }
  AuditVerifyOptions options;
  options.store_url = fixture.url;
  options.witness_files = {fixture.witness};
  CHECK(audit_verify_output(options).exit_code == 2);
  options.keys = {key.public_key()};
  CommandOutput output = audit_verify_output(options);
  CHECK(output.exit_code == 0);
  CHECK(output.out == "the log holds: 2 records, 1 chains, 1 checkpoints, 0 faults\n");
  options.json = true;
  CHECK(*json::parse(audit_verify_output(options).out)->find("holds")->as_bool());
  options.json = false;
  options.keys = {identity::SigningKey::generate_ed25519()->public_key()};
  output = audit_verify_output(options);
  CHECK(output.exit_code == 1);
  CHECK(output.out.find("checkpoint-invalid: ") == 0);
  options.witness_files = {fixture.witness + "-missing"};
  CHECK(audit_verify_output(options).exit_code == 3);
  options.witness_files.clear();
  options.store_url += "-missing";
  CHECK(audit_verify_output(options).exit_code == 3);
  options.store_url = "mysql:x";
  CHECK(audit_verify_output(options).exit_code == 2);
}

TEST_CASE("the key to verify with may be PEM or JWK or a set") {
  const auto key = *identity::SigningKey::generate_ed25519();
  const std::string thumbprint = key.public_key().thumbprint();
  const std::string jwk = json::dump(key.public_key().to_jwk());
  const std::string x = *base64url_decode(*key.public_key().to_jwk().find_string("x"));
  const std::string spki = std::string("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12) + x;
  const std::vector<std::string> texts = {
      std::string(key.to_pem().reveal()), jwk, "{\"keys\":[" + jwk + "]}",
      "-----BEGIN PUBLIC KEY-----\n" + base64_encode(spki) + "\n-----END PUBLIC KEY-----\n"};
  for (const std::string& text : texts) {
    const auto keys = read_verify_keys(text);
    REQUIRE(keys);
    REQUIRE(keys->size() == 1);
    CHECK(keys->front().thumbprint() == thumbprint);
  }
  for (const std::string& text : {std::string(), std::string("x"), std::string("{}"), std::string("{\"keys\":[]}"),
                                  std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}) {
    CHECK(!read_verify_keys(text));
  }
}

TEST_CASE("db check counts and finds nothing in an honest store") {
  Fixture fixture;
  {
    accept(*fixture.open(), "p1", {update('0', '1')}, {id('1')});
  }
  const CommandOutput output = db_check_output(fixture.url);
  CHECK(output.exit_code == 0);
  CHECK(output.out == "1 chains, 2 records, 0 faults\n");
  CHECK(db_check_output(fixture.url + "x").exit_code == 3);
}
