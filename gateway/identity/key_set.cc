#include "gateway/identity/key_set.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "gateway/identity/cache_headers.h"
#include "gateway/identity/issuer_url.h"

namespace postern::identity {
namespace {

constexpr json::Limits kJwksLimits{.bytes = kMaxKeySetBytes, .depth = 16, .values = 20000};
constexpr std::size_t kMaxKeys = 100;

bool holds_private_member(const json::Value& jwk) {
  for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    if (jwk.find(name) != nullptr) return true;
  }
  return false;
}

// Entra marks each key with the tenants it signs for: a template for all, or one fixed issuer.
bool published_for(const json::Value& jwk, std::string_view issuer) {
  const json::Value* member = jwk.find("issuer");
  if (member == nullptr) return true;
  const std::string* text = member->as_string();
  return text != nullptr && (*text == issuer || text->find("{tenantid}") != std::string::npos);
}

}  // namespace

Result<KeySnapshot> KeySnapshot::from_jwks(std::string_view text, std::string_view issuer) {
  const Result<json::Value> document = json::parse(text, kJwksLimits);
  if (!document) return fail(in_context("JWKS", document.error()));
  const json::Value* member = document->find("keys");
  const json::Array* list = member == nullptr ? nullptr : member->as_array();
  if (list == nullptr) return fail(ErrorCode::invalid_input, "JWKS: it has no array `keys`");
  if (list->size() > kMaxKeys) {
    return fail(ErrorCode::invalid_input, fmt::format("JWKS: {} keys; the limit is {}", list->size(), kMaxKeys));
  }
  KeySnapshot out;
  std::unordered_map<std::string, int> seen;
  for (const json::Value& jwk : *list) {
    if (holds_private_member(jwk)) return fail(ErrorCode::invalid_input, "JWKS: it publishes a private key");
    if (const std::string* kid = jwk.find_string("kid")) ++seen[*kid];
  }
  for (const json::Value& jwk : *list) {
    const std::string* kid = jwk.find_string("kid");
    const std::string shown = kid == nullptr ? "a key without kid" : "key " + printable(*kid, 80);
    if (kid != nullptr && seen[*kid] > 1) {
      out.skipped_.push_back(shown + ": another key has the same kid");
      continue;
    }
    if (!published_for(jwk, issuer)) {
      out.skipped_.push_back(shown + ": it is published for another issuer");
      continue;
    }
    Result<PublicKey> key = PublicKey::from_jwk(jwk);
    if (!key) {
      out.skipped_.push_back(shown + ": " + key.error().message);
      continue;
    }
    if (!key->key_id().empty()) out.by_id_.emplace(key->key_id(), out.keys_.size());
    out.keys_.push_back(std::move(*key));
  }
  if (out.keys_.empty()) return fail(ErrorCode::invalid_input, "JWKS: no key in it can be used");
  return out;
}

const PublicKey* KeySnapshot::find(std::string_view key_id, Algorithm algorithm) const {
  if (!key_id.empty()) {
    const auto at = by_id_.find(std::string(key_id));
    return at == by_id_.end() ? nullptr : &keys_[at->second];
  }
  const PublicKey* only = nullptr;
  for (const PublicKey& key : keys_) {
    if (!key.can(algorithm)) continue;
    if (only != nullptr) return nullptr;
    only = &key;
  }
  return only;
}

bool KeySnapshot::same_keys(const KeySnapshot& other) const {
  const auto ids = [](const KeySnapshot& set) {
    std::vector<std::string> out;
    for (const PublicKey& key : set.keys_) out.push_back(json::dump(key.to_jwk()));
    std::sort(out.begin(), out.end());
    return out;
  };
  return ids(*this) == ids(other);
}

KeySet::KeySet(KeySource source, const Clock& clock, Fetch fetch)
    : source_(std::move(source)), clock_(clock), fetch_(std::move(fetch)) {}

