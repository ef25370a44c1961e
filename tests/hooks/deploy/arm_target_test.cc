// What goes out to Azure Resource Manager, and what its answers make the deployer do. The server follows a script.
#include "hooks/deploy/arm_target.h"

#include <catch2/catch.hpp>

#include "gateway/base/json.h"
#include "tests/support/fake_http_client.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

constexpr const char* kText = "<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n";
constexpr const char* kOther = "<policies>\n  <inbound>\n    <cors />\n  </inbound>\n</policies>\n";
const std::string kService = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso";
const std::string kUrl =
    "https://management.azure.com" + kService + "/apis/orders/policies/policy?api-version=2024-05-01";

// A new token each time it is asked.
class CountingCredential final : public azure::Credential {
 public:
  explicit CountingCredential(int& asked) : asked_(asked) {}
  Result<azure::AcquiredToken> acquire(const std::string&) override {
    return azure::AcquiredToken{Secret("token-" + std::to_string(++asked_)), 3600s, 0s};
  }
  std::string describe() const override { return "counting"; }

 private:
  int& asked_;
};

std::string policy_json(std::string_view text) {
  return json::dump(json::Object{{"properties", json::Object{{"format", "rawxml"}, {"value", text}}}});
}
std::string error_json(std::string_view code, std::string_view message) {
  return json::dump(json::Object{{"error", json::Object{{"code", code}, {"message", message}}}});
}

struct Arm {
  test::FakeHttpClient http;
  ManualClock clock{*parse_rfc3339("2026-11-22T18:00:00Z")};
  int tokens_asked = 0;
  azure::TokenCache tokens{std::make_unique<CountingCredential>(tokens_asked), clock};
  std::chrono::milliseconds waited{0};
  std::unique_ptr<DeploymentTarget> target;
  Resource policy{"/apis/orders/policies/policy", policy::Scope::api, "apis/orders/policy.xml", ""};
  Resource fragment{"/policyFragments/auth", policy::Scope::fragment, "policy fragments/auth/policy.xml", ""};
  Arm() {
    ArmSettings settings;
    settings.service = kService;
    target = arm_target(
        http, tokens, clock,
        [this](std::chrono::milliseconds pause) {
          waited += pause;
          clock.advance(pause);
          return true;
        },
        settings);
  }
  // Every request with a token went to the service's own host.
  bool token_stayed_home() const {
    for (const auto& seen : http.seen) {
      if (!seen.bearer.empty() && !seen.url.starts_with("https://management.azure.com/")) return false;
    }
    return true;
  }
};

}  // namespace

TEST_CASE("a policy is read in raw form with a token and may be absent") {
  Arm arm;
  arm.http.then(200, policy_json(kText), {{"etag", "\"e1\""}});
  const auto stored = arm.target->read(arm.policy);
  REQUIRE(stored);
  REQUIRE(*stored);
  CHECK((*stored)->text == kText);
  CHECK((*stored)->etag == "\"e1\"");
  CHECK(arm.http.seen[0].method == "GET");
  CHECK(arm.http.seen[0].url == kUrl + "&format=rawxml");
  CHECK(arm.http.seen[0].bearer == "token-1");

  Arm empty;
  empty.http.then(404, error_json("ResourceNotFound", "Policy not found."));
  const auto absent = empty.target->read(empty.policy);
  REQUIRE(absent);
  CHECK_FALSE(*absent);
}

TEST_CASE("an unknown service or a page of a front end is not the absence of a policy") {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {404, error_json(
                     "ResourceNotFound",
                     "The Resource 'Microsoft.ApiManagement/service/contoso' under resource group 'g' was not found.")},
           {404, error_json("ResourceGroupNotFound", "Resource group 'g' could not be found.")},
           {404, error_json("SubscriptionNotFound", "The subscription could not be found.")},
           {404, "<html>not here</html>"},
           {404, ""},
           {302, ""},
           {200, "<!DOCTYPE html><html>sign in</html>"},
           {200, "{}"}}) {
    INFO(status << " " << body);
    Arm arm;
    arm.http.then(status, body, {{"location", "https://login.example/"}});
    const auto read = arm.target->read(arm.policy);
    CHECK_FALSE(read);
    CHECK(arm.http.seen.size() == 1);  // a redirect is an answer, never followed
  }
}

