#include "gateway/app/api.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "gateway/app/api_json.h"
#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::app;
using namespace postern::store::testing;
using store::Store;

namespace {

struct Fixture {
  Fixture() : store(*store::open_store("sqlite:" + directory.path() + "/a.db")), api({store.get(), &clock, {}}) {}

  ApiAnswer ask(ApiRequest request) {
    std::optional<ApiAnswer> answer;
    std::mutex mutex;
    std::condition_variable wake;
    api.handle(request, [&](ApiAnswer given) {
      const std::lock_guard lock(mutex);
      REQUIRE(!answer);
      answer = std::move(given);
      wake.notify_one();
    });
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return answer.has_value(); });
    return *answer;
  }
  ApiResponse get(const std::string& path, std::map<std::string, std::string> query = {}) {
    return std::get<ApiResponse>(ask(request("GET", path, std::move(query))));
  }
  ApiResponse post(const std::string& path, const std::string& body = "") {
    ApiRequest call = request("POST", path);
    call.body = body;
    return std::get<ApiResponse>(ask(call));
  }
  ApiRequest request(const std::string& method, const std::string& path,
                     std::map<std::string, std::string> query = {}) {
    ApiRequest out;
    out.method = method;
    out.path = path;
    out.query = std::move(query);
    out.who.name = "deployer";
    out.who.issuer = "unix";
    out.may = [this](std::string_view role) { return roles.empty() || roles == role; };
    out.from = "unix";
    out.request_id = "req-1";
    return out;
  }

  TemporaryDirectory directory;
  std::unique_ptr<Store> store;
  ManualClock clock{*parse_rfc3339("2026-11-22T15:00:00Z")};
  Api api;
  std::string roles;  // empty: all
};

json::Value body_of(const ApiResponse& response) {
  auto value = json::parse(response.body, {.bytes = 16 << 20});
  REQUIRE(value);
  return *value;
}

}  // namespace

TEST_CASE("accepted pushes are given with all that a deployer judges by") {
  Fixture fixture;
  auto begun = intent("p1", {update('0', '1')}, "agent-7");
  begun.entry.who.kind = "agent";
  begun.sponsor = "alice";
  REQUIRE(fixture.store->begin_push_and_wait(begun));
  REQUIRE(fixture.store->settle_push_and_wait(outcome("p1", {update('0', '1')}, {id('1')})));
  const ApiResponse response = fixture.get("/pushes", {{"repo", "A/b.git"}, {"ref", kMain}});
  CHECK(response.status == 200);
  CHECK(response.body ==
        R"({"pushes":[{"seq":1,"id":"p1","repository":"a/b","ref":"refs/heads/main",)"
        R"("old":"0000000000000000000000000000000000000000","new":"1111111111111111111111111111111111111111",)"
        R"("forced":false,"direct":false,"link":true,"who":{"name":"agent-7","kind":"agent","issuer":"entra",)"
        R"("subject":"sub","client":"cli","sponsor":"alice"},"rule":"grant-1","at":"2026-11-22T14:03:07.123Z",)"
        R"("truncated":false,"commits":["1111111111111111111111111111111111111111"]}],"next":1,"more":false})"
        "\n");
  const auto push = parse_push((*body_of(response).find("pushes")->as_array())[0]);
  REQUIRE(push);
  CHECK(push->command == update('0', '1'));
  CHECK(push->sponsor == "alice");
}

TEST_CASE("a long poll waits from the newest push on and ends empty when it must") {
  Fixture fixture;
  accept(*fixture.store, "p0", {update('0', '1', "refs/heads/other")});
  const std::map<std::string, std::string> query = {{"ref", kMain}, {"after", "0"}, {"wait", "30"}};
  const auto wait = std::get<ApiWait>(fixture.ask(fixture.request("GET", "/pushes", query)));
  CHECK(wait.after == 1);  // the push to another ref must not wake it again
  CHECK(wait.at_most == std::chrono::seconds(30));
  ApiRequest last = fixture.request("GET", "/pushes", query);
  last.last = true;
  CHECK(std::get<ApiResponse>(fixture.ask(last)).body == "{\"pushes\":[],\"next\":1,\"more\":false}\n");
  accept(*fixture.store, "p1", {update('0', '1')});
  CHECK(fixture.store->last_push_seq() > wait.after);
  CHECK(body_of(fixture.get("/pushes", query)).find("pushes")->as_array()->size() == 1);
}

