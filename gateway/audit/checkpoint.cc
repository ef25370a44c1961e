#include "gateway/audit/checkpoint.h"

#include <algorithm>

#include "gateway/base/encoding.h"

namespace postern::audit {
namespace {

constexpr std::string_view kType = "postern-checkpoint+jwt";
constexpr std::size_t kMaxJws = 256 * 1024;  // about 1,000 chains

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::invalid_input, "checkpoint: " + std::string(what));
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<Head> parse_head(const json::Value& value) {
  const std::string* chain = value.find_string("chain");
  const std::int64_t* seq = value.find_int("seq");
  const std::string* hash = value.find_string("hash");
  if (chain == nullptr || !is_hex(*chain, 32)) return malformed("a head without chain");
  if (seq == nullptr || *seq < 1) return malformed("a head without seq");
  if (hash == nullptr || !is_hex(*hash, 64)) return malformed("a head without hash");
  const auto bytes = hex_decode(*hash);
  if (!bytes) return malformed("a head without hash");
  Head head{*chain, *seq, {}};
  std::copy(bytes->begin(), bytes->end(), head.hash.begin());
  return head;
}

}  // namespace

std::string checkpoint_digest(std::string_view jws) { return hex_encode(as_view(sha256(jws))); }

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const identity::SigningKey& key) {
  json::Array heads;
  for (const Head& head : checkpoint.heads) {
    heads.push_back(json::Object{{"chain", head.chain}, {"seq", head.seq}, {"hash", hex_encode(as_view(head.hash))}});
  }
  const json::Value payload = json::Object{{"v", 1},
                                           {"number", checkpoint.number},
                                           {"at", to_rfc3339(checkpoint.at)},
                                           {"previous", checkpoint.previous},
                                           {"heads", std::move(heads)}};
  return identity::sign_jws(kType, payload, key);
}

Result<Checkpoint> open_checkpoint(std::string_view jws, std::span<const identity::PublicKey> keys) {
  const auto parsed = identity::parse_jws(jws, kMaxJws);
  if (!parsed) return malformed(parsed.error().message);
  if (parsed->type != kType) return malformed("not of type postern-checkpoint+jwt");
  const bool held = std::any_of(keys.begin(), keys.end(), [&](const identity::PublicKey& key) {
    return parsed->algorithm == identity::Algorithm::EdDSA && key.can(parsed->algorithm) &&
           key.verify(parsed->algorithm, parsed->signing_input, parsed->signature);
  });
  if (!held) {
    return fail(ErrorCode::denied,
                "checkpoint: signed by none of the given keys (its kid is " + printable(parsed->key_id, 80) + ")");
  }
  const json::Value& payload = parsed->payload;
  const std::int64_t* version = payload.find_int("v");
  const std::int64_t* number = payload.find_int("number");
  const std::string* at = payload.find_string("at");
  const std::string* previous = payload.find_string("previous");
  const json::Value* heads = payload.find("heads");
  if (version == nullptr || *version != 1) return malformed("not of version 1");
  if (number == nullptr || *number < 1) return malformed("without number");
  if (previous == nullptr || !(previous->empty() || is_hex(*previous, 64))) return malformed("without previous");
  const auto time = at == nullptr ? Result<WallTime>(malformed("without time")) : parse_rfc3339(*at);
  if (!time) return malformed("without time");
  if (heads == nullptr || heads->as_array() == nullptr) return malformed("without heads");
  Checkpoint checkpoint{*number, *time, *previous, {}};
  for (const json::Value& item : *heads->as_array()) {
    auto head = parse_head(item);
    if (!head) return fail(head.error());
    checkpoint.heads.push_back(std::move(*head));
  }
  return checkpoint;
}

}  // namespace postern::audit
