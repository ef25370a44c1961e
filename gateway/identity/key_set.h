// The public keys of one issuer: fetched, kept, renewed (OpenID Connect Discovery 1.0 §4; RFC 7517 §5).
//
// Looking a key up never waits for the network. What a look-up cannot answer it hands back as "refresh first", which a
// worker does by refresh(), and a KeyRefresher renews every set before it grows old.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/guarded.h"
#include "gateway/base/result.h"
#include "gateway/identity/jws.h"

namespace postern::identity {

// What a key set wants to read.
struct FetchRequest {
  std::string url;      // https:, http: (loopback only) or "file:/absolute/path"
  std::string ca_file;  // empty: the system's
  // The host stands in the configuration. False: another party named it (`jwks_uri` on a host that is not the
  // issuer's), so it must not lead to a loopback, link-local or private address.
  bool configured_host = true;
};
struct Fetched {
  int status = 200;
  std::string body;           // at most kMaxKeySetBytes, or the fetch fails with limit
  std::string cache_control;  // header values; empty when absent
  std::string retry_after;
};
inline constexpr std::size_t kMaxKeySetBytes = std::size_t{1} << 20;
inline constexpr std::chrono::seconds kFetchTimeout{5};
// Called from any thread, never under a lock. Must not follow redirects, and gives up after kFetchTimeout.
using Fetch = std::function<Result<Fetched>(const FetchRequest&)>;

// Where an issuer's keys come from. Value.
struct KeySource {
  std::string issuer_name;  // [[issuer]] name, for the log
  std::string issuer;       // the `iss`; discovery's document must name it byte for byte
  std::string jwks_url;     // neither this nor jwks_file: discovery
  std::string jwks_file;
  std::string ca_file;
  bool operator==(const KeySource&) const = default;
};

// Shared immutable: the usable keys of one fetched set.
class KeySnapshot {
 public:
  // From a JWKS document. Keys that cannot be used are left out and named in `skipped`; of keys that share a `kid` none
  // is used; a key that Entra published for another tenant is not used. invalid_input when no key is left, when there
  // are more than 100, or when the set holds a private member (whoever published that has no secret any more).
  static Result<KeySnapshot> from_jwks(std::string_view text, std::string_view issuer);

  // The key of that id; with an empty id the one key that can do `algorithm`, if there is exactly one.
  const PublicKey* find(std::string_view key_id, Algorithm algorithm) const;
  std::size_t size() const { return keys_.size(); }
  const std::vector<std::string>& skipped() const { return skipped_; }  // one sentence each
  bool same_keys(const KeySnapshot& other) const;

 private:
  std::vector<PublicKey> keys_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::vector<std::string> skipped_;
};

enum class KeyState {
  found,
  unknown,        // the issuer has no such key, as seen within kUnknownKeyInterval or confirmed lately
  needs_refresh,  // a refresh may answer it, and one is allowed now
  unavailable,    // no usable set, or an unknown key, and the last attempt to refresh failed
};
struct KeyAnswer {
  KeyState state = KeyState::unavailable;
  std::optional<PublicKey> key;  // when found
};

inline constexpr std::chrono::minutes kMinFresh{5};
inline constexpr std::chrono::minutes kDefaultFresh{10};  // an answer without Cache-Control
inline constexpr std::chrono::hours kMaxFresh{24};
inline constexpr std::chrono::hours kMaxRefreshPeriod{1};   // so that a withdrawn key is not trusted for a day
inline constexpr std::chrono::hours kHardStop{24};          // after the last success; then nothing is verified
inline constexpr std::chrono::hours kRediscoverPeriod{24};  // jwks_uri is asked for again
inline constexpr std::chrono::seconds kUnknownKeyInterval{30};
inline constexpr std::chrono::seconds kNegativePeriod{60};
inline constexpr std::size_t kMaxNegatives = 1024;
inline constexpr std::chrono::minutes kMaxBackOff{5};
inline constexpr std::chrono::minutes kMaxRetryAfter{15};

// Guarded resource, thread-safe. `clock` and what `fetch` refers to outlive it.
class KeySet {
 public:
  KeySet(KeySource source, const Clock& clock, Fetch fetch);

  // Never blocks on the network.
  KeyAnswer find(std::string_view key_id, Algorithm algorithm);

  // One fetch, unless one is under way (then waits for it, at most kFetchTimeout) or the last failure forbids it still
  // (then its error). Success says that a fetch succeeded, not that a certain key is there.
  Status refresh();

  // Is a renewal due? What a KeyRefresher asks.
  bool due() const;
  // Drops every key, for an emergency: the next look-up needs a refresh.
  void purge();
  // Changes when the set of keys changes; what was verified under another serial must be verified again.
  std::uint64_t serial() const { return serial_.load(std::memory_order_acquire); }

  struct Health {
    bool usable = false;  // some key can be found
    bool stale = false;   // past its freshness, still inside the hard stop
    std::size_t keys = 0;
    std::uint64_t stale_uses = 0;
    std::uint64_t fetches = 0;  // refreshes begun
    std::string last_error;     // of the last refresh; empty when it succeeded
  };
  Health health() const;
  const KeySource& source() const { return source_; }

 private:
  struct State {
    std::shared_ptr<const KeySnapshot> snapshot;
    MonoTime fetched_at{};
    MonoTime fresh_until{};
    MonoTime refresh_at{};
    MonoTime hard_stop{};
    std::string jwks_uri;  // from discovery
    MonoTime rediscover_at{};
    MonoTime next_attempt{};  // back-off after a failure
    unsigned failures = 0;
    bool in_flight = false;
    std::uint64_t fetches = 0;
    std::uint64_t stale_uses = 0;
    std::string last_error;
    std::unordered_map<std::string, MonoTime> negatives;  // key id -> until when it is known to be unknown
  };
  struct Loaded {
    KeySnapshot snapshot;
    std::chrono::milliseconds fresh;
    std::string jwks_uri;
    bool discovered = false;
  };
  struct Failure {
    Error error;
    std::chrono::milliseconds retry_after{};
  };

  std::expected<Loaded, Failure> load(std::string jwks_uri, bool discover) const;
  std::expected<std::string, Failure> discover() const;
  std::expected<Fetched, Failure> get(const FetchRequest& request) const;
  void install(State& state, Loaded loaded);
  void note_failure(State& state, Failure failure);
  KeyAnswer unknown(State& state, std::string_view key_id, MonoTime now);

  const KeySource source_;
  const Clock& clock_;
  const Fetch fetch_;
  mutable std::mutex mutex_;
  std::condition_variable landed_;
  State state_;
  std::atomic<std::uint64_t> serial_{0};
};

// Guarded resource, thread-safe: owns the key sets of all issuers over reloads of the configuration, and renews them.
class KeyRefresher {
 public:
  KeyRefresher(const Clock& clock, Fetch fetch) : clock_(clock), fetch_(std::move(fetch)) {}

  // The set for that source: the one already there, keys and all, while anybody still holds it; else a new one.
  std::shared_ptr<KeySet> key_set(const KeySource& source);

  // Renews what is due, once. Returns how many refreshes were tried.
  std::size_t refresh_due();

  // The body of the app's refreshing thread: refresh_due() every second until asked to stop.
  void run(const std::stop_token& stop);

 private:
  const Clock& clock_;
  const Fetch fetch_;
  Guarded<std::vector<std::weak_ptr<KeySet>>> sets_;
};

}  // namespace postern::identity