TEST_CASE("each commit is answered with its introducer or null") {
  Fixture fixture;
  accept(*fixture.store, "p1", {update('0', '1')}, {id('1')}, "bob");
  const ApiResponse response = fixture.get("/introducers", {{"repo", "a/b"}, {"commits", id('2') + "," + id('1')}});
  REQUIRE(response.status == 200);
  const json::Value body = body_of(response);
  const json::Array& list = *body.find("introducers")->as_array();
  REQUIRE(list.size() == 2);
  CHECK(list[0].find("push")->is_null());
  CHECK(*list[1].find("push")->find("who")->find_string("name") == "bob");
}

TEST_CASE("the log is given as the bytes that were hashed and in pages") {
  Fixture fixture;
  for (int i = 0; i < 5; ++i) REQUIRE(fixture.store->append_and_wait(entry(audit::EntryKind::fetch)));
  const ApiResponse response = fixture.get("/audit", {{"limit", "2"}});
  const std::string bytes = fixture.store->list_audit({})->front().record.bytes;
  CHECK(response.body.find(",\"entry\":" + bytes + "}") != std::string::npos);
  const json::Value page = body_of(response);
  CHECK(page.find("records")->as_array()->size() == 2);
  CHECK(*page.find_int("next") == 2);
  CHECK(*page.find("more")->as_bool());
  const json::Value rest = body_of(fixture.get("/audit", {{"after", "2"}}));
  CHECK(rest.find("records")->as_array()->size() == 3);
  CHECK(!*rest.find("more")->as_bool());
  const json::Value newest = body_of(fixture.get("/audit", {{"order", "desc"}, {"limit", "1"}, {"kind", "fetch,lfs"}}));
  CHECK(*(*newest.find("records")->as_array())[0].find_int("id") == 5);
}

TEST_CASE("a page of large records ends early and goes on") {
  Fixture fixture;
  auto large = entry(audit::EntryKind::fetch);
  large.detail = json::Object{{"x", std::string(400000, 'x')}};
  for (int i = 0; i < 5; ++i) REQUIRE(fixture.store->append_and_wait(large));
  std::size_t seen = 0;
  std::string after = "0";
  for (int pages = 0; pages < 5; ++pages) {
    const json::Value page = body_of(fixture.get("/audit", {{"after", after}}));
    seen += page.find("records")->as_array()->size();
    after = std::to_string(*page.find_int("next"));
    if (!*page.find("more")->as_bool()) break;
  }
  CHECK(seen == 5);
}

TEST_CASE("a deployment is acknowledged once as made and then as known") {
  Fixture fixture;
  const std::string body = R"({"id":"d1","environment":"prod","repository":"A/B","ref":"refs/heads/main","commit":")" +
                           id('1') + R"(","state":"healthy","detail":{"plan":"x"}})";
  const ApiResponse first = fixture.post("/deployments", body);
  CHECK(first.status == 201);
  CHECK(first.body == "{\"record\":1,\"first\":true}\n");
  CHECK(fixture.post("/deployments", body).status == 200);
  std::string other = body;
  other.replace(other.find("healthy"), 7, "failed");
  CHECK(fixture.post("/deployments", other).status == 409);
  const auto records = *fixture.store->list_audit({});
  REQUIRE(records.size() == 1);
  const auto recorded = audit::parse_entry(records[0].record.bytes);
  REQUIRE(recorded);
  CHECK(recorded->kind == audit::EntryKind::deploy_outcome);
  CHECK(recorded->who.name == "deployer");
  CHECK(recorded->repository == "a/b");
  CHECK(recorded->request_id == "req-1");
  CHECK(to_rfc3339(recorded->at) == "2026-11-22T15:00:00.000Z");
}

TEST_CASE("a deployment that is not quite one is refused with the member named") {
  Fixture fixture;
  const json::Value good = json::Object{{"id", "d1"},      {"environment", "prod"}, {"repository", "a/b"},
                                        {"ref", kMain},    {"commit", id('1')},     {"previous", ""},
                                        {"state", "held"}, {"reason", "gap"},       {"detail", json::Object{}}};
  const std::vector<std::pair<std::string, json::Value>> changes = {
      {"id", ""},        {"id", "a b"},       {"id", std::string(129, 'x')},
      {"id", 1},         {"environment", ""}, {"repository", "ab"},
      {"ref", "main"},   {"commit", "xyz"},   {"previous", "1"},
      {"state", "fine"}, {"state", ""},       {"detail", "x"},
      {"colour", "blue"}};
  for (const auto& [name, value] : changes) {
    json::Value bad = good;
    bad.set(name, value);
    const ApiResponse response = fixture.post("/deployments", json::dump(bad));
    INFO(name << ": " << response.body);
    CHECK(response.status == 400);
    CHECK(body_of(response).find_string("detail")->find("'" + name) != std::string::npos);
  }
  CHECK(fixture.post("/deployments", "").status == 400);
  CHECK(fixture.post("/deployments", "[]").status == 400);
  CHECK(fixture.store->list_audit({})->empty());
  CHECK(fixture.post("/deployments", json::dump(good)).status == 201);
}

