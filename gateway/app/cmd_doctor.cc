#include "gateway/app/cmd_doctor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "gateway/access/bundle.h"
#include "gateway/app/cmd_shared.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/identity/jws.h"
#include "gateway/identity/key_set.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_client_fetch.h"
#include "gateway/net/tls_pair.h"
#include "gateway/store/store.h"

namespace postern::app {

namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

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
    const auto pem = config::resolve(ref);
    if (!pem) {
      report.failed(fmt::format("[{}] signing_keys", section), pem.error().message);
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
    const std::string fix = errno == ENOENT ? "; fix: postern-hook install makes it, or postern init" : "";
    report.failed(what, errno_error("looking", errno).message + fix);
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

// The hooks are on the machine of the repositories; here only what they left undone can be seen.
void check_judged(Report& report, store::Store& store) {
  store::AuditQuery newest;
  newest.newest_first = true;
  newest.limit = 100;
  newest.kinds = {audit::EntryKind::push_outcome};
  const auto pushes = store.list_audit(newest);
  if (!pushes) return report.failed("pushes", pushes.error().message);
  for (const auto& push : *pushes) {
    const auto entry = json::parse(push.record.bytes);
    const json::Value* detail = entry ? entry->find("detail") : nullptr;
    if (detail == nullptr) continue;
    if (detail->find("hook") != nullptr) return report.ok("hooks", "the newest push was judged by one");
    if (detail->find("unjudged") == nullptr) continue;
    return report.failed("hooks", fmt::format("no hook judged the push of record #{}, the newest; fix: postern-hook "
                                              "status, on the machine of the repositories",
                                              push.id));
  }
}

void check_store(Report& report, const std::string& url) {
  const std::string what = "[store] " + url;
  const auto store = store::open_store(url, {.read_only = true});
  if (!store) {
    report.failed(what,
                  store.error().message + (store.error().code == ErrorCode::not_found
                                               ? "; it is made when the gateway starts"
                                               : "; fix: stop the gateway, keep the file, put back a copy of it"));
  } else if (const auto heads = (*store)->heads(); !heads) {
    report.failed(what, heads.error().message);
  } else {
    report.ok(what, fmt::format("readable, {} chain(s)", heads->size()));
    check_judged(report, **store);
  }
}

// Nothing is let in that cannot be written down, so a disk that fills is said before it is full.
void check_room(Report& report, std::string_view what, const std::string& directory) {
  constexpr std::uint64_t kLittle = 256;  // MiB
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0) return;
  const std::uint64_t mebibytes = (static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize) >> 20U;
  if ((info.f_flag & ST_RDONLY) != 0) {
    report.failed(fmt::format("{} {}", what, directory), "its file system is mounted read-only");
  } else if (mebibytes < kLittle) {
    report.warning(fmt::format("{} {}", what, directory),
                   fmt::format("{} MiB are free, and a full disk refuses every push and clone", mebibytes));
  }
}

// Whoever owns the store is the gateway, also where root runs the doctor.
uid_t gateway_user(const std::string& store_url) {
  struct stat info{};
  const bool there = ::stat(store_url.substr(store_url.find(':') + 1).c_str(), &info) == 0;
  return there ? info.st_uid : ::geteuid();
}

// A witness proves something only where the gateway cannot take it back.
void check_witness(Report& report, const config::AuditConfig& audit, uid_t gateway) {
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
    if (!S_ISREG(info.st_mode)) {
      report.failed(what, "no regular file, so no checkpoint gets there");
      continue;
    }
    int flags = 0;
    const bool append_only = ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_APPEND_FL) != 0;
    if (append_only || info.st_uid != gateway) {
      report.ok(what, append_only ? "append-only" : "owned by another user");
    } else {
      report.warning(what, fmt::format("the gateway could rewrite it; fix: chattr +a {}, or another owner", path));
    }
  }
}

Result<net::HttpResponse> get(net::HttpClient& http, std::string url, std::string authorization = "") {
  net::HttpRequest request;
  request.url = std::move(url);
  if (!authorization.empty()) request.headers.emplace_back("Authorization", std::move(authorization));
  request.timeout = std::chrono::seconds(5);
  return http.send(request);
}

