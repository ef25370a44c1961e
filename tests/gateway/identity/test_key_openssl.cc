#include "tests/gateway/identity/test_key_openssl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"

namespace postern::identity {

struct TestKey::Impl {
  EVP_PKEY* key;
  std::string kty, crv;
  int width = 0;  // of an EC coordinate
  Impl(EVP_PKEY* made, std::string type, std::string curve, int bytes)
      : key(made), kty(std::move(type)), crv(std::move(curve)), width(bytes) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { EVP_PKEY_free(key); }
};

namespace {

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm.ends_with("384")) return EVP_sha384();
  if (algorithm.ends_with("512")) return EVP_sha512();
  return EVP_sha256();
}

std::string number(const EVP_PKEY* key, const char* name, int width = 0) {
  BIGNUM* value = nullptr;
  REQUIRE(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  std::string out(static_cast<std::size_t>(width == 0 ? BN_num_bytes(value) : width), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  BN_free(value);
  return out;
}

std::string raw_sign(EVP_PKEY* key, const EVP_MD* digest, std::string_view input, bool pss, int salt) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* details = nullptr;
  REQUIRE(EVP_DigestSignInit(context, &details, digest, nullptr, key) == 1);
  if (pss) {
    EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(details, salt);
  }
  std::size_t size = 1024;
  std::string out(size, '\0');
  REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes_of(input), input.size()) ==
          1);
  out.resize(size);
  EVP_MD_CTX_free(context);
  return out;
}

std::string mem(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string out(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

}  // namespace

TestKey TestKey::rsa(int bits) {
  return TestKey(std::make_shared<Impl>(EVP_RSA_gen(static_cast<unsigned>(bits)), "RSA", "", 0));
}
TestKey TestKey::ec(const char* curve) {
  const std::string_view name = curve;
  const int width = name == "P-384" ? 48 : name == "P-521" ? 66 : 32;
  return TestKey(std::make_shared<Impl>(EVP_EC_gen(curve), "EC", curve, width));
}
TestKey TestKey::ed25519() {
  return TestKey(std::make_shared<Impl>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "OKP", "Ed25519", 0));
}

json::Value TestKey::jwk(std::string_view kid) const {
  json::Value out;
  out.set("kty", impl_->kty);
  if (!kid.empty()) out.set("kid", kid);
  if (impl_->kty == "RSA") {
    out.set("n", base64url_encode(number(impl_->key, OSSL_PKEY_PARAM_RSA_N)));
    out.set("e", base64url_encode(number(impl_->key, OSSL_PKEY_PARAM_RSA_E)));
  } else if (impl_->kty == "EC") {
    out.set("crv", impl_->crv);
    out.set("x", base64url_encode(number(impl_->key, OSSL_PKEY_PARAM_EC_PUB_X, impl_->width)));
    out.set("y", base64url_encode(number(impl_->key, OSSL_PKEY_PARAM_EC_PUB_Y, impl_->width)));
  } else {
    out.set("crv", impl_->crv);
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(impl_->key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    out.set("x", base64url_encode(raw));
  }
  return out;
}

std::string TestKey::public_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, impl_->key);
  return mem(bio);
}
std::string TestKey::public_der() const {
  BIO* bio = BIO_new(BIO_s_mem());
  i2d_PUBKEY_bio(bio, impl_->key);
  return mem(bio);
}
std::string TestKey::private_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, impl_->key, nullptr, nullptr, 0, nullptr, nullptr);
  return mem(bio);
}

std::string TestKey::sign_pss(std::string_view input, int salt_bytes) const {
  return raw_sign(impl_->key, EVP_sha256(), input, true, salt_bytes);
}

std::string TestKey::sign_ecdsa_der(std::string_view input) const {
  return raw_sign(impl_->key, EVP_sha256(), input, false, 0);
}

std::string TestKey::sign(std::string_view algorithm, std::string_view input) const {
  if (algorithm.starts_with("Ed")) return raw_sign(impl_->key, nullptr, input, false, 0);
  const EVP_MD* digest = digest_of(algorithm);
  const bool pss = algorithm.starts_with("PS");
  std::string signature = raw_sign(impl_->key, digest, input, pss, RSA_PSS_SALTLEN_DIGEST);
  if (impl_->kty != "EC") return signature;
  const unsigned char* at = bytes_of(signature);
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size()));
  std::string out(static_cast<std::size_t>(2 * impl_->width), '\0');
  auto* raw = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, impl_->width);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + impl_->width, impl_->width);
  ECDSA_SIG_free(pair);
  return out;
}

std::string TestKey::token(std::string_view header, std::string_view payload) const {
  const Result<json::Value> parsed = json::parse(header);
  const std::string* asked = parsed ? parsed->find_string("alg") : nullptr;
  std::string algorithm = impl_->kty == "RSA" ? "RS256" : impl_->width == 48 ? "ES384" : "ES256";
  if (impl_->kty == "OKP") algorithm = "EdDSA";
  if (impl_->kty == "RSA" && asked != nullptr && *asked == "PS256") algorithm = *asked;
  const std::string input = base64url_encode(header) + "." + base64url_encode(payload);
  return input + "." + base64url_encode(sign(algorithm, input));
}

std::string hmac_sha256(std::string_view key, std::string_view input) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(input), input.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string roca_modulus() {
  BN_CTX* scratch = BN_CTX_new();
  BIGNUM* primorial = BN_new();
  BIGNUM* power = BN_new();
  BIGNUM* modulus = BN_new();
  BN_one(primorial);
  for (unsigned n = 2; n <= 167; ++n) {
    bool prime = true;
    for (unsigned d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    if (prime) BN_mul_word(primorial, n);
  }
  BN_set_word(power, 65537);
  BN_set_word(modulus, 12345);
  BN_mod_exp(power, power, modulus, primorial, scratch);
  // The highest multiple of the primorial below 2^2048, plus a power of 65537: odd, because the power is and 2 divides
  // the primorial.
  BN_zero(modulus);
  BN_set_bit(modulus, 2048);
  BN_sub(modulus, modulus, primorial);
  BIGNUM* rest = BN_new();
  BN_mod(rest, modulus, primorial, scratch);
  BN_sub(modulus, modulus, rest);
  BN_add(modulus, modulus, power);
  std::string out(256, '\0');
  BN_bn2binpad(modulus, reinterpret_cast<unsigned char*>(out.data()), 256);
  for (BIGNUM* number : {primorial, power, modulus, rest}) BN_free(number);
  BN_CTX_free(scratch);
  return out;
}

json::Value object(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  REQUIRE(value);
  return *value;
}

}  // namespace postern::identity