TEST_CASE("every endpoint needs its own role") {
  Fixture fixture;
  const std::vector<std::tuple<std::string, std::string, std::string>> endpoints = {
      {"GET", "/pushes", "pushes:read"},
      {"GET", "/introducers", "pushes:read"},
      {"GET", "/audit", "audit:read"},
      {"POST", "/deployments", "deploy:report"},
      {"POST", "/reload", "admin"}};
  for (const auto& [method, path, needed] : endpoints) {
    for (const char* role : {"none", "pushes:read", "audit:read", "deploy:report", "admin"}) {
      fixture.roles = role;
      const auto response = std::get<ApiResponse>(fixture.ask(fixture.request(method, path)));
      INFO(path << " with " << role);
      CHECK((response.status == 403) == (needed != role));
    }
  }
  ApiRequest without = fixture.request("GET", "/audit");
  without.may = nullptr;
  CHECK(std::get<ApiResponse>(fixture.ask(without)).status == 403);
}

TEST_CASE("a refusal is a problem document") {
  Fixture fixture;
  const ApiResponse response = fixture.get("/nothing");
  CHECK(response.status == 404);
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.body == R"({"type":"urn:postern:problem:not_found","title":"Not Found","status":404,)"
                         R"("detail":"there is no such endpoint","request_id":"req-1"})"
                         "\n");
  const ApiResponse method = fixture.post("/audit");
  CHECK(method.status == 405);
  CHECK(method.headers == std::vector<std::pair<std::string, std::string>>{{"Allow", "GET"}});
}

TEST_CASE("query parameters that are none are refused with the name") {
  Fixture fixture;
  const std::vector<std::tuple<std::string, std::string, std::string>> bad = {
      {"/pushes", "after", "-1"},      {"/pushes", "after", "x"},  {"/pushes", "limit", "0"},
      {"/pushes", "limit", "1001"},    {"/pushes", "wait", "31"},  {"/pushes", "repo", "a/b/c"},
      {"/pushes", "colour", "blue"},   {"/pushes", "ref", ""},     {"/audit", "kind", "fetch,x"},
      {"/audit", "order", "up"},       {"/audit", "since", "now"}, {"/audit", "after", "99999999999999999999"},
      {"/introducers", "commits", "x"}};
  for (const auto& [path, name, value] : bad) {
    const ApiResponse response = fixture.get(path, {{name, value}, {"repo", name == "repo" ? value : "a/b"}});
    INFO(path << " " << name << "=" << value);
    CHECK(response.status == 400);
    CHECK(response.body.find("'" + name + "'") != std::string::npos);
  }
  CHECK(fixture.get("/introducers").status == 400);
  std::string many = id('1');
  for (int i = 0; i < 200; ++i) many += "," + id('1');
  CHECK(fixture.get("/introducers", {{"repo", "a/b"}, {"commits", many}}).status == 400);
}

TEST_CASE("a store that cannot write is 503 and says to come again") {
  Fixture fixture;
  fixture.store->close();
  const json::Value good = json::Object{{"id", "d1"},   {"environment", "prod"}, {"repository", "a/b"},
                                        {"ref", kMain}, {"commit", id('1')},     {"state", "held"}};
  const ApiResponse response = fixture.post("/deployments", json::dump(good));
  CHECK(response.status == 503);
  CHECK(response.headers.front().first == "Retry-After");
}

TEST_CASE("reload shows what came into force or why nothing did") {
  Fixture fixture;
  CHECK(fixture.post("/reload").status == 404);
  Result<json::Value> outcome_of_reload = json::Value(json::Object{{"rules", "abc"}});
  fixture.api = Api({fixture.store.get(), &fixture.clock, [&](const ApiRequest&) { return outcome_of_reload; }});
  CHECK(fixture.post("/reload").body == "{\"rules\":\"abc\"}\n");
  outcome_of_reload = fail(ErrorCode::bad_usage, "a.toml:3: unknown key");
  const ApiResponse refused = fixture.post("/reload");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("a.toml:3: unknown key") != std::string::npos);
  CHECK(refused.body.find("stay in force") != std::string::npos);
}