// Ready, not merely alive: a gateway that cannot write its store refuses everybody.
void check_gateway(Report& report, net::HttpClient& http, const config::ServerConfig& server) {
  for (const auto& listen : server.listen) {
    if (!listen.is_unix) continue;
    const std::string what = "gateway at " + listen.text();
    const auto answer = get(http, "unix:" + listen.path + ":/-/readyz");
    if (!answer && answer.error().code == ErrorCode::timeout) {
      report.failed(what, "takes longer than 5 s to answer");
    } else if (!answer) {
      report.failed(what, "does not answer; fix: start postern-gateway; where it ends at once, its last line says why");
    } else if (answer->status != 200) {
      report.failed(what, fmt::format("refuses everybody: {}", problem_detail(answer->body)));
    } else {
      report.ok(what, "ready");
    }
  }
}

void check_issuers(Report& report, net::HttpClient& http, const std::vector<config::IssuerConfig>& issuers) {
  const SystemClock clock;
  for (const auto& issuer : issuers) {
    const std::string what = "[[issuer]] " + issuer.name;
    identity::KeySet keys({issuer.name, issuer.issuer, issuer.jwks_url, issuer.jwks_file, issuer.ca_file}, clock,
                          net::make_issuer_fetch(http));
    if (const Status fetched = keys.refresh(); !fetched) {
      report.failed(what, fetched.error().message + "; until its keys are here, its tokens are refused");
    } else {
      report.ok(what, fmt::format("{} keys", keys.health().keys));
    }
  }
}

void check_upstream(Report& report, net::HttpClient& http, const config::UpstreamConfig& upstream) {
  const std::string what = "[upstream] " + upstream.url;
  const auto answer = get(http, upstream.url + "/");
  if (!answer) {
    report.failed("[upstream]", answer.error().message);
  } else {
    report.ok(what, fmt::format("answers {}", answer->status));
  }
  for (const auto& ref : upstream.credentials) {
    const std::string credential = "[upstream] credential " + ref.text();
    const auto secret = config::resolve(ref);
    if (!secret) {
      report.failed("[upstream] credentials", secret.error().message);
      continue;
    }
    if (!answer || upstream.kind != config::UpstreamConfig::Kind::gogs) {
      report.ok(credential, "there, not tried");
      continue;
    }
    const auto known = get(http, upstream.url + "/api/v1/user", "token " + std::string(secret->reveal()));
    if (!known) {
      report.warning(credential, known.error().message);
    } else if (known->status == 401 || known->status == 403) {
      report.failed(credential, fmt::format("Gogs answers {}: it knows no such token; fix: make one for the service "
                                            "account, write it there, restart the gateway or postern reload",
                                            known->status));
    } else if (known->status != 200) {
      report.warning(credential, fmt::format("Gogs answers {} where it was asked whose it is", known->status));
    } else {
      report.ok(credential, "Gogs knows it");
    }
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
  log::set_level(log::Level::error);  // what a check finds stands in its own line
  Report report;
  struct stat info{};
  if (::stat(config.file.c_str(), &info) == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    report.failed("configuration " + config.file, fmt::format("others may write it; fix: chmod go-w {}", config.file));
  } else {
    report.ok("configuration " + config.file, fmt::format("{} warnings", loaded->warnings.size()));
  }
  for (const auto& sentence : lapsed(config, SystemClock().wall())) report.warning("rules", sentence);
  if (!config.gateway) {
    report.ok("gateway", "not configured here");
    return report.failures() == 0 ? kExitFine : kExitFindings;
  }
  check_keys(report, "tickets", config.tickets.signing_keys);
  check_keys(report, "audit", config.audit.signing_keys);
  check_tls(report, config.server, SystemClock());
  check_spool(report, config.tickets.spool);
  check_bundle(report, config, *rules);
  check_store(report, config.store.url);
  check_room(report, "[store] directory", directory_of(config.store.url.substr(config.store.url.find(':') + 1)));
  check_room(report, "[tickets] spool", config.tickets.spool);
  check_witness(report, config.audit, gateway_user(config.store.url));
  const auto http = net::make_http_client();
  check_issuers(report, *http, config.issuers);
  check_gateway(report, *http, config.server);
  check_upstream(report, *http, config.upstream);
  check_upstream_port(report, config.upstream.url);
  return report.failures() == 0 ? kExitFine : kExitFindings;
}

}  // namespace postern::app
