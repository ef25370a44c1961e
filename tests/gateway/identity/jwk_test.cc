#include <catch2/catch.hpp>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/identity/jws.h"
#include "tests/gateway/identity/test_key_openssl.h"

namespace postern::identity {
namespace {

// Why a JWK is refused; empty when it is taken.
std::string fault(const json::Value& jwk) {
  const Result<PublicKey> key = PublicKey::from_jwk(jwk);
  return key ? "" : key.error().message;
}

json::Value with(json::Value jwk, std::string_view name, json::Value value) {
  jwk.set(name, std::move(value));
  return jwk;
}

json::Value without(const json::Value& jwk, std::string_view name) {
  json::Value out;
  for (const auto& [key, value] : *jwk.as_object()) {
    if (key != name) out.set(key, value);
  }
  return out;
}

const TestKey& rsa() {
  static const TestKey key = TestKey::rsa();
  return key;
}

TEST_CASE("a public key keeps its identity on the way through a JWK") {
  for (const TestKey& key : {rsa(), TestKey::ec("P-256"), TestKey::ec("P-384"), TestKey::ed25519()}) {
    const PublicKey once = PublicKey::from_jwk(key.jwk("a-kid")).value();
    const PublicKey twice = PublicKey::from_jwk(once.to_jwk()).value();
    CHECK(twice.key_id() == "a-kid");
    CHECK(twice.thumbprint() == once.thumbprint());
    CHECK(twice.to_jwk() == once.to_jwk());
  }
}

TEST_CASE("a thumbprint is the one that RFC 7638 computes") {
  const json::Value jwk = TestKey::ed25519().jwk("ignored");
  const std::string canonical = R"({"crv":"Ed25519","kty":"OKP","x":")" + *jwk.find_string("x") + "\"}";
  // The same members in any order and with any others give the same print.
  const PublicKey a = PublicKey::from_jwk(jwk).value();
  const PublicKey b = PublicKey::from_jwk(object(canonical)).value();
  CHECK(a.thumbprint() == b.thumbprint());
  CHECK(a.thumbprint() == base64url_encode(as_view(sha256(canonical))));
  CHECK(b.key_id().empty());
}

TEST_CASE("a leading zero in an RSA number changes nothing") {
  const json::Value jwk = rsa().jwk();
  const std::string n = base64url_decode(*jwk.find_string("n")).value();
  const Result<PublicKey> padded = PublicKey::from_jwk(with(jwk, "n", base64url_encode(std::string(1, '\0') + n)));
  REQUIRE(padded);
  CHECK(padded->thumbprint() == PublicKey::from_jwk(jwk)->thumbprint());
}

TEST_CASE("an RSA key that is too short or too long is refused") {
  CHECK(fault(TestKey::rsa(1024).jwk()).find("1024 bits") != std::string::npos);
  CHECK(fault(TestKey::rsa(2047).jwk()).find("2047 bits") != std::string::npos);
  const std::string large = base64url_encode("\x80" + std::string(1024, '\x01'));
  CHECK(fault(with(rsa().jwk(), "n", large)) != "");
  CHECK(fault(with(rsa().jwk(), "n", base64url_encode(std::string(100000, '\x7f')))) != "");
}

TEST_CASE("an RSA exponent of one or even or huge is refused") {
  const json::Value jwk = rsa().jwk();
  for (const std::string& e : {std::string("\x01", 1), std::string("\x02", 1), std::string("\x01\x00\x00", 3),
                               std::string("\x01\x00\x00\x00\x01", 5), std::string("\x00", 1)}) {
    CHECK(fault(with(jwk, "e", base64url_encode(e))).find("exponent") != std::string::npos);
  }
  CHECK(fault(with(jwk, "e", base64url_encode("\x03"))) == "");
}

TEST_CASE("an even RSA modulus is refused") {
  const json::Value jwk = rsa().jwk();
  std::string n = base64url_decode(*jwk.find_string("n")).value();
  n.back() = static_cast<char>(n.back() & 0xfe);
  CHECK(fault(with(jwk, "n", base64url_encode(n))).find("even") != std::string::npos);
}

TEST_CASE("an RSA modulus of the ROCA generator is refused - CVE-2017-15361") {
  CHECK(fault(with(rsa().jwk(), "n", base64url_encode(roca_modulus()))).find("CVE-2017-15361") != std::string::npos);
}

TEST_CASE("a point that does not lie on its curve is refused") {
  for (const char* curve : {"P-256", "P-384"}) {
    const json::Value jwk = TestKey::ec(curve).jwk();
    std::string y = base64url_decode(*jwk.find_string("y")).value();
    y.back() = static_cast<char>(y.back() ^ 1);
    CHECK(fault(with(jwk, "y", base64url_encode(y))).find("does not lie on") != std::string::npos);
    const std::string zero(y.size(), '\0');
    CHECK(fault(with(with(jwk, "x", base64url_encode(zero)), "y", base64url_encode(zero))) != "");
  }
  // A good point of one curve under the name of another.
  CHECK(fault(with(TestKey::ec("secp256k1").jwk(), "crv", "P-256")).find("does not lie on") != std::string::npos);
}

TEST_CASE("a coordinate of another width is refused") {
  const json::Value jwk = TestKey::ec("P-256").jwk();
  const std::string x = base64url_decode(*jwk.find_string("x")).value();
  CHECK(fault(with(jwk, "x", base64url_encode(std::string(1, '\0') + x))) != "");
  CHECK(fault(with(jwk, "x", base64url_encode(x.substr(1)))) != "");
  CHECK(fault(with(TestKey::ed25519().jwk(), "x", base64url_encode(std::string(31, 'x')))) != "");
}

TEST_CASE("curves and key types that are not on the list are refused") {
  CHECK(fault(TestKey::ec("P-521").jwk()).find("crv") != std::string::npos);
  CHECK(fault(TestKey::ec("secp256k1").jwk()).find("crv") != std::string::npos);
  CHECK(fault(with(TestKey::ec("P-256").jwk(), "crv", "p-256")).find("crv") != std::string::npos);
  CHECK(fault(with(TestKey::ed25519().jwk(), "crv", "X25519")).find("Ed25519") != std::string::npos);
  CHECK(fault(object(R"({"kty":"oct","k":"c2VjcmV0"})")) != "");
  CHECK(fault(object(R"({"kty":"oct"})")).find("RSA, EC and OKP") != std::string::npos);
  CHECK(fault(with(rsa().jwk(), "kty", "rsa")).find("RSA, EC and OKP") != std::string::npos);
  CHECK(fault(object("[]")) != "");
  CHECK(fault(object("{}")) != "");
}

TEST_CASE("a key with private members is refused") {
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    CHECK(fault(with(rsa().jwk(), name, "AQAB")).find("private member") != std::string::npos);
  }
}

