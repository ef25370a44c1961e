#include "gateway/app/gateway_app.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "gateway/access/bundle.h"
#include "gateway/app/api.h"
#include "gateway/app/endpoints.h"
#include "gateway/app/gate.h"
#include "gateway/app/keeper.h"
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_client_fetch.h"
#include "gateway/net/tls_pair.h"
#include "gateway/store/checkpointer.h"
#include "gateway/store/witness.h"

namespace postern::app {
namespace {

using audit::EntryKind;

constexpr mode_t kSocketMode = 0666;  // whoever connects is named by the kernel, and the rules decide

// One thread with its loop, and everything on it. Made and destroyed on that thread, since sockets, timers and gates
// belong to it.
struct Shard {
  std::unique_ptr<net::EventLoop> loop;
  std::unique_ptr<net::Upstream> upstream;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Endpoints> endpoints;
  std::unique_ptr<net::Server> server;
  std::jthread thread;
};

net::Task<void> serve(Gate& gate, Endpoints& endpoints, std::shared_ptr<net::Exchange> exchange) {
  Request request = gate.make_request(std::move(exchange));
  if (Endpoints::is_ours(request.exchange->target())) {
    co_await endpoints.handle(request);
  } else {
    co_await gate.handle(request);
  }
}

// The processors this process may run on, which taskset, systemd or a container may have made fewer than there are.
unsigned usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
}

audit::AuditEntry own_entry(const Clock& clock, EntryKind kind) {
  audit::AuditEntry entry;
  entry.kind = kind;
  entry.at = clock.wall();
  return entry;
}

}  // namespace

struct GatewayApp::Parts {
  GatewayOptions options;
  SystemClock clock;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<identity::KeyRefresher> keys;
  Guarded<std::shared_ptr<const InForce>> in_force;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::Checkpointer> checkpointer;
  std::unique_ptr<spool::Spool> spool;
  audit::RefusalAggregator refusals;
  LfsUploads lfs_uploads;
  InFlight in_flight;
  Metrics metrics;
  std::unique_ptr<net::Workers> workers;
  std::unique_ptr<Api> api;
  std::vector<net::Listener> listeners;
  std::vector<std::unique_ptr<Shard>> shards;
  std::unique_ptr<Keeper> keeper;
  std::jthread key_thread;
  std::mutex reload_mutex;
  std::once_flag stopped;

  std::shared_ptr<const InForce> now_in_force() { return *in_force.lock(); }
  Status publish(const InForce& loaded);
  Status open();
  Status start_shards();
  void stop();
};

// The hook's side of what is in force.
Status GatewayApp::Parts::publish(const InForce& loaded) {
  std::vector<identity::PublicKey> ticket_keys;
  for (const identity::SigningKey& key : loaded.ticket_keys) ticket_keys.push_back(key.public_key());
  const access::HookBundle bundle =
      config::make_hook_bundle(loaded.config, *loaded.rules, std::move(ticket_keys), clock.wall());
  if (Status published = access::publish_bundle(loaded.config.tickets.bundle, bundle, *loaded.rules); !published) {
    return fail(in_context("[tickets] bundle", published.error()));
  }
  return {};
}

