#include <catch2/catch.hpp>

#include "hooks/deploy/push_records.h"
#include "tests/hooks/deploy/fakes.h"
#include "tests/support/fake_http_client.h"

namespace postern::deploy {
namespace {

using test::id_of;

std::string push(std::string extra = R"("link":true,"truncated":false,)") {
  return R"({"seq":7,"id":"p","repository":"platform/policies","ref":"refs/heads/main","old":")" + id_of("a") +
         R"(","new":")" + id_of("b") + R"(",)" + extra + R"("who":{"name":"alice","kind":"human"}})";
}

TEST_CASE("accepted moves are read as the gateway writes them") {
  auto page = parse_moves(R"({"pushes":[)" + push() + R"(],"next":7,"more":false})");
  REQUIRE(page);
  REQUIRE(page->moves.size() == 1);
  CHECK(page->moves[0].old_id == id_of("a"));
  CHECK(page->moves[0].new_id == id_of("b"));
  CHECK(page->moves[0].link);
  CHECK_FALSE(page->moves[0].truncated);
  CHECK(page->moves[0].author.kind == "human");
  CHECK(page->next == 7);
}

TEST_CASE("what the gateway leaves out is read in the strict way") {
  auto page = parse_moves(R"({"pushes":[)" + push("") + R"(],"next":7})");
  REQUIRE(page);
  CHECK_FALSE(page->moves[0].link);
  CHECK(page->moves[0].truncated);
}

TEST_CASE("an answer of another shape is an error and never an empty list") {
  for (const char* body : {"", "{}", "[]", R"({"pushes":{}})", R"({"pushes":[],"more":false})",
                           R"({"pushes":[{}],"next":1})", R"({"pushes":[{"old":"x","new":"y"}],"next":1})"}) {
    INFO(body);
    CHECK_FALSE(parse_moves(body));
  }
  for (const char* body : {"", "{}", R"({"introducers":7})", R"({"introducers":[{}]})"}) {
    INFO(body);
    CHECK_FALSE(parse_introducers(body));
  }
}

TEST_CASE("a commit that nobody brought in is absent") {
  auto found =
      parse_introducers(R"({"introducers":[{"commit":"c1","push":null},{"commit":"c2","push":)" + push() + "}]}");
  REQUIRE(found);
  CHECK(found->size() == 1);
  CHECK(found->at("c2").name == "alice");
}

TEST_CASE("the gateway is asked over its socket and commits in portions") {
  postern::test::FakeHttpClient http;
  http.then(200, R"({"introducers":[]})");
  auto records = gateway_records(http, "unix:/run/postern/gateway.sock");
  REQUIRE(records->introducers("platform/policies", std::vector<std::string>(250, id_of("c"))));
  REQUIRE(http.seen.size() == 3);
  CHECK(http.seen[0].url.starts_with(
      "unix:/run/postern/gateway.sock:/-/api/v1/introducers?repo=platform%2Fpolicies&commits="));
}

TEST_CASE("a missing role is named") {
  postern::test::FakeHttpClient http;
  http.then(403, R"({"detail":"role pushes:read is missing"})");
  auto moves = gateway_records(http, "unix:/s")->moves("a/b", "refs/heads/main", 0, std::chrono::seconds(0));
  REQUIRE_FALSE(moves);
  CHECK(moves.error().code == ErrorCode::denied);
  CHECK(moves.error().message.find("pushes:read") != std::string::npos);
}

TEST_CASE("an outcome is handed in until it is taken") {
  postern::test::FakeHttpClient http;
  http.then(503, "");
  http.then(201, "{}");
  auto records = gateway_records(http, "http://127.0.0.1:1/");
  CHECK_FALSE(records->report("{}"));
  CHECK(records->report("{}"));
  CHECK(http.seen[1].url == "http://127.0.0.1:1/-/api/v1/deployments");
  CHECK(http.seen[1].method == "POST");
}

}  // namespace
}  // namespace postern::deploy
