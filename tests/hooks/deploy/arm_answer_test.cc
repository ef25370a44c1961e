#include "hooks/deploy/arm_answer.h"

#include <catch2/catch.hpp>

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;
using Kind = ArmFailure::Kind;
using net::HttpResponse;

ArmFailure failure(int status, std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return read_failure({status, std::move(headers), std::move(body)});
}
std::string error(std::string code, std::string message, std::string details = "null") {
  return R"({"error":{"code":")" + code + R"(","message":")" + message + R"(","details":)" + details + "}}";
}

TEST_CASE("a validation error names every place in the file") {
  const auto found = failure(
      400,
      error(
          "ValidationError", "One or more fields contain incorrect values:",
          R"([{"code":"ValidationError","target":"set-header","message":"Error in element 'set-header' on line 19, column 7: The element 'set-header' cannot contain text."},
                     {"code":"ValidationError","target":"PropertyName","message":"Error in element 'set-variable' on line 76, column 4: Cannot find a property 'PropertyName'"}])"));
  CHECK(found.kind == Kind::refused);
  CHECK(describe_faults(found, "apis/a/policy.xml") ==
        std::vector<std::string>{
            "apis/a/policy.xml:19:7: error: The element 'set-header' cannot contain text. [arm ValidationError]",
            "apis/a/policy.xml:76:4: error: Cannot find a property 'PropertyName' [arm ValidationError]"});
}

TEST_CASE("the position of an XML reader is found at the end of its message") {
  const auto found = failure(
      400,
      error(
          "ValidationError", "x",
          R"([{"target":"representation","message":"'code' is an unexpected token. Expecting white space. Line 24, position 50."}])"));
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0].line == 24);
  CHECK(found.faults[0].column == 50);
}

TEST_CASE("an error nested as text in a template deployment is unpacked") {
  const auto found = failure(
      400,
      error(
          "DeploymentFailed", "x",
          R"([{"message":"{\"error\":{\"code\":\"ValidationError\",\"message\":\"m\",\"details\":[{\"message\":\"Error in element 'a' on line 2, column 3: bad\"}]}}"}])"));
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0] == ArmFault{2, 3, "a", "bad"});
}

TEST_CASE("details that are null missing or of another shape are no fault") {
  for (const char* details : {"null", "[]", "{}", "\"x\"", "[null]", "[1]", "[{\"message\":7}]"}) {
    INFO(details);
    const auto found = failure(400, error("ValidationError", "text without a place", details));
    CHECK(found.kind == Kind::refused);
    REQUIRE(found.faults.size() == 1);
    CHECK(found.faults[0].line == 0);
  }
}

TEST_CASE("each status waits plans again or gives up") {
  for (const int status : {401, 403, 408, 409, 429, 500, 502, 503, 504, 302, 100})
    CHECK(failure(status, "").kind == Kind::wait);
  CHECK(failure(412, error("PreconditionFailed", "x")).kind == Kind::replan);
  CHECK(failure(400, error("ValidationError", "Resource was modified since last retrieval")).kind == Kind::replan);
  for (const int status : {400, 404, 405, 406, 422}) CHECK(failure(status, "").kind == Kind::refused);
  CHECK(failure(422, error("ManagementApiRequestFailed", "x")).kind == Kind::wait);
  CHECK(failure(409, error("PessimisticConcurrencyConflict", "Operation on the API is in progress")).kind ==
        Kind::wait);
}

TEST_CASE("a web page or nothing at all is described as such") {
  CHECK(failure(500, "<!DOCTYPE html><html>").message == "a web page instead of an answer");
  CHECK(failure(503, "").message == "no reason given");
  CHECK(failure(200, "\x7b\xff\xfe").message == "an answer that is no ARM answer");
}

TEST_CASE("Retry-After is digits and at most an hour") {
  const auto of = [](std::string value) { return failure(429, "", {{"retry-after", std::move(value)}}).retry_after; };
  CHECK(of("17") == 17s);
  CHECK(of("999999") == 3600s);
  CHECK_FALSE(of("Sun, 22 Nov 2026 14:00:00 GMT"));
  CHECK_FALSE(of("-1"));
  CHECK_FALSE(of(""));
  CHECK_FALSE(of("5 s"));
}

TEST_CASE("a policy comes in an envelope or bare") {
  auto enveloped =
      read_policy({200, {{"etag", "\"AAA=\""}}, R"({"properties":{"value":"<policies />","format":"rawxml"}})"});
  REQUIRE(enveloped);
  CHECK(enveloped->text == "<policies />");
  CHECK(enveloped->etag == "\"AAA=\"");
  auto bare = read_policy({200, {{"content-type", "application/vnd.ms-azure-apim.policy.raw+xml"}}, "<policies />"});
  REQUIRE(bare);
  CHECK(bare->text == "<policies />");
  for (const char* body : {"", "{}", "[]", R"({"properties":null})", R"({"properties":{"value":7}})", "<html>"}) {
    INFO(body);
    auto none = read_policy({200, {}, body});
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == Kind::wait);
  }
}

