#include "gateway/app/cmd_doctor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "gateway/access/bundle.h"
#include "gateway/app/cmd_shared.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/identity/jws.h"
#include "gateway/net/http_client.h"
#include "gateway/net/tls_pair.h"
#include "gateway/store/store.h"

namespace postern::app {

namespace {

class Report {
 public:
  void ok(std::string_view what, std::string_view detail = "") { line("ok", what, detail); }
  void warning(std::string_view what, std::string_view detail) { line("warning", what, detail); }
  void failed(std::string_view what, std::string_view detail) {
    line("FAILED", what, detail);
    ++failures_;
  }
  int failures() const { return failures_; }

 private:
  static void line(std::string_view verdict, std::string_view what, std::string_view detail) {
    fmt::print("{:<8} {}{}{}\n", verdict, what, detail.empty() ? "" : ": ", detail);
  }
  int failures_ = 0;
};

void check_keys(Report& report, std::string_view section, const std::vector<config::SecretRef>& refs) {
  for (const auto& ref : refs) {
    const std::string what = fmt::format("[{}] signing key {}", section, ref.text());
    if (ref.kind == config::SecretRef::Kind::keyvault) {
      report.warning(what, "not tried: only the running gateway asks Key Vault");
      continue;
    }
    const auto pem = config::resolve(ref);
    if (!pem) {
      report.failed(what, pem.error().message);
      continue;
    }
    const auto key = identity::SigningKey::from_pem(*pem);
    if (key) {
      report.ok(what);
    } else {
      report.failed(what, key.error().message);
    }
  }
}

void check_credentials(Report& report, const config::UpstreamConfig& upstream) {
  for (const auto& ref : upstream.credentials) {
    if (ref.kind == config::SecretRef::Kind::keyvault) continue;
    const std::string what = "[upstream] credential " + ref.text();
    if (const auto secret = config::resolve(ref); !secret) {
      report.failed(what, secret.error().message);
    } else {
      report.ok(what);
    }
  }
}

// Expiry is said while there is time to do something about it.
void check_tls(Report& report, const config::ServerConfig& server, const Clock& clock) {
  if (server.tls_certificate.empty() || !server.tls_key) return;
  const std::string what = "[server] tls_certificate " + server.tls_certificate;
  const auto certificate = read_file(server.tls_certificate, net::kTlsPemBytes);
  if (!certificate) return report.failed(what, certificate.error().message);
  const auto key = config::resolve(*server.tls_key);
  if (!key) return report.failed("[server] tls_key " + server.tls_key->text(), key.error().message);
  const auto until = net::tls_pair_expiry(*certificate, *key);
  if (!until) return report.failed(what, until.error().message);
  constexpr auto kSoon = std::chrono::days(14);
  const std::string when = to_rfc3339(*until);
  if (*until <= clock.wall()) {
    report.failed(what, fmt::format("expired on {}; fix: renew it and restart the gateway", when));
  } else if (*until - clock.wall() < kSoon) {
    report.warning(what, fmt::format("expires on {}; fix: renew it and restart the gateway", when));
  } else {
    report.ok(what, fmt::format("holds until {}", when));
  }
}

void check_spool(Report& report, const std::string& directory) {
  const std::string what = "[tickets] spool " + directory;
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) {
    report.failed(what, errno_error("looking", errno).message);
  } else if (!S_ISDIR(info.st_mode)) {
    report.failed(what, "no directory");
  } else if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    report.failed(
        what, "this user cannot write it; fix: run as the gateway's user, or chgrp it to the shared group, mode 2770");
  } else if ((info.st_mode & S_IRWXO) != 0) {
    report.failed(what, fmt::format("others have rights to it; fix: chmod o= {}", directory));
  } else if ((info.st_mode & (S_ISGID | S_IRWXG)) != (S_ISGID | S_IRWXG)) {
    report.warning(what, "not mode 2770: a hook of another user could not write it");
  } else {
    report.ok(what);
  }
}

void check_bundle(Report& report, const config::Config& config, const access::AccessRules& rules) {
  const std::string what = "[tickets] bundle " + config.tickets.bundle;
  const auto bundle = access::read_hook_bundle(config.tickets.bundle);
  if (!bundle) {
    report.failed(what, bundle.error().message + "; it is published when the gateway starts");
  } else if (bundle->rules != rules.digest()) {
    report.warning(what, "holds other rules than the configuration; fix: postern reload");
  } else {
    report.ok(what, "holds the rules of this configuration");
  }
}

