#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"
#include "gateway/identity/ecdsa_signature.h"
#include "gateway/identity/jws.h"
#include "tests/gateway/identity/test_key_openssl.h"

namespace postern::identity {
namespace {

struct Pair {
  Algorithm algorithm;
  TestKey key;
};

// One key for each algorithm; made once, because RSA keys take their time.
const std::vector<Pair>& pairs() {
  static const TestKey rsa = TestKey::rsa();
  static const std::vector<Pair> list = {{Algorithm::RS256, rsa},
                                         {Algorithm::PS256, rsa},
                                         {Algorithm::ES256, TestKey::ec("P-256")},
                                         {Algorithm::ES384, TestKey::ec("P-384")},
                                         {Algorithm::EdDSA, TestKey::ed25519()}};
  return list;
}

const TestKey& key_for(Algorithm algorithm) {
  for (const Pair& pair : pairs()) {
    if (pair.algorithm == algorithm) return pair.key;
  }
  FAIL("no such algorithm");
  return pairs().front().key;
}

PublicKey public_half(const TestKey& key) { return PublicKey::from_jwk(key.jwk("k")).value(); }

std::string name_of(Algorithm algorithm) { return std::string(to_string(algorithm)); }

TEST_CASE("every algorithm takes its own signature over any length of input") {
  for (const auto& [algorithm, key] : pairs()) {
    INFO(name_of(algorithm));
    const PublicKey half = public_half(key);
    for (const std::size_t length : {0UL, 1UL, 55UL, 56UL, 64UL, 1500UL, 100000UL}) {
      const std::string input(length, 'm');
      CHECK(half.verify(algorithm, input, key.sign(name_of(algorithm), input)));
    }
  }
}

TEST_CASE("one flipped bit anywhere in a signature refuses it") {
  for (const auto& [algorithm, key] : pairs()) {
    INFO(name_of(algorithm));
    const PublicKey half = public_half(key);
    const std::string good = key.sign(name_of(algorithm), "message");
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 5) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      INFO(bit);
      CHECK_FALSE(half.verify(algorithm, "message", bad));
    }
  }
}

TEST_CASE("a signature cut or lengthened or padded is refused") {
  for (const auto& [algorithm, key] : pairs()) {
    INFO(name_of(algorithm));
    const PublicKey half = public_half(key);
    const std::string good = key.sign(name_of(algorithm), "message");
    CHECK_FALSE(half.verify(algorithm, "message", ""));
    CHECK_FALSE(half.verify(algorithm, "message", good.substr(1)));
    CHECK_FALSE(half.verify(algorithm, "message", good.substr(0, good.size() - 1)));
    CHECK_FALSE(half.verify(algorithm, "message", good + '\0'));
    CHECK_FALSE(half.verify(algorithm, "message", std::string(1, '\0') + good));
    CHECK_FALSE(half.verify(algorithm, "message", good + good));
    CHECK_FALSE(half.verify(algorithm, "message", std::string(good.size(), '\0')));
    CHECK_FALSE(half.verify(algorithm, "message", std::string(good.size(), '\xff')));
    CHECK_FALSE(half.verify(algorithm, "messagf", good));
  }
}

TEST_CASE("a key does nothing but its own algorithm") {
  for (const auto& [key_algorithm, key] : pairs()) {
    const PublicKey half = public_half(key);
    const bool rsa = key_algorithm == Algorithm::RS256 || key_algorithm == Algorithm::PS256;
    for (const auto& [other, unused] : pairs()) {
      const bool fits = other == key_algorithm || (rsa && (other == Algorithm::RS256 || other == Algorithm::PS256));
      INFO(name_of(key_algorithm) << " asked for " << name_of(other));
      CHECK(half.can(other) == fits);
      if (other != key_algorithm) {
        CHECK_FALSE(half.verify(other, "message", key.sign(name_of(key_algorithm), "message")));
      }
    }
  }
}

TEST_CASE("PKCS 1 and PSS signatures of one key are not taken for each other") {
  const TestKey& key = key_for(Algorithm::RS256);
  const PublicKey half = public_half(key);
  CHECK_FALSE(half.verify(Algorithm::RS256, "m", key.sign("PS256", "m")));
  CHECK_FALSE(half.verify(Algorithm::PS256, "m", key.sign("RS256", "m")));
}

TEST_CASE("a signature over another digest is refused") {
  const TestKey& rsa = key_for(Algorithm::RS256);
  for (const char* other : {"RS384", "RS512"}) {
    CHECK_FALSE(public_half(rsa).verify(Algorithm::RS256, "m", rsa.sign(other, "m")));
  }
  for (const char* other : {"PS384", "PS512"}) {
    CHECK_FALSE(public_half(rsa).verify(Algorithm::PS256, "m", rsa.sign(other, "m")));
  }
  const TestKey& ec = key_for(Algorithm::ES256);
  CHECK_FALSE(public_half(ec).verify(Algorithm::ES256, "m", ec.sign("ES384", "m")));
}

