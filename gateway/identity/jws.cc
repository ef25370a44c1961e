#include "gateway/identity/jws.h"

#include <fmt/core.h>

#include "gateway/base/encoding.h"

namespace postern::identity {
namespace {

constexpr json::Limits kHeaderLimits{.bytes = 16384, .depth = 8, .values = 256};
constexpr json::Limits kPayloadLimits{.bytes = std::size_t{1} << 20, .depth = 16, .values = 50000};
constexpr std::size_t kMaxKeyIdBytes = 256;

std::unexpected<Error> refuse(std::string_view reason, std::string_view sentence) {
  return fail(ErrorCode::invalid_input, fmt::format("{}: {}", reason, sentence));
}

bool holds_nul(const json::Value& value) {
  if (const auto* text = value.as_string()) return text->find('\0') != std::string::npos;
  if (const auto* array = value.as_array()) {
    for (const json::Value& item : *array) {
      if (holds_nul(item)) return true;
    }
  }
  if (const auto* object = value.as_object()) {
    for (const auto& [name, item] : *object) {
      if (name.find('\0') != std::string::npos || holds_nul(item)) return true;
    }
  }
  return false;
}

// One JSON object of a token. No string in it holds a NUL: what reads it on may be C.
Result<json::Value> parse_object(std::string_view part, std::string_view text, const json::Limits& limits) {
  Result<json::Value> value = json::parse(text, limits);
  // The parser's message may quote the text, which is a piece of a token: it stays out of ours.
  if (!value) return refuse("malformed", fmt::format("the token's {} is not the strict JSON that it must be", part));
  if (value->as_object() == nullptr) return refuse("malformed", fmt::format("the token's {} is no JSON object", part));
  if (text.find("\\u0000") != std::string_view::npos && holds_nul(*value)) {
    return refuse("malformed", fmt::format("the token's {} holds a NUL character", part));
  }
  return value;
}

struct Segments {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
};

Result<Segments> split(std::string_view compact) {
  const std::size_t first = compact.find('.');
  const std::size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos) {
    return refuse("malformed", "a token has three segments with dots between; this has fewer");
  }
  const std::size_t third = compact.find('.', second + 1);
  if (third != std::string_view::npos) {
    return refuse("malformed", "a signed token has three segments; this has more (encrypted tokens are not taken)");
  }
  Segments out{compact.substr(0, first), compact.substr(first + 1, second - first - 1), compact.substr(second + 1)};
  if (out.header.empty() || out.payload.empty() || out.signature.empty()) {
    return refuse("malformed", "a segment of the token is empty; an unsigned token is never taken");
  }
  return out;
}

std::string media_type(std::string_view text) {
  std::string type = ascii_lower(text);
  constexpr std::string_view kPrefix = "application/";
  if (type.starts_with(kPrefix)) type.erase(0, kPrefix.size());
  return type;
}

// The header's members that decide anything. `jwk`, `jku`, `x5u` and `x5c` are never looked at (RFC 8725 §3.10).
Status read_header(ParsedJws& jws) {
  const json::Value* alg = jws.header.find("alg");
  const std::string* alg_name = alg == nullptr ? nullptr : alg->as_string();
  const std::optional<Algorithm> algorithm = alg_name == nullptr ? std::nullopt : parse_algorithm(*alg_name);
  if (!algorithm) {
    return refuse("alg_not_allowed",
                  "the token's signature algorithm is not one of RS256, PS256, ES256, ES384, EdDSA, Ed25519");
  }
  jws.algorithm = *algorithm;
  // RFC 7515 §4.1.11: what is critical and not understood refuses. We understand no extension, so `crit` in any form
  // does.
  if (jws.header.find("crit") != nullptr) return refuse("critical_header", "the token's header has `crit`");
  if (jws.header.find("b64") != nullptr) return refuse("critical_header", "the token's header has `b64` (RFC 7797)");
  if (const json::Value* kid = jws.header.find("kid")) {
    const std::string* text = kid->as_string();
    if (text == nullptr || text->size() > kMaxKeyIdBytes) {
      return refuse("malformed", fmt::format("the token's `kid` is no string of at most {} bytes", kMaxKeyIdBytes));
    }
    jws.key_id = *text;
  }
  if (const json::Value* typ = jws.header.find("typ")) {
    const std::string* text = typ->as_string();
    if (text == nullptr) return refuse("malformed", "the token's `typ` is no string");
    jws.type = media_type(*text);
  }
  return {};
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::RS256: return "RS256";
    case Algorithm::PS256: return "PS256";
    case Algorithm::ES256: return "ES256";
    case Algorithm::ES384: return "ES384";
    case Algorithm::EdDSA: return "EdDSA";
  }
  return "";
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (const Algorithm algorithm :
       {Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA}) {
    if (name == to_string(algorithm)) return algorithm;
  }
  if (name == "Ed25519") return Algorithm::EdDSA;
  return std::nullopt;
}

Result<ParsedJws> parse_jws(std::string_view compact, std::size_t max_bytes) {
  if (compact.size() > max_bytes) {
    return fail(ErrorCode::limit,
                fmt::format("too_large: a token of {} bytes; the limit is {}", compact.size(), max_bytes));
  }
  const Result<Segments> segments = split(compact);
  if (!segments) return fail(segments.error());
  const Result<std::string> header = base64url_decode(segments->header);
  const Result<std::string> payload = base64url_decode(segments->payload);
  Result<std::string> signature = base64url_decode(segments->signature);
  if (!header || !payload || !signature) {
    return refuse("malformed", "a segment of the token is not unpadded base64url (RFC 7515 section 2)");
  }
  ParsedJws jws;
  Result<json::Value> header_object = parse_object("header", *header, kHeaderLimits);
  if (!header_object) return fail(header_object.error());
  jws.header = std::move(*header_object);
  if (Status read = read_header(jws); !read) return fail(read.error());
  Result<json::Value> payload_object = parse_object("payload", *payload, kPayloadLimits);
  if (!payload_object) return fail(payload_object.error());
  jws.payload = std::move(*payload_object);
  jws.signing_input = compact.substr(0, segments->header.size() + 1 + segments->payload.size());
  jws.signature = std::move(*signature);
  return jws;
}

Result<std::string> sign_jws(std::string_view type, const json::Value& payload, const SigningKey& key) {
  json::Value header;
  header.set("alg", to_string(Algorithm::EdDSA));
  header.set("typ", type);
  header.set("kid", key.public_key().key_id());
  std::string out = base64url_encode(json::dump(header)) + "." + base64url_encode(json::dump(payload));
  Result<std::string> signature = key.sign(out);
  if (!signature) return fail(signature.error());
  out += '.';
  out += base64url_encode(*signature);
  return out;
}

}  // namespace postern::identity
