#include "gateway/azure/credential.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "tests/support/fake_http_client.h"

namespace postern::azure {
namespace {

using namespace std::chrono_literals;
using test::FakeHttpClient;

constexpr const char* kArm = "https://management.azure.com/";
constexpr const char* kClient = "11111111-2222-4333-8444-555555555555";

struct Waits {
  std::vector<std::chrono::milliseconds> pauses;
  Wait wait() {
    return [this](std::chrono::milliseconds pause) {
      pauses.push_back(pause);
      return true;
    };
  }
};

std::string imds_answer(std::string client = kClient) {
  return R"({"access_token":"tok-1","client_id":")" + client +
         R"(","expires_in":"86399","expires_on":"1800000000","not_before":"1","resource":"x","token_type":"Bearer"})";
}

TEST_CASE("a managed identity asks IMDS with its header and the audience as documented") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  http.then(200, imds_answer());
  auto token = managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1/", kClient)->acquire(kArm);
  REQUIRE(token);
  CHECK(token->value.reveal() == "tok-1");
  CHECK(token->lifetime == 86399s);
  REQUIRE(http.seen.size() == 1);
  CHECK(http.seen[0].url ==
        "http://127.0.0.1:1/metadata/identity/oauth2/token?api-version=2018-02-01"
        "&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=11111111-2222-4333-8444-555555555555");
  CHECK(http.seen[0].header("Metadata") == "true");
}

TEST_CASE("IMDS that updates itself is asked again for more than 70 seconds") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  for (int i = 0; i < 6; ++i) http.then(410, "");
  http.then(200, imds_answer());
  REQUIRE(managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1")->acquire(kArm));
  std::chrono::milliseconds total{0};
  for (auto pause : waits.pauses) total += pause;
  CHECK(total >= 70s);
}

TEST_CASE("IMDS that throttles is asked five times and then given up") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  http.then(429, R"({"error":"too_many","error_description":"slow down"})");
  auto token = managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1")->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().code == ErrorCode::unavailable);
  CHECK(token.error().message.find("429") != std::string::npos);
  CHECK(http.seen.size() == 5);
}

TEST_CASE("IMDS without that identity is a configuration error and asked once") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  http.then(400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  auto token = managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1")->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().code == ErrorCode::denied);
  CHECK(token.error().message.find("Identity not found") != std::string::npos);
  CHECK(http.seen.size() == 1);
}

TEST_CASE("a token of another identity than the one asked for is refused") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  http.then(200, imds_answer("99999999-0000-4000-8000-000000000000"));
  auto token = managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1", kClient)->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().code == ErrorCode::denied);
  CHECK(token.error().message.find("99999999") != std::string::npos);
}

TEST_CASE("an answer that names no identity is read from the token itself or refused") {
  ManualClock clock(WallTime(1000s));
  Waits waits;
  const std::string payload = base64url_encode(std::string(R"({"appid":")") + kClient + R"("})");
  FakeHttpClient named;
  named.then(200, R"({"access_token":"a.)" + payload + R"(.c","expires_in":3600})");
  CHECK(managed_identity(named, clock, waits.wait(), "http://127.0.0.1:1", kClient)->acquire(kArm));
  FakeHttpClient nameless;
  nameless.then(200, R"({"access_token":"opaque","expires_in":3600})");
  CHECK_FALSE(managed_identity(nameless, clock, waits.wait(), "http://127.0.0.1:1", kClient)->acquire(kArm));
}

TEST_CASE("a stopped program does not wait for IMDS") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  http.then(500, "");
  auto token = managed_identity(http, clock, [](auto) { return false; }, "http://127.0.0.1:1")->acquire(kArm);
  CHECK_FALSE(token);
  CHECK(http.seen.size() == 1);
}

TEST_CASE("numbers of a token answer may be strings and may be missing one by one") {
  const WallTime now(1000s);
  CHECK(parse_token_answer(R"({"access_token":"t","expires_in":60})", now)->lifetime == 60s);
  CHECK(parse_token_answer(R"({"access_token":"t","expires_in":"60"})", now)->lifetime == 60s);
  CHECK(parse_token_answer(R"({"access_token":"t","expires_on":"1060"})", now)->lifetime == 60s);
  CHECK(parse_token_answer(R"({"access_token":"t","expires_on":1060,"refresh_in":"20"})", now)->refresh_after == 20s);
  CHECK_FALSE(parse_token_answer(R"({"access_token":"t","expires_on":"06/20/2019 02:57:58 AM +00:00"})", now));
  CHECK_FALSE(parse_token_answer(R"({"access_token":"t"})", now));
  CHECK_FALSE(parse_token_answer(R"({"access_token":"t","expires_in":0})", now));
  CHECK_FALSE(parse_token_answer(R"({"access_token":"","expires_in":60})", now));
  CHECK_FALSE(parse_token_answer(R"({"access_token":"a\r\nX-Evil: 1","expires_in":60})", now));
  CHECK_FALSE(parse_token_answer("<html>", now));
  CHECK_FALSE(parse_token_answer("", now));
}

