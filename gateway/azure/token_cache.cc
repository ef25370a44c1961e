#include "gateway/azure/token_cache.h"

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/log.h"

namespace postern::azure {

using namespace std::chrono_literals;

Result<Secret> TokenCache::token(const std::string& audience) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[audience];  // entries are never erased, so this stays valid without the lock
  asked_.wait(lock, [&] { return !entry.asking; });
  const MonoTime now = clock_.mono();
  if (!entry.value.empty() && now < entry.renew_at) return entry.value.copy();
  if (entry.failed && now < entry.silent_until) {
    if (!entry.value.empty() && now < entry.ends_at) return entry.value.copy();
    return fail(entry.failure);
  }
  entry.asking = true;
  lock.unlock();
  auto acquired = credential_->acquire(audience);
  lock.lock();
  entry.asking = false;
  asked_.notify_all();
  if (acquired) {
    const auto lifetime = std::clamp<std::chrono::seconds>(acquired->lifetime, 0s, 168h);
    entry.value = std::move(acquired->value);
    entry.failed = false;
    entry.ends_at = now + lifetime;
    auto renew = lifetime > 2h ? lifetime / 2 : std::max<std::chrono::seconds>(lifetime - 5min, lifetime / 2);
    if (acquired->refresh_after > 0s) renew = std::min(renew, acquired->refresh_after);
    entry.renew_at = now + renew;
    return entry.value.copy();
  }
  entry.failed = true;
  entry.failure = acquired.error();
  entry.silent_until = now + 1s + std::chrono::milliseconds(static_cast<unsigned char>(random_bytes(1)[0]) * 15);
  if (!entry.value.empty() && now < entry.ends_at) {
    log::warning("azure.token_not_renewed", {{"source", credential_->describe()}, {"error", entry.failure.message}});
    return entry.value.copy();
  }
  return fail(entry.failure);
}

void TokenCache::drop(const std::string& audience) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[audience];
  if (entry.asking) return;
  entry.value = Secret();
  entry.failed = false;
}

}  // namespace postern::azure