void check_store(Report& report, const std::string& url) {
  const std::string what = "[store] " + url;
  const auto store = store::open_store(url, {.read_only = true});
  if (!store) {
    report.failed(what, store.error().message);
  } else if (const auto heads = (*store)->heads(); !heads) {
    report.failed(what, heads.error().message);
  } else {
    report.ok(what, fmt::format("readable, {} chain(s)", heads->size()));
  }
}

// A witness proves something only where the gateway cannot take it back.
void check_witness(Report& report, const config::AuditConfig& audit) {
  for (const auto& witness : audit.witness) {
    const std::string what = "[audit] witness " + witness;
    if (!witness.starts_with("file:")) {
      report.ok(what);
      continue;
    }
    const std::string path = witness.substr(5);
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
      report.warning(what, "not there yet, or unreadable to this user");
      continue;
    }
    int flags = 0;
    const bool append_only = ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_APPEND_FL) != 0;
    if (append_only || info.st_uid != ::geteuid()) {
      report.ok(what, append_only ? "append-only" : "owned by another user");
    } else {
      report.warning(what, fmt::format("this user could rewrite it; fix: chattr +a {}, or another owner", path));
    }
  }
}

Result<net::HttpResponse> get(net::HttpClient& http, std::string url) {
  net::HttpRequest request;
  request.url = std::move(url);
  request.timeout = std::chrono::seconds(5);
  return http.send(request);
}

void check_peers(Report& report, const config::Config& config) {
  const auto http = net::make_http_client();
  for (const auto& listen : config.server.listen) {
    if (!listen.is_unix) continue;
    const std::string what = "gateway at " + listen.text();
    const auto answer = get(*http, "unix:" + listen.path + ":/-/healthz");
    if (!answer) {
      report.warning(what, "does not answer: " + answer.error().message);
    } else if (answer->status != 200) {
      report.failed(what, fmt::format("answers {}", answer->status));
    } else {
      report.ok(what);
    }
  }
  const std::string what = "[upstream] " + config.upstream.url;
  const auto answer = get(*http, config.upstream.url + "/");
  if (!answer) {
    report.failed(what, answer.error().message);
  } else {
    report.ok(what, fmt::format("answers {}", answer->status));
  }
}

// Whoever reaches Gogs' own port walks past the gateway. Seen from this machine alone: a listener on every address.
void check_upstream_port(Report& report, const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t colon = url.rfind(':');
  if (scheme == std::string::npos || colon <= scheme || url.find("127.0.0.1") == std::string::npos) return;
  const std::string digits = url.substr(colon + 1, url.find('/', colon) - colon - 1);
  if (digits.empty() || digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string::npos) return;
  const std::string any_v4 = fmt::format("00000000:{:04X}", std::stoi(digits));
  const std::string any_v6 = fmt::format("{:0>32}:{:04X}", "", std::stoi(digits));
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string slot, local, remote, state;
      words >> slot >> local >> remote >> state;
      if (state == "0A" && (local == any_v4 || local == any_v6)) {
        report.warning("[upstream] port " + digits,
                       "is open on every address of this machine: whoever reaches it needs no gateway; fix: let it "
                       "listen on 127.0.0.1");
        return;
      }
    }
  }
}

}  // namespace

int cmd_doctor(const std::string& config_path) {
  const auto loaded = load_or_say(config_path);
  if (!loaded) return kExitBadUsage;
  const config::Config& config = loaded->config;
  const auto rules = rules_or_say(config);
  if (!rules) return kExitBadUsage;
  Report report;
  struct stat info{};
  if (::stat(config.file.c_str(), &info) == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    report.failed("configuration " + config.file, fmt::format("others may write it; fix: chmod go-w {}", config.file));
  } else {
    report.ok("configuration " + config.file, fmt::format("{} warnings", loaded->warnings.size()));
  }
  if (!config.gateway) {
    report.ok("gateway", "not configured here");
    return report.failures() == 0 ? kExitFine : kExitFindings;
  }
  check_keys(report, "tickets", config.tickets.signing_keys);
  check_keys(report, "audit", config.audit.signing_keys);
  check_credentials(report, config.upstream);
  check_tls(report, config.server, SystemClock());
  check_spool(report, config.tickets.spool);
  check_bundle(report, config, *rules);
  check_store(report, config.store.url);
  check_witness(report, config.audit);
  check_peers(report, config);
  check_upstream_port(report, config.upstream.url);
  return report.failures() == 0 ? kExitFine : kExitFindings;
}

}  // namespace postern::app
