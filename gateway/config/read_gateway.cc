// [server], [upstream], [store], [tickets], [audit].
#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/config/sections.h"
#include "gateway/config/values.h"

namespace postern::config {

void read_server(Section& in, Config& config) {
  ServerConfig& server = config.server;
  server.listen = in.quoted_list("listen", false, "addresses to listen at",
                                 [&](std::string_view text) { return parse_listen(text, in.base()); });
  if (!in.has("listen")) {
    server.listen = {{.is_unix = false, .host = "127.0.0.1", .port = 8080, .path = {}},
                     {.is_unix = true, .host = {}, .port = 0, .path = "/run/postern/gateway.sock"}};
  } else if (in.is_empty_array("listen")) {
    in.error("listen", "is empty: nobody could reach the gateway");
  }
  server.external_url = in.url("external_url", "", true, {.path_allowed = false});
  server.trusted_proxies = in.quoted_list("trusted_proxies", false, "networks", IpNetwork::parse);
  if (!in.has("trusted_proxies")) {
    server.trusted_proxies = {*IpNetwork::parse("127.0.0.1/32"), *IpNetwork::parse("::1/128")};
  }
  server.tls_certificate = in.path("tls_certificate", "");
  if (const auto key = in.parsed("tls_key", false, "file:PATH or a path", [&](std::string_view text) {
        // A key file is a secret like any other, whether it is written as a reference or, as elsewhere, as a path.
        const bool reference = text.starts_with("env:") || text.starts_with("file:") || text.starts_with("keyvault:");
        return parse_secret_ref(reference ? std::string(text) : "file:" + std::string(text), in.base());
      })) {
    server.tls_key = *key;
  }
  if (server.tls_certificate.empty() != !server.tls_key) {
    in.error(in.has("tls_key") ? "tls_key" : "tls_certificate", "tls_certificate and tls_key belong together");
  }
  for (const auto& listen : server.listen) {
    if (listen.is_unix || !server.tls_certificate.empty()) continue;
    const auto address = IpAddress::parse(listen.host);
    if (address && !address->is_loopback()) {
      in.warning("listen",
                 fmt::format("{} takes tokens without TLS; an edge in front must be the only one to reach it, "
                             "or set tls_certificate and tls_key",
                             listen.text()));
    }
  }
}

void read_upstream(Section& in, Config& config) {
  UpstreamConfig& upstream = config.upstream;
  const Words<UpstreamConfig::Kind> kinds{{"gogs", UpstreamConfig::Kind::gogs}, {"git", UpstreamConfig::Kind::git}};
  in.choice("kind", upstream.kind, kinds);
  upstream.url = in.url("url", "", true, {.path_allowed = true});
  upstream.credentials = in.secrets("credentials", true);
  in.duration("hook_timeout", upstream.hook_timeout, std::chrono::seconds(1), std::chrono::hours(6));
  upstream.passthrough = in.repos("passthrough", false);
  upstream.passthrough_until = in.time("passthrough_until");
  if (!upstream.passthrough.empty() && !in.has("passthrough_until")) {
    in.error(
        "passthrough",
        "needs passthrough_until: a cut-over that nobody ends is no gate; accepted: passthrough_until = 2027-01-01");
  }
}

void read_store(Section& in, Config& config) {
  if (const auto url = in.parsed("url", false, "sqlite:PATH",
                                 [&](std::string_view text) { return parse_store_url(text, in.base()); })) {
    config.store.url = *url;
  }
}

void read_tickets(Section& in, Config& config) {
  TicketsConfig& tickets = config.tickets;
  tickets.signing_keys = in.secrets("signing_keys", true);
  tickets.bundle = in.path("bundle", tickets.bundle);
  tickets.spool = in.path("spool", tickets.spool);
  in.duration("lifetime", tickets.lifetime, std::chrono::minutes(1), kMaxTicketLifetime);
  if (const TomlValue* table = in.table("limits", "a table of limits")) {
    Section limits = in.inner(*table, "limits", in.line_of_key("limits"));
    const auto size = [&](std::string_view key, std::uint64_t& value, std::uint64_t least) {
      const auto found = limits.parsed(key, false, "a size", parse_size);
      if (found && *found < least) {
        limits.error(key, fmt::format("is too small to work with; accepted: at least {} bytes", least));
      } else if (found) {
        value = *found;
      }
    };
    const auto seconds = [&](std::string_view key, std::uint64_t& value) {
      std::chrono::milliseconds time{std::chrono::seconds(value)};
      limits.duration(key, time, std::chrono::seconds(1), std::chrono::hours(1));
      value = static_cast<std::uint64_t>(time.count() / 1000);
    };
    size("blob", tickets.limits.blob_bytes, 1024);
    limits.count("paths", tickets.limits.paths, 1, 100'000'000);
    size("memory", tickets.limits.memory_bytes, 64ULL << 20);
    seconds("cpu", tickets.limits.cpu_seconds);
    seconds("direct_deadline", tickets.limits.direct_deadline_seconds);
    // Gogs kills a web write's hook after 60 s and then tells nobody why.
    if (tickets.limits.direct_deadline_seconds >= 60) {
      limits.warning("direct_deadline",
                     "Gogs gives a direct write 60 s: a hook that is still at work then leaves no reason");
    }
    limits.finish();
  }
}

void read_audit(Section& in, Config& config) {
  AuditConfig& audit = config.audit;
  audit.signing_keys = in.secrets("signing_keys", true);
  audit.witness =
      in.parsed_list("witness", false, "file:PATH or syslog:", [&](std::string_view text) -> Result<std::string> {
        if (text == "syslog:") return std::string(text);
        if (text.starts_with("file:")) {
          const auto path = parse_path(text.substr(5), in.base());
          if (path) return "file:" + *path;
        }
        return fail(ErrorCode::bad_usage, "names no witness; accepted: file:PATH, syslog:");
      });
  if (audit.witness.empty()) {
    in.warning("witness",
               "no checkpoint leaves the gateway's hands: whoever holds its key could rewrite the log unseen");
  }
  in.count("retention_days", audit.retention_days, 1, 36500);
}

}  // namespace postern::config
