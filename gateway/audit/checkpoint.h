// Checkpoints: signed statements of where every chain stood (schema/audit_log.md). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/chain.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/identity/jws.h"

namespace postern::audit {

// Value. Checkpoints are a chain too: each names the digest of the one before.
struct Checkpoint {
  std::int64_t number = 0;  // from 1
  WallTime at{};
  std::string previous;     // checkpoint_digest() of number - 1; empty for the first
  std::vector<Head> heads;  // of every chain with a record, by chain id
  bool operator==(const Checkpoint&) const = default;
};

std::string checkpoint_digest(std::string_view jws);  // SHA-256 of the compact form, lower-case hex

// Compact JWS, EdDSA, typ "postern-checkpoint+jwt". internal when the key cannot sign.
Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const identity::SigningKey& key);

// denied when none of `keys` signed it; invalid_input when it has not the form.
Result<Checkpoint> open_checkpoint(std::string_view jws, std::span<const identity::PublicKey> keys);

}  // namespace postern::audit