TEST_CASE("no error quotes what an answer with a token holds") {
  FakeHttpClient http;
  ManualClock clock(WallTime(1000s));
  Waits waits;
  http.then(200, R"({"access_token":"super-secret","expires_in":"soon"})");
  auto token = managed_identity(http, clock, waits.wait(), "http://127.0.0.1:1")->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().message.find("super-secret") == std::string::npos);
}

TEST_CASE("workload identity reads its token file again for every exchange") {
  char directory[] = "/tmp/postern-azure-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string file = std::string(directory) + "/token";
  REQUIRE(write_file_atomic(file, "first\n", 0600));
  FakeHttpClient http;
  http.then(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":"t"})");
  auto credential = workload_identity(http, {kClient, "tenant-1", "https://login.example/", file, "/ca.pem"});
  REQUIRE(credential->acquire("https://management.azure.com"));
  REQUIRE(write_file_atomic(file, "second", 0600));
  REQUIRE(credential->acquire("https://management.azure.com"));
  REQUIRE(http.seen.size() == 2);
  CHECK(http.seen[0].url == "https://login.example/tenant-1/oauth2/v2.0/token");
  CHECK(http.seen[0].ca_file == "/ca.pem");
  CHECK(http.seen[0].body ==
        "grant_type=client_credentials&client_id=11111111-2222-4333-8444-555555555555"
        "&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_assertion_type="
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=first");
  CHECK(http.seen[1].body.ends_with("&client_assertion=second"));
  ::unlink(file.c_str());
  CHECK_FALSE(credential->acquire("https://management.azure.com"));
  ::rmdir(directory);
}

TEST_CASE("workload identity names what its environment lacks") {
  FakeHttpClient http;
  auto token = workload_identity(http, {"", "tenant", "", "/f", ""})->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().message.find("AZURE_CLIENT_ID") != std::string::npos);
  CHECK(http.seen.empty());
}

TEST_CASE("a refused client secret is named by its code and never quoted") {
  FakeHttpClient http;
  http.then(401, R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"})");
  auto token = client_secret(http, "tenant", kClient, Secret("hunter2"))->acquire(kArm);
  REQUIRE_FALSE(token);
  CHECK(token.error().code == ErrorCode::denied);
  CHECK(token.error().message.find("AADSTS7000215") != std::string::npos);
  CHECK(token.error().message.find("hunter2") == std::string::npos);
  CHECK(http.seen[0].body.ends_with("&client_secret=hunter2"));
}

TEST_CASE("azure-cli prefers the epoch and survives warnings before its answer") {
  char directory[] = "/tmp/postern-az-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string az = std::string(directory) + "/az";
  REQUIRE(write_file_atomic(
      az,
      "#!/bin/sh\necho 'WARNING: an extension speaks'\n"
      "echo '{\"accessToken\":\"cli\",\"expiresOn\":\"2026-11-22 10:11:12.000000\",\"expires_on\":1600}'\n",
      0700));
  ManualClock clock(WallTime(1000s));
  auto token = azure_cli(clock, std::string(directory) + ":/usr/bin:/bin", "/tmp")->acquire(kArm);
  REQUIRE(token);
  CHECK(token->value.reveal() == "cli");
  CHECK(token->lifetime == 600s);
  REQUIRE(write_file_atomic(az, "#!/bin/sh\necho \"Please run 'az login'\" >&2\nexit 1\n", 0700));
  auto refused = azure_cli(clock, std::string(directory) + ":/usr/bin:/bin", "/tmp")->acquire(kArm);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("az login") != std::string::npos);
  CHECK_FALSE(azure_cli(clock, directory, "/tmp")->acquire("x; rm -rf /"));
  ::unlink(az.c_str());
  ::rmdir(directory);
}

TEST_CASE("a credential is named in one of four ways") {
  CHECK(parse_credential("managed-identity")->client_id.empty());
  CHECK(parse_credential("managed-identity:abc")->client_id == "abc");
  CHECK(parse_credential("workload-identity"));
  CHECK(parse_credential("azure-cli"));
  auto secret = parse_credential("client-secret:tenant/client/file:/etc/x/y");
  REQUIRE(secret);
  CHECK(secret->tenant_id == "tenant");
  CHECK(secret->client_id == "client");
  CHECK(secret->secret == "file:/etc/x/y");
  for (const char* bad : {"", "managed", "managed-identity:", "azure-cli:x", "client-secret:", "client-secret:a/b",
                          "client-secret:a//c", "client-secret"}) {
    INFO(bad);
    auto name = parse_credential(bad);
    REQUIRE_FALSE(name);
    CHECK(name.error().code == ErrorCode::bad_usage);
  }
}

}  // namespace
}  // namespace postern::azure
