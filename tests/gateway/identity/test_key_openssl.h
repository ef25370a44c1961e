// Throw-away keys for tests: they sign as an issuer does, and as an attacker would.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/json.h"

namespace postern::identity {

// Shared immutable.
class TestKey {
 public:
  static TestKey rsa(int bits = 2048);
  static TestKey ec(const char* curve);  // "P-256", "P-384", "P-521", "secp256k1"
  static TestKey ed25519();

  json::Value jwk(std::string_view kid = "") const;  // public members only
  std::string public_pem() const;
  std::string public_der() const;
  std::string private_pem() const;

  // JOSE signatures. `algorithm` may be any JWS name that fits the key; RS and PS with 256, 384 or 512.
  std::string sign(std::string_view algorithm, std::string_view input) const;
  std::string sign_pss(std::string_view input, int salt_bytes) const;  // SHA-256
  std::string sign_ecdsa_der(std::string_view input) const;            // SHA-256, as OpenSSL writes it

  // header.payload.signature of the texts as they stand, signed by the header's `alg` where the key can do that, else
  // by the key's own.
  std::string token(std::string_view header, std::string_view payload) const;

 private:
  struct Impl;
  explicit TestKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

std::string hmac_sha256(std::string_view key, std::string_view input);

// A 2048-bit modulus with the residues that CVE-2017-15361 left (no factors are known; it is for refusing).
std::string roca_modulus();

json::Value object(std::string_view text);  // parses; the test fails where that fails

}  // namespace postern::identity