KeyAnswer KeySet::find(std::string_view key_id, Algorithm algorithm) {
  std::shared_ptr<const KeySnapshot> snapshot;
  const MonoTime now = clock_.mono();
  {
    const std::lock_guard lock(mutex_);
    if (state_.snapshot == nullptr || now >= state_.hard_stop) {
      return {now >= state_.next_attempt ? KeyState::needs_refresh : KeyState::unavailable, std::nullopt};
    }
    snapshot = state_.snapshot;
    if (now >= state_.fresh_until) ++state_.stale_uses;
  }
  if (const PublicKey* key = snapshot->find(key_id, algorithm)) return {KeyState::found, *key};
  const std::lock_guard lock(mutex_);
  if (state_.snapshot != nullptr && state_.snapshot != snapshot) {  // renewed between the two locks
    if (const PublicKey* key = state_.snapshot->find(key_id, algorithm)) return {KeyState::found, *key};
  }
  return unknown(state_, key_id, now);
}

KeyAnswer KeySet::unknown(State& state, std::string_view key_id, MonoTime now) {
  const std::string id(key_id);
  if (const auto known = state.negatives.find(id); known != state.negatives.end() && now < known->second) {
    return {KeyState::unknown, std::nullopt};
  }
  // Ids come from strangers: a fetch for each would make us a tool against the issuer, so a set that young is the
  // truth.
  const bool young = state.failures == 0 && state.snapshot != nullptr && now < state.fetched_at + kUnknownKeyInterval;
  if (young) {
    if (state.negatives.size() >= kMaxNegatives) {
      std::erase_if(state.negatives, [now](const auto& entry) { return now >= entry.second; });
    }
    if (state.negatives.size() < kMaxNegatives) state.negatives[id] = now + kNegativePeriod;
    return {KeyState::unknown, std::nullopt};
  }
  return {now >= state.next_attempt ? KeyState::needs_refresh : KeyState::unavailable, std::nullopt};
}

Status KeySet::refresh() {
  std::string jwks_uri;
  bool rediscover = false;
  {
    std::unique_lock lock(mutex_);
    if (state_.in_flight) {
      const std::uint64_t mine = state_.fetches;
      const bool done =
          landed_.wait_for(lock, kFetchTimeout, [this, mine] { return !state_.in_flight || state_.fetches != mine; });
      if (!done) return fail(ErrorCode::timeout, fmt::format("issuer {}: its keys take long", source_.issuer_name));
      if (state_.failures > 0) return fail(ErrorCode::unavailable, state_.last_error);
      return {};
    }
    const MonoTime now = clock_.mono();
    if (now < state_.next_attempt) return fail(ErrorCode::unavailable, state_.last_error);
    // Two callers that saw the same unknown key: the second finds the set fetched a moment ago.
    const bool just_fetched = state_.snapshot != nullptr && state_.failures == 0 && state_.fetches > 0 &&
                              now < state_.fetched_at + kUnknownKeyInterval;
    if (just_fetched) return {};
    state_.in_flight = true;
    ++state_.fetches;
    jwks_uri = state_.jwks_uri;
    rediscover = jwks_uri.empty() || now >= state_.rediscover_at;
  }
  // The lock is free while the network works; in_flight keeps everybody else out.
  std::expected<Loaded, Failure> loaded = std::unexpected(Failure{{ErrorCode::internal, "the fetch threw"}, {}});
  try {
    loaded = load(std::move(jwks_uri), rediscover);
  } catch (const std::exception& fault) {
    loaded = std::unexpected(Failure{{ErrorCode::internal, fault.what()}, {}});
  }
  const std::lock_guard lock(mutex_);
  state_.in_flight = false;
  landed_.notify_all();
  if (!loaded) {
    note_failure(state_, loaded.error());
    return fail(ErrorCode::unavailable, state_.last_error);
  }
  install(state_, std::move(*loaded));
  return {};
}