Status GatewayApp::Parts::open() {
  http = net::make_http_client();
  keys = std::make_unique<identity::KeyRefresher>(clock, net::make_issuer_fetch(*http));
  Result<std::shared_ptr<const InForce>> loaded = load_in_force(options.config_path, clock, *keys);
  if (!loaded) return fail(loaded.error());
  *in_force.lock() = *loaded;
  const config::Config& config = (*loaded)->config;

  Result<std::unique_ptr<store::Store>> opened = store::open_store(config.store.url);
  if (!opened) return fail(in_context("[store] url", opened.error()));
  store = std::move(*opened);
  std::vector<std::unique_ptr<store::Witness>> witnesses;
  for (const std::string& url : config.audit.witness) {
    Result<std::unique_ptr<store::Witness>> witness = store::open_witness(url);
    if (!witness) return fail(in_context("[audit] witness", witness.error()));
    witnesses.push_back(std::move(*witness));
  }
  if (config.audit.signing_keys.empty()) {
    return fail(ErrorCode::bad_usage,
                "[audit] signing_keys: at least one key must stand there; `postern init` makes one");
  }
  const config::SecretRef& audit_ref = config.audit.signing_keys.front();
  Result<Secret> audit_pem = config::resolve(audit_ref);
  if (!audit_pem) return fail(in_context("[audit] signing_keys", audit_pem.error()));
  Result<identity::SigningKey> audit_key = identity::SigningKey::from_pem(*audit_pem);
  if (!audit_key) return fail(in_context("[audit] signing_keys: " + audit_ref.text(), audit_key.error()));

  spool = std::make_unique<spool::Spool>(config.tickets.spool);
  if (Status check = spool->check(); !check) log::warning("spool.check", {{"what", check.error().message}});
  if (Status published = publish(**loaded); !published) return published;

  if (!config.server.tls_certificate.empty()) {
    Result<std::string> certificate = read_file(config.server.tls_certificate, net::kTlsPemBytes);
    if (!certificate) return fail(in_context("[server] tls_certificate", certificate.error()));
    options.server.tls_certificate = std::move(*certificate);
    if (!config.server.tls_key) return fail(ErrorCode::bad_usage, "[server] tls_key: a certificate needs its key");
    Result<Secret> key = config::resolve(*config.server.tls_key);
    if (!key) return fail(in_context("[server] tls_key", key.error()));
    const Result<WallTime> until = net::tls_pair_expiry(options.server.tls_certificate, *key);
    if (!until) return fail(in_context("[server] tls_certificate and tls_key", until.error()));
    if (*until <= clock.wall()) {
      log::warning("tls.expired", {{"file", config.server.tls_certificate}, {"until", to_rfc3339(*until)}});
    }
    options.server.tls_key = std::move(*key);
  }
  for (const config::Listen& listen : config.server.listen) {
    Result<net::Listener> listener = listen.is_unix ? net::Listener::unix_socket(listen.path, kSocketMode)
                                                    : net::Listener::tcp(listen.host, listen.port);
    if (!listener) {
      Error error = in_context("[server] listen", listener.error());
      if (listen.is_unix && error.code == ErrorCode::not_found) {
        error.message += "; fix: make the directory of the socket (RuntimeDirectory=postern in a unit)";
      } else if (!listen.is_unix) {
        error.message += "; fix: ss -ltnp shows who listens there";
      }
      return fail(std::move(error));
    }
    listeners.push_back(std::move(*listener));
  }

  workers = std::make_unique<net::Workers>(4);
  checkpointer = std::make_unique<store::Checkpointer>(*store, clock, std::move(*audit_key), std::move(witnesses));
  audit::AuditEntry started = own_entry(clock, EntryKind::gateway_start);
  started.detail.set("version", POSTERN_VERSION);
  started.detail.set("rules", (*loaded)->rules->digest());
  if (Result<store::Seq> seq = store->append_and_wait(std::move(started)); !seq) {
    return fail(in_context("[store] url: recording the start", seq.error()));
  }
  checkpointer->start();
  return {};
}

