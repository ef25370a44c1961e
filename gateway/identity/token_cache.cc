#include "gateway/identity/token_cache.h"

#include <algorithm>

namespace postern::identity {

TokenCache::Hit TokenCache::find(const Sha256& key, WallTime now) {
  auto shard = shards_[key[0] % kShards].lock();
  const auto at = shard->find(key);
  if (at == shard->end()) return {};
  const Entry& entry = at->second;
  if (now < entry.from || now >= entry.until) {  // before: the calendar was set back
    shard->erase(at);
    return {};
  }
  return {entry.token, entry.issuer, entry.serial};
}

void TokenCache::put(const Sha256& key, VerifiedTokenPtr token, std::size_t issuer, std::uint64_t serial,
                     WallTime now) {
  const WallTime until = std::min(token->expires_at, now + std::chrono::milliseconds(kLifetime));
  if (until <= now) return;
  auto shard = shards_[key[0] % kShards].lock();
  if (shard->size() >= kPerShard) {
    std::erase_if(*shard, [now](const auto& item) { return now >= item.second.until; });
    if (shard->size() >= kPerShard) shard->erase(shard->begin());
  }
  shard->insert_or_assign(key, Entry{std::move(token), issuer, serial, now, until});
}

std::size_t TokenCache::size() {
  std::size_t out = 0;
  for (Guarded<Shard>& shard : shards_) out += shard.lock()->size();
  return out;
}

}  // namespace postern::identity
