#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/identity/ecdsa_signature.h"
#include "gateway/identity/jws.h"

namespace postern::identity {
namespace {

struct FreePkey {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
struct FreePkeyContext {
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
};
struct FreeDigestContext {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
struct FreeBignum {
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
};
struct FreeBio {
  void operator()(BIO* p) const { BIO_free_all(p); }
};
struct FreeParamBuilder {
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
};
struct FreeParams {
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreePkey>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreePkeyContext>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;
using Bignum = std::unique_ptr<BIGNUM, FreeBignum>;
using Bio = std::unique_ptr<BIO, FreeBio>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeParamBuilder>;
using Params = std::unique_ptr<OSSL_PARAM, FreeParams>;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxKeyIdBytes = 256;

std::unexpected<Error> bad_key(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("JWK: {}", what));
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Result<std::string> binary_member(const json::Value& jwk, std::string_view name) {
  const std::string* text = jwk.find_string(name);
  if (text == nullptr) return bad_key(fmt::format("`{}` is missing or no string", name));
  Result<std::string> bytes = base64url_decode(*text);
  if (!bytes) return bad_key(fmt::format("`{}` is not unpadded base64url", name));
  return bytes;
}

Result<Pkey> key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return bad_key("its numbers make no public key");
  }
  return Pkey(key);
}

// Moduli made by the flawed generator of CVE-2017-15361 are powers of 65537 modulo every small prime; others are so for
// all of these primes together with a chance below 2^-25.
bool looks_like_roca(const BIGNUM* modulus) {
  constexpr std::array<unsigned, 17> kPrimes = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                                79, 97, 103, 107, 109, 127, 151, 157};
  for (const unsigned prime : kPrimes) {
    const auto rest = static_cast<unsigned>(BN_mod_word(modulus, prime));
    unsigned power = 1;
    bool found = false;
    do {
      found = power == rest;
      power = power * (65537 % prime) % prime;
    } while (!found && power != 1);
    if (!found) return false;
  }
  return true;
}

// What an algorithm needs, made ready once per key: a call copies it, which costs a fraction of making it.
struct Verifier {
  Algorithm algorithm;
  PkeyContext prehashed;  // RSA and ECDSA: verifies a digest
  DigestContext whole;    // EdDSA: takes the message itself
};

Result<Verifier> make_verifier(EVP_PKEY* key, Algorithm algorithm) {
  Verifier out{.algorithm = algorithm, .prehashed = nullptr, .whole = nullptr};
  bool ready = false;
  if (algorithm == Algorithm::EdDSA) {
    out.whole.reset(EVP_MD_CTX_new());
    ready = out.whole && EVP_DigestVerifyInit(out.whole.get(), nullptr, nullptr, nullptr, key) == 1;
  } else {
    out.prehashed.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    EVP_PKEY_CTX* context = out.prehashed.get();
    const EVP_MD* digest = algorithm == Algorithm::ES384 ? EVP_sha384() : EVP_sha256();
    ready =
        context != nullptr && EVP_PKEY_verify_init(context) == 1 && EVP_PKEY_CTX_set_signature_md(context, digest) == 1;
    if (algorithm == Algorithm::RS256) {
      ready = ready && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    if (algorithm == Algorithm::PS256) {
      // RFC 7518 §3.5: salt as long as the digest, MGF1 over the same one; "auto" would take any.
      ready = ready && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
  }
  if (!ready) return fail(ErrorCode::internal, fmt::format("OpenSSL cannot verify {}", to_string(algorithm)));
  return out;
}

}  // namespace

struct PublicKey::Impl {
  std::string key_id;
  std::string thumbprint;
  std::optional<Algorithm> pinned;  // the JWK's `alg`
  json::Value required;             // the members of the thumbprint, in its order
  Pkey key;
  std::vector<Verifier> verifiers;  // one for each algorithm the key can do
};

struct SigningKey::Impl {
  Pkey key;
  std::optional<PublicKey> public_key;
};

namespace {

struct Material {
  json::Value required;
  Pkey key;
  std::vector<Algorithm> algorithms;
};

Result<Material> rsa_material(const json::Value& jwk) {
  const Result<std::string> n = binary_member(jwk, "n");
  if (!n) return fail(n.error());
  const Result<std::string> e = binary_member(jwk, "e");
  if (!e) return fail(e.error());
  if (n->size() > kMaxRsaBits / 8 + 1 || e->size() > 8) return bad_key("an RSA number is too long");
  const Bignum modulus(BN_bin2bn(bytes_of(*n), static_cast<int>(n->size()), nullptr));
  const Bignum exponent(BN_bin2bn(bytes_of(*e), static_cast<int>(e->size()), nullptr));
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return bad_key(fmt::format("an RSA key of {} bits; {} to {} are taken", bits, kMinRsaBits, kMaxRsaBits));
  }
  if (!BN_is_odd(modulus.get())) return bad_key("the RSA modulus is even");
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) || BN_num_bits(exponent.get()) > 32) {
    return bad_key("the RSA exponent is not odd and from 3 to 2^32");
  }
  if (looks_like_roca(modulus.get())) return bad_key("the RSA modulus has the fingerprint of CVE-2017-15361");
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  Result<Pkey> key = key_from("RSA", builder.get());
  if (!key) return fail(key.error());
  // Without leading zeros (RFC 7518 §2), whatever was sent: the thumbprint has one spelling.
  const auto minimal = [](std::string_view bytes) {
    while (!bytes.empty() && bytes.front() == '\0') bytes.remove_prefix(1);
    return base64url_encode(bytes);
  };
  json::Value required;
  required.set("e", minimal(*e));
  required.set("kty", "RSA");
  required.set("n", minimal(*n));
  return Material{std::move(required), std::move(*key), {Algorithm::RS256, Algorithm::PS256}};
}

Result<Material> ec_material(const json::Value& jwk) {
  const std::string* crv = jwk.find_string("crv");
  if (crv == nullptr || (*crv != "P-256" && *crv != "P-384")) return bad_key("`crv` is not P-256 or P-384");
  const bool p256 = *crv == "P-256";
  const std::size_t width = p256 ? 32 : 48;
  const Result<std::string> x = binary_member(jwk, "x");
  if (!x) return fail(x.error());
  const Result<std::string> y = binary_member(jwk, "y");
  if (!y) return fail(y.error());
  if (x->size() != width || y->size() != width) {
    return bad_key(fmt::format("a coordinate on {} has {} bytes (RFC 7518 section 6.2.1.2)", *crv, width));
  }
  const std::string point = "\x04" + *x + *y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, p256 ? "P-256" : "P-384", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  Result<Pkey> key = key_from("EC", builder.get());
  if (!key) return bad_key(fmt::format("the point does not lie on {}", *crv));
  const PkeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key->get(), nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) {
    return bad_key(fmt::format("the point does not lie on {}", *crv));
  }
  json::Value required;
  required.set("crv", *crv);
  required.set("kty", "EC");
  required.set("x", base64url_encode(*x));
  required.set("y", base64url_encode(*y));
  return Material{std::move(required), std::move(*key), {p256 ? Algorithm::ES256 : Algorithm::ES384}};
}