void KeySet::install(State& state, Loaded loaded) {
  const MonoTime now = clock_.mono();
  for (const std::string& why : loaded.snapshot.skipped()) {
    log::warning("identity.key_skipped", {{"issuer", source_.issuer_name}, {"why", why}});
  }
  const bool changed = state.snapshot == nullptr || !state.snapshot->same_keys(loaded.snapshot);
  if (changed) {
    log::info("identity.keys", {{"issuer", source_.issuer_name}, {"keys", loaded.snapshot.size()}});
  }
  state.snapshot = std::make_shared<const KeySnapshot>(std::move(loaded.snapshot));
  state.fetched_at = now;
  state.fresh_until = now + loaded.fresh;
  // Not every gateway at the same instant: up to a tenth earlier, by the issuer and the count, so that it is
  // repeatable.
  const std::size_t spread = std::hash<std::string>{}(source_.issuer + std::to_string(state.fetches)) % 100;
  const auto period = std::min<std::chrono::milliseconds>(loaded.fresh * 8 / 10, kMaxRefreshPeriod);
  state.refresh_at = now + period - period * static_cast<int>(spread) / 1000;
  state.hard_stop = now + kHardStop;
  if (loaded.discovered) state.rediscover_at = now + kRediscoverPeriod;
  state.jwks_uri = std::move(loaded.jwks_uri);
  state.failures = 0;
  state.next_attempt = now;
  state.last_error.clear();
  if (changed) serial_.fetch_add(1, std::memory_order_acq_rel);
}

void KeySet::note_failure(State& state, Failure failure) {
  state.last_error = fmt::format("issuer {}: {}", source_.issuer_name, failure.error.message);
  state.jwks_uri.clear();  // it may have moved
  const auto doubled = std::chrono::seconds(1) * (1 << std::min(state.failures, 9U));
  ++state.failures;
  const auto own = std::min<std::chrono::milliseconds>(doubled, kMaxBackOff);
  const auto asked = std::min<std::chrono::milliseconds>(failure.retry_after, kMaxRetryAfter);
  state.next_attempt = clock_.mono() + std::max(own, asked);
  log::warning("identity.keys_unavailable", {{"issuer", source_.issuer_name},
                                             {"why", failure.error.message},
                                             {"failures", state.failures},
                                             {"usable", state.snapshot != nullptr ? "yes" : "no"}});
}

std::expected<Fetched, KeySet::Failure> KeySet::get(const FetchRequest& request) const {
  Result<Fetched> answer = fetch_(request);
  if (!answer) return std::unexpected(Failure{answer.error(), {}});
  if (answer->status != 200) {
    const auto retry_after = retry_after_of(answer->retry_after).value_or(std::chrono::seconds(0));
    return std::unexpected(Failure{{ErrorCode::unavailable, fmt::format("{} answers {}; 200 is taken",
                                                                        printable(request.url, 200), answer->status)},
                                   retry_after});
  }
  return std::move(*answer);
}

std::expected<std::string, KeySet::Failure> KeySet::discover() const {
  const auto refuse = [](std::string what) {
    return std::unexpected(Failure{{ErrorCode::invalid_input, "discovery: " + std::move(what)}, {}});
  };
  const Result<IssuerUrl> home = parse_issuer_url(source_.issuer);
  if (!home) return refuse("the issuer is no URL; configure jwks_url or jwks_file");
  const auto answer = get({.url = discovery_url(source_.issuer), .ca_file = source_.ca_file, .configured_host = true});
  if (!answer) return std::unexpected(answer.error());
  const Result<json::Value> document = json::parse(answer->body, kJwksLimits);
  if (!document) return refuse(document.error().message);
  const std::string* issuer = document->find_string("issuer");
  if (issuer == nullptr || *issuer != source_.issuer) {
    return refuse(
        fmt::format("the document names issuer \"{}\", the configuration \"{}\"; both must be the same "
                    "bytes (one [[issuer]] for each tenant)",
                    issuer == nullptr ? "" : printable(*issuer, 200), source_.issuer));
  }
  const std::string* uri = document->find_string("jwks_uri");
  if (uri == nullptr) return refuse("the document has no string `jwks_uri`");
  const Result<IssuerUrl> keys = parse_issuer_url(*uri);
  if (!keys) return refuse("`jwks_uri`: " + keys.error().message);
  // http: only where the issuer itself is, which the client limits to loopback; never as a step down from https:.
  if (!keys->https && (home->https || keys->authority != home->authority)) {
    return refuse("`jwks_uri` is http: on another host or under an https: issuer");
  }
  return *uri;
}

