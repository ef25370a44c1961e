// Tokens that were verified a moment ago.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/base/guarded.h"
#include "gateway/identity/identity.h"

namespace postern::identity {

// Guarded resource, thread-safe. The key is the SHA-256 of the whole token, never a part of what it says: two tokens
// that share a key would share their rights.
class TokenCache {
 public:
  static constexpr std::chrono::seconds kLifetime{60};
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kPerShard = 256;  // a few KiB each: 16 MiB at most together

  // Null unless it was put within kLifetime, under the same serial of its issuer's keys, and has not expired.
  struct Hit {
    VerifiedTokenPtr token;
    std::size_t issuer = 0;
    std::uint64_t serial = 0;
  };
  Hit find(const Sha256& key, WallTime now);
  void put(const Sha256& key, VerifiedTokenPtr token, std::size_t issuer, std::uint64_t serial, WallTime now);
  std::size_t size();

 private:
  struct Hash {
    std::size_t operator()(const Sha256& key) const {
      std::size_t out = 0;
      std::memcpy(&out, key.data() + 1, sizeof out);
      return out;
    }
  };
  struct Entry {
    VerifiedTokenPtr token;
    std::size_t issuer;
    std::uint64_t serial;
    WallTime from;
    WallTime until;
  };
  using Shard = std::unordered_map<Sha256, Entry, Hash>;

  std::array<Guarded<Shard>, kShards> shards_;
};

}  // namespace postern::identity