Status GatewayApp::Parts::start_shards() {
  const GateParts gate_parts{clock, *store, refusals, *spool, *workers, lfs_uploads, in_flight, metrics};
  const std::shared_ptr<const InForce> loaded = now_in_force();
  unsigned count = options.shards != 0 ? options.shards : usable_processors();
  net::UpstreamOptions upstream_options;
  upstream_options.response_timeout = loaded->config.upstream.hook_timeout + std::chrono::minutes(1);
  for (unsigned i = 0; i < count; ++i) {
    auto shard = std::make_unique<Shard>();
    Result<std::unique_ptr<net::EventLoop>> loop = net::EventLoop::make();
    if (!loop) return fail(loop.error());
    shard->loop = std::move(*loop);
    Result<std::unique_ptr<net::Upstream>> upstream =
        net::Upstream::make(*shard->loop, loaded->config.upstream.url, upstream_options);
    if (!upstream) return fail(upstream.error());
    shard->upstream = std::move(*upstream);
    shard->gate = std::make_unique<Gate>(*shard->loop, *shard->upstream, gate_parts, loaded);
    shard->endpoints = std::make_unique<Endpoints>(*shard->loop, *shard->gate, gate_parts, *api);
    Gate& gate = *shard->gate;
    Endpoints& endpoints = *shard->endpoints;
    Result<std::unique_ptr<net::Server>> server =
        net::make_server(*shard->loop, listeners, options.server,
                         [&gate, &endpoints](auto exchange) { return serve(gate, endpoints, std::move(exchange)); });
    if (!server) {
      return fail(loaded->config.server.tls_certificate.empty()
                      ? server.error()
                      : in_context("[server] tls_certificate and tls_key", server.error()));
    }
    shard->server = std::move(*server);
    shards.push_back(std::move(shard));
  }
  store->on_accepted_push([this](store::Seq) {
    for (const auto& shard : shards) {
      Endpoints* endpoints = shard->endpoints.get();
      shard->loop->post([endpoints] { endpoints->wake_waiting(); });
    }
  });
  Result<std::unique_ptr<Keeper>> made = Keeper::make(gate_parts, [this] { return now_in_force(); });
  if (!made) return fail(made.error());
  keeper = std::move(*made);
  // Before the first request: what a gateway that died left open.
  keeper->round();
  for (const auto& shard : shards) {
    net::EventLoop* loop = shard->loop.get();
    shard->thread = std::jthread([loop] { loop->run(); });
  }
  keeper->start();
  key_thread = std::jthread([this](const std::stop_token& stop) { keys->run(stop); });
  return {};
}