Result<Material> okp_material(const json::Value& jwk) {
  const std::string* crv = jwk.find_string("crv");
  if (crv == nullptr || *crv != "Ed25519") return bad_key("`crv` of an OKP key is not Ed25519");
  const Result<std::string> x = binary_member(jwk, "x");
  if (!x) return fail(x.error());
  if (x->size() != 32) return bad_key("`x` of an Ed25519 key has 32 bytes");
  Pkey key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(*x), x->size()));
  if (!key) return bad_key("its numbers make no public key");
  json::Value required;
  required.set("crv", "Ed25519");
  required.set("kty", "OKP");
  required.set("x", base64url_encode(*x));
  return Material{std::move(required), std::move(key), {Algorithm::EdDSA}};
}

// `use` and `key_ops` (RFC 7517 §4.2, §4.3); "jwt-svid" is how SPIFFE bundles say "sig".
Status check_purpose(const json::Value& jwk) {
  if (const json::Value* use = jwk.find("use")) {
    const std::string* text = use->as_string();
    if (text == nullptr || (*text != "sig" && *text != "jwt-svid")) return bad_key("`use` is not sig");
  }
  if (const json::Value* operations = jwk.find("key_ops")) {
    const json::Array* list = operations->as_array();
    if (list == nullptr || std::find(list->begin(), list->end(), json::Value("verify")) == list->end()) {
      return bad_key("`key_ops` does not hold verify");
    }
  }
  return {};
}