TEST_CASE("a 201 that is in progress is not done") {
  using S = OperationState::State;
  CHECK(read_write_answer({201, {}, R"({"properties":{"value":"x"}})"}).state == S::succeeded);
  CHECK(read_write_answer({200, {}, ""}).state == S::succeeded);
  CHECK(read_write_answer({201, {}, R"({"properties":{"provisioningState":"inprogress"}})"}).state == S::running);
  CHECK(read_write_answer({201, {}, R"({"provisioningState":"Creating"})"}).state == S::running);
  CHECK(read_write_answer({201, {}, R"({"properties":{"provisioningState":"SUCCEEDED"}})"}).state == S::succeeded);
  CHECK(read_write_answer({201, {}, R"({"properties":{"provisioningState":"Failed"}})"}).state == S::failed);
  const auto accepted = read_write_answer(
      {202, {{"location", "https://a/l"}, {"azure-asyncoperation", "https://a/o"}, {"retry-after", "3"}}, ""});
  CHECK(accepted.state == S::running);
  CHECK(accepted.poll_url == "https://a/o");
  CHECK(accepted.retry_after == 3s);
  CHECK(read_write_answer({202, {{"location", "https://a/l"}}, ""}).poll_url == "https://a/l");
}

TEST_CASE("a poll ends by its status whatever its letter case") {
  using S = OperationState::State;
  CHECK(read_poll_answer({202, {}, ""}).state == S::running);
  CHECK(read_poll_answer({200, {}, R"({"status":"InProgress"})"}).state == S::running);
  CHECK(read_poll_answer({200, {}, R"({"status":"succeeded"})"}).state == S::succeeded);
  CHECK(read_poll_answer({200, {}, R"({"status":"FAILED","error":{}})"}).state == S::failed);
  CHECK(read_poll_answer({200, {}, R"({"status":"Canceled"})"}).state == S::failed);
  CHECK(read_poll_answer({204, {}, ""}).state == S::succeeded);
  CHECK(read_poll_answer({200, {}, "<html>"}).state == S::running);
  CHECK(read_poll_answer({200, {}, R"({"properties":{"value":"x"}})"}).state == S::succeeded);
}

TEST_CASE("the failure of an operation is read from its body") {
  const auto found = read_operation_error(
      R"({"status":"Failed","error":{"code":"ValidationError","message":"m","details":[{"message":"Error in element 'a' on line 1, column 2: b"}]}})");
  CHECK(found.kind == Kind::refused);
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0].column == 2);
  CHECK(read_operation_error("garbage").kind == Kind::refused);
  CHECK(read_operation_error(R"({"error":{"code":"PessimisticConcurrencyConflict","message":"m"}})").kind ==
        Kind::wait);
}

TEST_CASE("a token never goes to a URL of another host") {
  const char* arm = "https://management.azure.com";
  CHECK(is_same_service(arm, "https://management.azure.com/subscriptions/x?api-version=1"));
  CHECK(is_same_service(arm, "https://MANAGEMENT.azure.com:443/x"));
  CHECK(is_same_service(arm, "https://westeurope.management.azure.com/x"));
  for (const char* url : {"http://management.azure.com/x",
                          "https://management.azure.com:444/x",
                          "https://evil.example/x",
                          "https://management.azure.com.evil.example/x",
                          "https://evilmanagement.azure.com/x",
                          "https://management.azure.com@evil.example/x",
                          "https://evil.example#@management.azure.com/x",
                          "https://evil.example\\@management.azure.com/x",
                          "//management.azure.com/x",
                          "/x",
                          "",
                          "https://management.azure.com\r\n.evil/x",
                          "https://",
                          "https://management.azure.com:/x",
                          "http://management.azure.com:443/x",
                          "ftp://management.azure.com:443/x",
                          "https://user@management.azure.com/x",
                          "https://user@westeurope.management.azure.com/x",
                          "https://evil.example@management.azure.com/x",
                          "https://management.azure.com:443@evil.example/x",
                          "https://evil.example?.management.azure.com/x",
                          "https://evil.example/.management.azure.com",
                          "https://management.azure.com\xe2\x80\xae.evil/x",
                          "https://management.azure.com./x"}) {
    INFO(url);
    CHECK_FALSE(is_same_service(arm, url));
  }
  CHECK(is_same_service("https://127.0.0.1:8443", "https://127.0.0.1:8443/x"));
  CHECK_FALSE(is_same_service("https://127.0.0.1:8443", "https://9.127.0.0.1:8443/x"));
}

}  // namespace
}  // namespace postern::deploy
