// Whatever comes as a token, as a set of keys or as an Authorization header: read without harm, and refused or
// consistent.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/base/encoding.h"
#include "gateway/identity/claims.h"
#include "gateway/identity/credential.h"
#include "gateway/identity/issuer_url.h"
#include "gateway/identity/jws.h"
#include "gateway/identity/key_set.h"

using namespace postern;
using namespace postern::identity;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void token(std::string_view text) {
  Result<ParsedJws> jws = parse_jws(text);
  if (!jws) {
    must(jws.error().message.find(": ") != std::string::npos);
    return;
  }
  must(jws->payload.as_object() != nullptr && jws->header.as_object() != nullptr);
  must(jws->header.find("crit") == nullptr && !jws->signature.empty());
  // One spelling: what was read is what base64url would write again.
  must(text == jws->signing_input + "." + base64url_encode(jws->signature));
  IssuerConfig issuer;
  issuer.name = "i";
  issuer.issuer = "i";
  issuer.audiences = {"a"};
  issuer.max_token_age = std::chrono::hours(1);
  const auto judged = judge_claims(std::move(jws->payload), issuer, WallTime(std::chrono::seconds(1'700'000'000)));
  if (const auto* taken = std::get_if<VerifiedToken>(&judged)) must(!taken->subject.empty());
}

void keys(std::string_view text) {
  const Result<KeySnapshot> set = KeySnapshot::from_jwks(text, "i");
  if (set) must(set->size() > 0 && set->size() <= 100);
  const Result<json::Value> jwk = json::parse(text);
  if (!jwk) return;
  const Result<PublicKey> key = PublicKey::from_jwk(*jwk);
  if (!key) return;
  const Result<PublicKey> again = PublicKey::from_jwk(key->to_jwk());
  must(again && again->thumbprint() == key->thumbprint());
  for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA}) {
    must(!key->verify(algorithm, "m", std::string(64, '\0')));
  }
}

void header(std::string_view text) {
  const Credential credential = credential_of({&text, 1});
  must(token_in(credential).size() <= text.size());
  if (parse_issuer_url(text))
    must(text.find('@') == text.npos || text.find('/', 8) < text.find('@') || text.find('?') < text.find('@'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: token(text); break;
    case 1: keys(text); break;
    case 2: header(text); break;
    case 3: {  // header and payload as they are, so that the fuzzer need not learn base64
      const std::size_t cut = text.find('\n');
      if (cut == text.npos) break;
      token(base64url_encode(text.substr(0, cut)) + "." + base64url_encode(text.substr(cut + 1)) + ".c2ln");
      break;
    }
    default: break;
  }
  return 0;
}