Result<Material> material_of(const json::Value& jwk) {
  const std::string* kty = jwk.find_string("kty");
  if (kty == nullptr) return bad_key("`kty` is missing or no string");
  if (*kty == "RSA") return rsa_material(jwk);
  if (*kty == "EC") return ec_material(jwk);
  if (*kty == "OKP") return okp_material(jwk);
  return bad_key(fmt::format("`kty` is {}; RSA, EC and OKP are taken", printable(*kty, 40)));
}

}  // namespace

Result<PublicKey> PublicKey::from_jwk(const json::Value& jwk) {
  if (jwk.as_object() == nullptr) return bad_key("no JSON object");
  for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    if (jwk.find(name) != nullptr) return bad_key(fmt::format("it holds the private member `{}`", name));
  }
  if (Status fit = check_purpose(jwk); !fit) return fail(fit.error());
  auto impl = std::make_shared<Impl>();
  if (const json::Value* kid = jwk.find("kid")) {
    const std::string* text = kid->as_string();
    if (text == nullptr || text->size() > kMaxKeyIdBytes) {
      return bad_key(fmt::format("`kid` is no string of at most {} bytes", kMaxKeyIdBytes));
    }
    impl->key_id = *text;
  }
  Result<Material> material = material_of(jwk);
  if (!material) return fail(material.error());
  if (const json::Value* alg = jwk.find("alg")) {
    const std::string* name = alg->as_string();
    impl->pinned = name == nullptr ? std::nullopt : parse_algorithm(*name);
    const auto& able = material->algorithms;
    if (!impl->pinned || std::find(able.begin(), able.end(), *impl->pinned) == able.end()) {
      return bad_key(fmt::format("`alg` is {}, which is not taken for this key type",
                                 name == nullptr ? "no string" : printable(*name, 40)));
    }
  }
  for (const Algorithm algorithm : material->algorithms) {
    if (impl->pinned && algorithm != *impl->pinned) continue;
    Result<Verifier> verifier = make_verifier(material->key.get(), algorithm);
    if (!verifier) return fail(verifier.error());
    impl->verifiers.push_back(std::move(*verifier));
  }
  impl->required = std::move(material->required);
  impl->thumbprint = base64url_encode(as_view(sha256(json::dump(impl->required))));
  impl->key = std::move(material->key);
  return PublicKey(std::move(impl));
}

const std::string& PublicKey::key_id() const { return impl_->key_id; }
std::string PublicKey::thumbprint() const { return impl_->thumbprint; }

bool PublicKey::can(Algorithm algorithm) const {
  return std::any_of(impl_->verifiers.begin(), impl_->verifiers.end(),
                     [algorithm](const Verifier& verifier) { return verifier.algorithm == algorithm; });
}

