#include "gateway/identity/jws.h"

#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"

namespace postern::identity {
namespace {

std::string compact(std::string_view header, std::string_view payload = "{}", std::string_view signature = "c2ln") {
  return base64url_encode(header) + "." + base64url_encode(payload) + "." + std::string(signature);
}

// The reason id that refused a token, or "taken".
std::string reason(std::string_view token, std::size_t max_bytes = 16384) {
  const Result<ParsedJws> jws = parse_jws(token, max_bytes);
  return jws ? "taken" : jws.error().message.substr(0, jws.error().message.find(':'));
}

TEST_CASE("a signed token reads back and verifies with the public half alone") {
  const SigningKey key = SigningKey::generate_ed25519().value();
  json::Value payload;
  payload.set("jti", "0123");
  payload.set("n", 7);
  const std::string token = sign_jws("postern-ticket+jwt", payload, key).value();

  const ParsedJws jws = parse_jws(token).value();
  CHECK(jws.algorithm == Algorithm::EdDSA);
  CHECK(jws.type == "postern-ticket+jwt");
  CHECK(jws.key_id == key.public_key().thumbprint());
  CHECK(jws.payload == payload);
  const PublicKey half = PublicKey::from_jwk(key.public_key().to_jwk()).value();
  CHECK(half.key_id() == jws.key_id);
  CHECK(half.verify(jws.algorithm, jws.signing_input, jws.signature));
  CHECK_FALSE(half.verify(jws.algorithm, jws.signing_input + "x", jws.signature));
  CHECK_FALSE(SigningKey::generate_ed25519()->public_key().verify(jws.algorithm, jws.signing_input, jws.signature));
}

TEST_CASE("a signing key survives the way through PEM") {
  const SigningKey key = SigningKey::generate_ed25519().value();
  const Secret pem = key.to_pem();
  CHECK(pem.reveal().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const SigningKey again = SigningKey::from_pem(pem).value();
  CHECK(again.public_key().thumbprint() == key.public_key().thumbprint());
  CHECK(again.sign("x").value() == key.sign("x").value());
}

TEST_CASE("what is no Ed25519 key in PEM is refused with the way to make one") {
  for (const char* text : {"", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    const Result<SigningKey> key = SigningKey::from_pem(Secret(text));
    REQUIRE_FALSE(key);
    CHECK(key.error().message.find("openssl genpkey -algorithm ed25519") != std::string::npos);
  }
}

TEST_CASE("form of a token is judged before anything else") {
  CHECK(reason(compact(R"({"alg":"ES256"})")) == "taken");
  CHECK(reason("") == "malformed");
  CHECK(reason("a.b") == "malformed");
  CHECK(reason("..") == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256"})") + "=") == "malformed");
  CHECK(reason(" " + compact(R"({"alg":"ES256"})")) == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256"})") + "\n") == "malformed");
  CHECK(reason(compact("[]")) == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256"})", "[]")) == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256","kid":7})")) == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256","typ":7})")) == "malformed");
  CHECK(reason(compact(R"({"alg":"ES256"})"), 10) == "too_large");
}

}  // namespace
}  // namespace postern::identity