TEST_CASE("a write replaces what was read and asks the service what it holds now") {
  Arm arm;
  arm.http.then(200, policy_json(kText));
  arm.http.then(200, policy_json("<policies>\r\n\t<inbound>\r\n\t\t<base/>\r\n\t</inbound>\r\n</policies>"));
  REQUIRE(arm.target->put(arm.policy, kText, StoredPolicy{kOther, "\"e7\"", ""}));
  REQUIRE(arm.http.seen.size() == 2);
  CHECK(arm.http.seen[0].method == "PUT");
  CHECK(arm.http.seen[0].url == kUrl);
  CHECK(arm.http.seen[0].header("If-Match") == "\"e7\"");
  const auto body = json::parse(arm.http.seen[0].body);
  REQUIRE(body);
  CHECK(*body->find("properties")->find_string("format") == "rawxml");
  CHECK(*body->find("properties")->find_string("value") == kText);
  CHECK(arm.http.seen[1].method == "GET");
}

TEST_CASE("a stray byte goes as U+FFFD and is no difference afterwards") {
  Arm arm;
  const std::string latin = "<policies><!-- a --><inbound><set-method>caf\xe9</set-method></inbound></policies>";
  const std::string taken = "<policies><inbound><set-method>caf\xef\xbf\xbd</set-method></inbound></policies>";
  arm.http.then(200, policy_json(latin));
  arm.http.then(200, policy_json(taken));
  REQUIRE(arm.target->put(arm.policy, latin, std::nullopt));
  CHECK(*json::parse(arm.http.seen[0].body)->find("properties")->find_string("value") ==
        "<policies><!-- a --><inbound><set-method>caf\xef\xbf\xbd</set-method></inbound></policies>");
  CHECK(arm.target->holds(arm.policy, StoredPolicy{taken, "", ""}, latin));
}

TEST_CASE("a service that changed meanwhile is planned for again") {
  Arm arm;
  arm.http.then(412, error_json("PreconditionFailed", "Resource was modified since last retrieval."));
  const auto written = arm.target->put(arm.policy, kText, StoredPolicy{kOther, "\"e7\"", ""});
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ArmFailure::Kind::replan);
}

TEST_CASE("a write that the service took and gives back otherwise is refused") {
  Arm arm;
  arm.http.then(200, policy_json(kText));
  arm.http.then(200, policy_json(kOther));
  const auto written = arm.target->put(arm.policy, kText, std::nullopt);
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ArmFailure::Kind::refused);
  CHECK(written.error().code == "NotWhatWasSent");
}

TEST_CASE("an answer that is none says nothing about the write") {
  Arm arm;
  arm.http.then(200, "<html>a proxy's page</html>", {{"content-type", "text/html"}});
  const auto written = arm.target->put(arm.policy, kText, std::nullopt);
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ArmFailure::Kind::wait);
  CHECK(arm.http.seen.size() == 1);
}

TEST_CASE("the description of a fragment survives a write") {
  Arm arm;
  arm.http.then(200, policy_json("<fragment><base /></fragment>"));
  REQUIRE(arm.target->put(arm.fragment, "<fragment><base /></fragment>", StoredPolicy{"x", "\"e\"", "who may call"}));
  CHECK(arm.http.seen[0].body.find("\"description\":\"who may call\"") != std::string::npos);
}