TEST_CASE("a key for encryption is refused") {
  CHECK(fault(with(rsa().jwk(), "use", "enc")) != "");
  CHECK(fault(with(rsa().jwk(), "use", 1)) != "");
  CHECK(fault(with(rsa().jwk(), "key_ops", object(R"(["encrypt"])"))) != "");
  CHECK(fault(with(rsa().jwk(), "key_ops", object(R"(["sign, verify"])"))) != "");
  CHECK(fault(with(rsa().jwk(), "key_ops", "verify")) != "");
  CHECK(fault(with(rsa().jwk(), "key_ops", object(R"(["verify"])"))) == "");
  CHECK(fault(with(rsa().jwk(), "use", "sig")) == "");
  CHECK(fault(with(rsa().jwk(), "use", "jwt-svid")) == "");
}

TEST_CASE("the alg of a key pins it and must fit its type") {
  const PublicKey pinned = PublicKey::from_jwk(with(rsa().jwk(), "alg", "PS256")).value();
  CHECK(pinned.can(Algorithm::PS256));
  CHECK_FALSE(pinned.can(Algorithm::RS256));
  CHECK_FALSE(pinned.verify(Algorithm::RS256, "m", rsa().sign("RS256", "m")));
  for (const char* alg : {"HS256", "none", "ES256", "RS512", "RSA-OAEP", "rs256", "ES521", ""}) {
    INFO(alg);
    CHECK(fault(with(rsa().jwk(), "alg", alg)).find("`alg`") != std::string::npos);
  }
  CHECK(fault(with(rsa().jwk(), "alg", 256)) != "");
  CHECK(PublicKey::from_jwk(with(TestKey::ed25519().jwk(), "alg", "Ed25519"))->can(Algorithm::EdDSA));
}

TEST_CASE("a number that is missing or not base64url is refused") {
  for (const char* name : {"n", "e"}) {
    CHECK(fault(without(rsa().jwk(), name)) != "");
    CHECK(fault(with(rsa().jwk(), name, "A===")) != "");
    CHECK(fault(with(rsa().jwk(), name, "")) != "");
    CHECK(fault(with(rsa().jwk(), name, 65537)) != "");
  }
  for (const char* name : {"crv", "x", "y"}) CHECK(fault(without(TestKey::ec("P-256").jwk(), name)) != "");
  CHECK(fault(with(rsa().jwk(), "kid", 7)) != "");
  CHECK(fault(rsa().jwk(std::string(257, 'k'))) != "");
}

}  // namespace
}  // namespace postern::identity
