#include "gateway/audit/chain.h"

#include <catch2/catch.hpp>

#include "gateway/audit/checkpoint.h"
#include "gateway/base/encoding.h"

using namespace postern;
using namespace postern::audit;

namespace {
const std::string kChain = "00112233445566778899aabbccddeeff";
}

TEST_CASE("a record hash is SHA-256 over the written layout") {
  CHECK(genesis_hash(kChain) == sha256("postern-audit-genesis-v1\n" + kChain));
  Sha256 previous{};
  previous[0] = 0xab;
  const std::string number("\0\0\0\0\0\0\x01\x02", 8);
  CHECK(record_hash(kChain, 0x102, previous, "{}") ==
        sha256("postern-audit-v1\n" + kChain + number + std::string(as_view(previous)) + "{}"));
}

TEST_CASE("a chain numbers its records and links them") {
  AuditChain chain(kChain);
  CHECK(chain.head() == Head{kChain, 0, genesis_hash(kChain)});
  const Record first = chain.append("a");
  const Record second = chain.append("b");
  CHECK(first.seq == 1);
  CHECK(first.previous == genesis_hash(kChain));
  CHECK(second.seq == 2);
  CHECK(second.previous == first.hash);
  CHECK(chain.head() == Head{kChain, 2, second.hash});
  CHECK(AuditChain(Head{kChain, 1, first.hash}).append("b").hash == second.hash);
}

TEST_CASE("a checkpoint reads back under its key and under no other") {
  const auto key = *identity::SigningKey::generate_ed25519();
  const auto other = *identity::SigningKey::generate_ed25519();
  const Checkpoint checkpoint{
      7, *parse_rfc3339("2026-11-22T14:03:07.123Z"), std::string(64, 'a'), {{kChain, 42, sha256("x")}}};
  const auto jws = sign_checkpoint(checkpoint, key);
  REQUIRE(jws);
  const std::vector own = {other.public_key(), key.public_key()};
  CHECK(*open_checkpoint(*jws, own) == checkpoint);
  const std::vector foreign = {other.public_key()};
  CHECK(open_checkpoint(*jws, foreign).error().code == ErrorCode::denied);
  CHECK(open_checkpoint(*jws, {}).error().code == ErrorCode::denied);
  std::string bent = *jws;
  bent[bent.size() - 3] = bent[bent.size() - 3] == 'A' ? 'B' : 'A';
  CHECK(!open_checkpoint(bent, own));
}

TEST_CASE("a JWS of another type is no checkpoint") {
  const auto key = *identity::SigningKey::generate_ed25519();
  const std::vector keys = {key.public_key()};
  const auto honest = *sign_checkpoint({1, WallTime(), "", {}}, key);
  REQUIRE(open_checkpoint(honest, keys));
  // The very same statement, signed with the same key for another door.
  const auto jws = *identity::sign_jws("postern-ticket+jwt", identity::parse_jws(honest)->payload, key);
  const auto opened = open_checkpoint(jws, keys);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::invalid_input);
  CHECK(opened.error().message == "checkpoint: not of type postern-checkpoint+jwt");
}