std::expected<KeySet::Loaded, KeySet::Failure> KeySet::load(std::string jwks_uri, bool rediscover) const {
  FetchRequest request{.url = source_.jwks_url, .ca_file = source_.ca_file, .configured_host = true};
  bool discovered = false;
  if (!source_.jwks_file.empty()) {
    request.url = "file:" + source_.jwks_file;
  } else if (source_.jwks_url.empty()) {
    if (rediscover) {
      auto found = discover();
      if (!found) return std::unexpected(found.error());
      jwks_uri = std::move(*found);
      discovered = true;
    }
    request.url = jwks_uri;
    const Result<IssuerUrl> home = parse_issuer_url(source_.issuer);
    const Result<IssuerUrl> keys = parse_issuer_url(jwks_uri);
    request.configured_host = home && keys && home->authority == keys->authority;
    // A private authority vouches for the issuer's own host and no other.
    if (!request.configured_host) request.ca_file.clear();
  }
  auto answer = get(request);
  if (!answer) return std::unexpected(answer.error());
  Result<KeySnapshot> snapshot = KeySnapshot::from_jwks(answer->body, source_.issuer);
  if (!snapshot) return std::unexpected(Failure{snapshot.error(), {}});
  const std::chrono::seconds fresh = max_age_of(answer->cache_control).value_or(kDefaultFresh);
  return Loaded{.snapshot = std::move(*snapshot),
                .fresh = std::clamp<std::chrono::milliseconds>(fresh, kMinFresh, kMaxFresh),
                .jwks_uri = std::move(jwks_uri),
                .discovered = discovered};
}

bool KeySet::due() const {
  const std::lock_guard lock(mutex_);
  const MonoTime now = clock_.mono();
  if (state_.in_flight || now < state_.next_attempt) return false;
  return state_.snapshot == nullptr || state_.failures > 0 || now >= state_.refresh_at;
}

void KeySet::purge() {
  const std::lock_guard lock(mutex_);
  state_.snapshot = nullptr;
  state_.negatives.clear();
  state_.next_attempt = clock_.mono();
  serial_.fetch_add(1, std::memory_order_acq_rel);
}

KeySet::Health KeySet::health() const {
  const std::lock_guard lock(mutex_);
  const MonoTime now = clock_.mono();
  Health out;
  out.usable = state_.snapshot != nullptr && now < state_.hard_stop;
  out.stale = out.usable && now >= state_.fresh_until;
  out.keys = out.usable ? state_.snapshot->size() : 0;
  out.stale_uses = state_.stale_uses;
  out.fetches = state_.fetches;
  out.last_error = state_.last_error;
  return out;
}

std::shared_ptr<KeySet> KeyRefresher::key_set(const KeySource& source) {
  auto sets = sets_.lock();
  std::erase_if(*sets, [](const std::weak_ptr<KeySet>& set) { return set.expired(); });
  for (const std::weak_ptr<KeySet>& weak : *sets) {
    if (std::shared_ptr<KeySet> set = weak.lock(); set != nullptr && set->source() == source) return set;
  }
  auto set = std::make_shared<KeySet>(source, clock_, fetch_);
  sets->push_back(set);
  return set;
}

std::size_t KeyRefresher::refresh_due() {
  std::vector<std::shared_ptr<KeySet>> due;
  {
    auto sets = sets_.lock();
    for (const std::weak_ptr<KeySet>& weak : *sets) {
      if (std::shared_ptr<KeySet> set = weak.lock(); set != nullptr && set->due()) due.push_back(std::move(set));
    }
  }
  for (const std::shared_ptr<KeySet>& set : due) {
    if (const Status done = set->refresh(); !done) continue;  // logged where it failed, and tried again when due
  }
  return due.size();
}

void KeyRefresher::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    refresh_due();
    wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  }
}

}  // namespace postern::identity