void GatewayApp::Parts::stop() {
  // No more connections; what is under way gets its time, then it is cut.
  for (const auto& shard : shards) {
    if (!shard->thread.joinable()) continue;
    net::Server* server = shard->server.get();
    shard->loop->post([server] { server->stop_accepting(); });
  }
  const auto deadline = std::chrono::steady_clock::now() + options.stop_grace;
  for (const auto& shard : shards) {
    if (!shard->thread.joinable()) continue;
    while (true) {
      std::promise<std::size_t> promise;
      std::future<std::size_t> open = promise.get_future();
      const bool late = std::chrono::steady_clock::now() > deadline;
      shard->loop->post([&shard, &promise, late] {
        if (late) {
          shard->server->abort_all();
          shard->upstream->close_all();
        } else {
          shard->endpoints->end_waiting();
        }
        promise.set_value(shard->server->open_exchanges() + shard->upstream->active());
      });
      if (open.get() == 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (std::chrono::steady_clock::now() > deadline + std::chrono::seconds(5)) break;
    }
    shard->loop->stop();
    shard->thread.join();
  }
  if (keeper) keeper->stop();
  if (key_thread.joinable()) {
    key_thread.request_stop();
    key_thread.join();
  }
  // Servers first: what they cut off may still hand work to the workers, and the workers post to the loops.
  for (const auto& shard : shards) shard->server.reset();
  workers.reset();
  for (const auto& shard : shards) {
    shard->endpoints.reset();
    shard->gate.reset();
    shard->upstream.reset();
  }
  for (const net::Listener& listener : listeners) listener.remove_file();
  if (store) {
    if (Result<store::Seq> seq = store->append_and_wait(own_entry(clock, EntryKind::gateway_stop)); !seq) {
      log::error("store.append", {{"what", seq.error().message}});
    }
    if (checkpointer) checkpointer->stop();
    store->close();
  }
}

GatewayApp::GatewayApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

GatewayApp::~GatewayApp() { stop(); }

void GatewayApp::stop() {
  std::call_once(parts_->stopped, [this] { parts_->stop(); });
}

Result<std::unique_ptr<GatewayApp>> GatewayApp::start(GatewayOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  if (Status opened = parts->open(); !opened) return fail(opened.error());
  std::unique_ptr<GatewayApp> app(new GatewayApp(std::move(parts)));
  Api::Parts api_parts;
  api_parts.store = app->parts_->store.get();
  api_parts.clock = &app->parts_->clock;
  GatewayApp* self = app.get();
  api_parts.reload = [self](const ApiRequest& request) -> Result<json::Value> {
    Result<std::string> digest = self->reload(request.who.name, request.request_id);
    if (!digest) return fail(digest.error());
    json::Value value = json::Object{};
    value.set("rules", *digest);
    return value;
  };
  app->parts_->api = std::make_unique<Api>(std::move(api_parts));
  if (Status started = app->parts_->start_shards(); !started) return fail(started.error());
  return app;
}

Result<std::string> GatewayApp::reload(const std::string& asked_by, const std::string& request_id) {
  const std::lock_guard lock(parts_->reload_mutex);
  const std::shared_ptr<const InForce> before = parts_->now_in_force();
  Result<std::shared_ptr<const InForce>> loaded =
      load_in_force(parts_->options.config_path, parts_->clock, *parts_->keys);
  Status published = loaded ? parts_->publish(**loaded) : Status(fail(loaded.error()));
  // One line in log and record; a configuration's mistakes stand on one each.
  std::string reason = published ? "" : published.error().message;
  for (std::size_t at = 0; (at = reason.find('\n', at)) != std::string::npos; at += 2) reason.replace(at, 1, "; ");
  audit::AuditEntry entry = own_entry(parts_->clock, published ? EntryKind::rules_load : EntryKind::rules_refused);
  entry.request_id = request_id;
  entry.who.name = asked_by;
  entry.detail.set("rules", published ? (*loaded)->rules->digest() : before->rules->digest());
  if (!published) entry.detail.set("reason", reason);
  Result<store::Seq> recorded = parts_->store->append_and_wait(std::move(entry));
  if (!published) {
    log::error("rules.refused", {{"what", reason}, {"in_force", before->rules->digest()}});
    return fail(published.error());
  }
  if (!recorded) {
    log::error("rules.refused", {{"what", recorded.error().message}, {"in_force", before->rules->digest()}});
    // The bundle must be that of the rules in force.
    if (Status back = parts_->publish(*before); !back) log::error("bundle.publish", {{"what", back.error().message}});
    return fail(in_context("recording the reload", recorded.error()));
  }
  const config::Config& was = before->config;
  const config::Config& is = (*loaded)->config;
  if (was.store.url != is.store.url || was.upstream.url != is.upstream.url || was.tickets.spool != is.tickets.spool ||
      was.server.tls_certificate != is.server.tls_certificate) {
    log::warning(
        "config.needs_restart",
        {{"what", "[server] tls_certificate, [store] url, [upstream] url or [tickets] spool changed: restart"}});
  }
  *parts_->in_force.lock() = *loaded;
  for (const auto& shard : parts_->shards) {
    Gate* gate = shard->gate.get();
    shard->loop->post([gate, in_force = *loaded] { gate->install(in_force); });
  }
  log::info("rules.load", {{"rules", (*loaded)->rules->digest()}, {"asked_by", asked_by}});
  return (*loaded)->rules->digest();
}

std::vector<std::uint16_t> GatewayApp::ports() const {
  std::vector<std::uint16_t> ports;
  for (const net::Listener& listener : parts_->listeners) {
    if (!listener.is_unix()) ports.push_back(listener.port());
  }
  return ports;
}

}  // namespace postern::app