TEST_CASE("a poll URL on another host is never asked and no token goes there") {
  for (const char* foreign : {"https://evil.example/operations/1", "http://management.azure.com/operations/1",
                              "https://management.azure.com.evil.example/1",
                              "https://management.azure.com@evil.example/1", "/operations/1"}) {
    INFO(foreign);
    Arm arm;
    arm.http.then(202, "", {{"location", foreign}});
    arm.http.then(200, policy_json("<fragment><base /></fragment>"));
    CHECK(arm.target->put(arm.fragment, "<fragment><base /></fragment>", std::nullopt));
    CHECK(arm.token_stayed_home());
    REQUIRE(arm.http.seen.size() >= 2);
    CHECK(arm.http.seen[1].url.starts_with("https://management.azure.com" + kService + "/policyFragments/auth?"));
  }
  // A poll that leads on to another host leads nowhere either.
  Arm arm;
  arm.http.then(202, "", {{"azure-asyncoperation", "https://westeurope.management.azure.com/operations/1"}});
  arm.http.then(202, "", {{"location", "https://evil.example/2"}});
  arm.http.then(200, policy_json("<fragment><base /></fragment>"));
  CHECK(arm.target->put(arm.fragment, "<fragment><base /></fragment>", std::nullopt));
  REQUIRE(arm.http.seen.size() >= 3);
  CHECK(arm.http.seen[1].url == "https://westeurope.management.azure.com/operations/1");
  CHECK(arm.http.seen[2].url.starts_with("https://management.azure.com" + kService));
}

TEST_CASE("an operation that fails in the background is told by its error") {
  Arm arm;
  arm.http.then(202, "", {{"azure-asyncoperation", "https://management.azure.com/operations/1"}});
  arm.http.then(200, R"({"status":"Failed","error":{"code":"ValidationError","message":"no good"}})");
  const auto written = arm.target->put(arm.fragment, "<fragment />", std::nullopt);
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ArmFailure::Kind::refused);
  CHECK(written.error().code == "ValidationError");
}

TEST_CASE("an operation without end and a Retry-After without end are left after minutes") {
  for (const char* retry_after : {"1", "999999999", "99999999999999999999"}) {
    INFO(retry_after);
    Arm arm;
    arm.http.then(202, "", {{"azure-asyncoperation", "https://management.azure.com/1"}, {"retry-after", retry_after}});
    const auto written = arm.target->put(arm.fragment, "<fragment />", std::nullopt);
    REQUIRE_FALSE(written);
    CHECK(written.error().kind == ArmFailure::Kind::wait);
    CHECK(arm.waited <= 8min);
  }
}

TEST_CASE("a refused token is renewed once and not for ever") {
  Arm arm;
  arm.http.then(401, error_json("ExpiredAuthenticationToken", "The access token expired."));
  const auto read = arm.target->read(arm.policy);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ArmFailure::Kind::wait);
  REQUIRE(arm.http.seen.size() == 2);
  CHECK(arm.http.seen[0].bearer == "token-1");
  CHECK(arm.http.seen[1].bearer == "token-2");
}

TEST_CASE("a removal is of what was read and what is absent is removed") {
  Arm arm;
  arm.http.then(204, "");
  CHECK(arm.target->remove(arm.policy, StoredPolicy{kText, "\"e9\"", ""}));
  CHECK(arm.http.seen[0].method == "DELETE");
  CHECK(arm.http.seen[0].header("If-Match") == "\"e9\"");
  Arm gone;
  gone.http.then(404, error_json("ResourceNotFound", "Policy not found."));
  CHECK(gone.target->remove(gone.policy, StoredPolicy{kText, "", ""}));
  CHECK(gone.http.seen[0].header("If-Match") == "*");
}

TEST_CASE("an answer larger than four mebibytes is not asked for") {
  Arm arm;
  std::size_t asked_for = 0;
  arm.http.then([&](const net::HttpRequest& request) -> Result<net::HttpResponse> {
    asked_for = request.max_response_bytes;
    return fail(ErrorCode::limit, "larger than it may be");
  });
  const auto read = arm.target->read(arm.policy);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ArmFailure::Kind::wait);
  CHECK(asked_for == std::size_t{4} << 20);
}

}  // namespace postern::deploy
