#include "gateway/azure/key_vault.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_http_client.h"

namespace postern::azure {
namespace {

using namespace std::chrono_literals;
using test::FakeHttpClient;

class Fixed final : public Credential {
 public:
  Result<AcquiredToken> acquire(const std::string& audience) override {
    return AcquiredToken{Secret("for " + audience), 1h, 0s};
  }
  std::string describe() const override { return "fixed"; }
};

struct Fixture {
  ManualClock clock{WallTime(1000s)};
  TokenCache tokens{std::make_unique<Fixed>(), clock};
  FakeHttpClient http;
};

TEST_CASE("a secret is read with a token for Key Vault without a trailing slash") {
  Fixture f;
  f.http.then(200, R"({"value":"v1","id":"https://kv.vault.azure.net/secrets/n/0"})");
  auto secret = read_key_vault_secret(f.http, f.tokens, "my-vault/gogs-token");
  REQUIRE(secret);
  CHECK(secret->reveal() == "v1");
  CHECK(f.http.seen[0].url == "https://my-vault.vault.azure.net/secrets/gogs-token?api-version=7.4");
  CHECK(f.http.seen[0].bearer == "for https://vault.azure.net");
  CHECK(read_key_vault_secret(f.http, f.tokens, "my-vault/n/0123456789abcdef0123456789abcdef"));
  CHECK(f.http.seen[1].url.find("/secrets/n/0123456789abcdef0123456789abcdef?") != std::string::npos);
}

TEST_CASE("a vault name that would send the token elsewhere is refused before any request") {
  Fixture f;
  for (const char* bad : {"evil.example#/x", "a/../b/c", "vault", "vault/", "/name", "va ult/n", "vault/n/", "ab/n",
                          "vault/na%6de", "vault.evil/n"}) {
    INFO(bad);
    auto secret = read_key_vault_secret(f.http, f.tokens, bad);
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == ErrorCode::bad_usage);
  }
  CHECK(f.http.seen.empty());
}

TEST_CASE("refusals of Key Vault keep apart what is missing and what is forbidden") {
  Fixture f;
  f.http.then(404, R"({"error":{"code":"SecretNotFound","message":"no"}})");
  f.http.then(403, R"({"error":{"code":"Forbidden","innererror":{"code":"SecretDisabled"}}})");
  f.http.then(429, "");
  CHECK(read_key_vault_secret(f.http, f.tokens, "vault/n").error().code == ErrorCode::not_found);
  auto forbidden = read_key_vault_secret(f.http, f.tokens, "vault/n");
  CHECK(forbidden.error().code == ErrorCode::denied);
  CHECK(forbidden.error().message.find("SecretDisabled") != std::string::npos);
  CHECK(read_key_vault_secret(f.http, f.tokens, "vault/n").error().code == ErrorCode::unavailable);
}

TEST_CASE("a refused token is renewed once") {
  Fixture f;
  f.http.then(401, "");
  f.http.then(200, R"({"value":"v"})");
  CHECK(read_key_vault_secret(f.http, f.tokens, "vault/n"));
  CHECK(f.http.seen.size() == 2);
}

}  // namespace
}  // namespace postern::azure