TEST_CASE("a PSS signature with another salt length is refused") {
  const TestKey& key = key_for(Algorithm::PS256);
  const PublicKey half = public_half(key);
  CHECK(half.verify(Algorithm::PS256, "m", key.sign_pss("m", 32)));
  for (const int salt : {0, 20, 31, 33, 64, 222}) {
    INFO(salt);
    CHECK_FALSE(half.verify(Algorithm::PS256, "m", key.sign_pss("m", salt)));
  }
}

TEST_CASE("an ECDSA signature in DER is refused") {  // CVE class: r and s in another coat
  const TestKey& key = key_for(Algorithm::ES256);
  const PublicKey half = public_half(key);
  for (int i = 0; i < 20; ++i) CHECK_FALSE(half.verify(Algorithm::ES256, "m", key.sign_ecdsa_der("m")));
}

std::string order_of(Curve curve) {
  return hex_decode(curve == Curve::p256 ? "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
                                         : "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
                                           "581a0db248b0a77aecec196accc52973")
      .value();
}

std::string plus(std::string number, int by) {
  int carry = by;
  for (std::size_t i = number.size(); i-- > 0 && carry != 0;) {
    const int sum = static_cast<unsigned char>(number[i]) + carry;
    number[i] = static_cast<char>(sum & 0xff);
    carry = sum < 0 ? -1 : sum >> 8;
  }
  return number;
}

TEST_CASE("an ECDSA signature of zeros is refused - CVE-2022-21449") {
  CHECK_FALSE(ecdsa_to_der(Curve::p256, std::string(64, '\0')));
  CHECK_FALSE(ecdsa_to_der(Curve::p384, std::string(96, '\0')));
  for (const Algorithm algorithm : {Algorithm::ES256, Algorithm::ES384}) {
    const std::size_t size = algorithm == Algorithm::ES256 ? 64 : 96;
    CHECK_FALSE(public_half(key_for(algorithm)).verify(algorithm, "m", std::string(size, '\0')));
  }
}

TEST_CASE("an ECDSA number of zero or of the order or beyond is refused") {
  for (const Curve curve : {Curve::p256, Curve::p384}) {
    const std::string n = order_of(curve);
    const std::string zero(n.size(), '\0');
    const std::string one = plus(zero, 1);
    const std::string last = plus(n, -1);
    CHECK(ecdsa_to_der(curve, one + one));
    CHECK(ecdsa_to_der(curve, last + last));
    for (const std::string& bad : {zero, n, plus(n, 1), std::string(n.size(), '\xff')}) {
      CHECK_FALSE(ecdsa_to_der(curve, bad + one));
      CHECK_FALSE(ecdsa_to_der(curve, one + bad));
      CHECK_FALSE(ecdsa_to_der(curve, bad + bad));
    }
  }
}

TEST_CASE("small and large ECDSA numbers have one DER spelling") {
  const std::string one = std::string(31, '\0') + '\x01';
  const std::string high = '\x80' + std::string(31, '\0');
  const DerSignature der = ecdsa_to_der(Curve::p256, one + high).value();
  CHECK(hex_encode({reinterpret_cast<const char*>(der.data()), der.size()}) ==
        "3026"
        "020101"
        "022100"
        "80" +
            std::string(62, '0'));
}

TEST_CASE("a malleable twin of an ECDSA signature is taken as JWS asks") {
  // s and n - s are both valid: so nothing may be keyed by the signature.
  const TestKey& key = key_for(Algorithm::ES256);
  const std::string good = key.sign("ES256", "m");
  const std::string n = order_of(Curve::p256);
  std::string twin = good;
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    int digit = static_cast<unsigned char>(n[i]) - static_cast<unsigned char>(good[32 + i]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    twin[32 + i] = static_cast<char>(digit + 256 * borrow);
  }
  CHECK(twin != good);
  CHECK(public_half(key).verify(Algorithm::ES256, "m", twin));
}

TEST_CASE("an Ed25519 signature with s beyond the group order is refused") {
  const TestKey& key = key_for(Algorithm::EdDSA);
  std::string signature = key.sign("EdDSA", "m");
  // s + L, little-endian: the same point equation holds, so only the range check refuses it.
  const std::string order = hex_decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const int sum = static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  CHECK_FALSE(public_half(key).verify(Algorithm::EdDSA, "m", signature));
}

}  // namespace
}  // namespace postern::identity
