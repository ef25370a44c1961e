// JSON Web Signatures in compact form (RFC 7515), on OpenSSL. The algorithms are a closed list; `none` and HMAC are not
// on it, and no key ever comes from the token itself.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace postern::identity {

enum class Algorithm { RS256, PS256, ES256, ES384, EdDSA };
std::string_view to_string(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view name);  // "Ed25519" is EdDSA (RFC 9864)

// Shared immutable: a public key with what it may be used for. Copies share the key; safe from any thread.
class PublicKey {
 public:
  // One JWK (RFC 7517, 7518, 8037). invalid_input names the fault: wrong size, point off the curve, private members,
  // use "enc", key_ops without "verify", alg that the key type cannot do.
  static Result<PublicKey> from_jwk(const json::Value& jwk);

  const std::string& key_id() const;  // `kid`; may be empty
  std::string thumbprint() const;     // RFC 7638, SHA-256, base64url
  bool can(Algorithm algorithm) const;
  bool verify(Algorithm algorithm, std::string_view signing_input, std::string_view signature) const;
  json::Value to_jwk() const;  // public members, kid, alg, use

 private:
  struct Impl;
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
  friend class SigningKey;
};

// Shared immutable: a private key. Never printed; PEM only on the way in and (from generate) out.
class SigningKey {
 public:
  static Result<SigningKey> from_pem(const Secret& pem);  // PKCS#8, Ed25519 (tickets, audit)
  static Result<SigningKey> generate_ed25519();
  Secret to_pem() const;
  PublicKey public_key() const;                                    // kid = RFC 7638 thumbprint
  Result<std::string> sign(std::string_view signing_input) const;  // raw signature, EdDSA

 private:
  struct Impl;
  explicit SigningKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// A JWS taken apart and judged for form (RFC 7515 §5.2; RFC 8725), not yet for its signature.
struct ParsedJws {
  Algorithm algorithm;
  std::string key_id;
  std::string type;  // `typ`, lower case, "application/" stripped; may be empty
  json::Value header;
  json::Value payload;        // a JSON object
  std::string signing_input;  // "header.payload" as sent
  std::string signature;      // decoded
};

// Strict: three segments, strict base64url, no `crit`, no `b64`, no duplicate members, `alg` on the list.
// The error's message begins with the stable reason id, a colon and a sentence ("alg_not_allowed: …").
Result<ParsedJws> parse_jws(std::string_view compact, std::size_t max_bytes = 16384);

// base64url(header) "." base64url(payload) "." base64url(signature); header gets alg, typ and kid.
Result<std::string> sign_jws(std::string_view type, const json::Value& payload, const SigningKey& key);

}  // namespace postern::identity