bool PublicKey::verify(Algorithm algorithm, std::string_view signing_input, std::string_view signature) const {
  const auto verifier = std::find_if(impl_->verifiers.begin(), impl_->verifiers.end(),
                                     [algorithm](const Verifier& v) { return v.algorithm == algorithm; });
  if (verifier == impl_->verifiers.end()) return false;
  if (verifier->whole) {
    const DigestContext context(EVP_MD_CTX_new());
    return context && EVP_MD_CTX_copy_ex(context.get(), verifier->whole.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signing_input),
                            signing_input.size()) == 1;
  }
  const PkeyContext context(EVP_PKEY_CTX_dup(verifier->prehashed.get()));
  if (!context) return false;
  if (algorithm == Algorithm::RS256 || algorithm == Algorithm::PS256) {
    const Sha256 digest = sha256(signing_input);
    return EVP_PKEY_verify(context.get(), bytes_of(signature), signature.size(), digest.data(), digest.size()) == 1;
  }
  const bool p256 = algorithm == Algorithm::ES256;
  const std::optional<DerSignature> der = ecdsa_to_der(p256 ? Curve::p256 : Curve::p384, signature);
  if (!der) return false;
  std::array<unsigned char, SHA384_DIGEST_LENGTH> digest{};
  if (p256) {
    SHA256(bytes_of(signing_input), signing_input.size(), digest.data());
  } else {
    SHA384(bytes_of(signing_input), signing_input.size(), digest.data());
  }
  return EVP_PKEY_verify(context.get(), der->data(), der->size(), digest.data(), p256 ? 32 : 48) == 1;
}

json::Value PublicKey::to_jwk() const {
  json::Value jwk = impl_->required;
  if (!impl_->key_id.empty()) jwk.set("kid", impl_->key_id);
  if (impl_->verifiers.size() == 1) jwk.set("alg", to_string(impl_->verifiers.front().algorithm));
  jwk.set("use", "sig");
  return jwk;
}

namespace {

std::unexpected<Error> bad_pem(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("{}; an unencrypted Ed25519 private key in PKCS#8 PEM is taken "
                                                    "(openssl genpkey -algorithm ed25519)",
                                                    what));
}

Result<PublicKey> public_half(EVP_PKEY* key) {
  std::array<unsigned char, 32> raw{};
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) {
    return fail(ErrorCode::internal, "OpenSSL gives no public half of an Ed25519 key");
  }
  json::Value jwk;
  jwk.set("kty", "OKP");
  jwk.set("crv", "Ed25519");
  jwk.set("x", base64url_encode({reinterpret_cast<const char*>(raw.data()), raw.size()}));
  jwk.set("alg", to_string(Algorithm::EdDSA));
  const Result<PublicKey> unnamed = PublicKey::from_jwk(jwk);
  if (!unnamed) return fail(unnamed.error());
  jwk.set("kid", unnamed->thumbprint());
  return PublicKey::from_jwk(jwk);
}

// OpenSSL's own would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<SigningKey> SigningKey::from_pem(const Secret& pem) {
  const std::string_view text = pem.reveal();
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return fail(ErrorCode::internal, "OpenSSL: out of memory");
  auto impl = std::make_shared<Impl>();
  impl->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!impl->key) return bad_pem("no readable private key");
  if (EVP_PKEY_is_a(impl->key.get(), "ED25519") != 1) return bad_pem("a private key of another type");
  Result<PublicKey> half = public_half(impl->key.get());
  if (!half) return fail(half.error());
  impl->public_key = std::move(*half);
  return SigningKey(std::move(impl));
}

Result<SigningKey> SigningKey::generate_ed25519() {
  auto impl = std::make_shared<Impl>();
  impl->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!impl->key) return fail(ErrorCode::internal, "OpenSSL makes no Ed25519 key");
  Result<PublicKey> half = public_half(impl->key.get());
  if (!half) return fail(half.error());
  impl->public_key = std::move(*half);
  return SigningKey(std::move(impl));
}

Secret SigningKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return {};
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return Secret(std::string(bytes, static_cast<std::size_t>(size)));
}

PublicKey SigningKey::public_key() const { return *impl_->public_key; }

Result<std::string> SigningKey::sign(std::string_view signing_input) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(signing_input),
                     signing_input.size()) != 1 ||
      size != signature.size()) {
    return fail(ErrorCode::internal, "OpenSSL does not sign with an Ed25519 key");
  }
  return signature;
}

}  // namespace postern::identity
