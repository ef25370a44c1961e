// `postern-gateway [--config FILE]`: the smart-HTTP front. SIGHUP reads the rules again, SIGTERM ends it.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/app/gateway_app.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"

using namespace postern;

namespace {

constexpr const char* kUsage =
    "usage: postern-gateway [--config FILE]\n"
    "  --config FILE   the configuration; else $POSTERN_CONFIG, else /etc/postern/postern.toml\n"
    "  --version       prints the version\n"
    "signals: SIGHUP reads the configuration again; SIGTERM and SIGINT stop, letting requests end\n";

int bad_usage(const std::string& what) {
  std::fprintf(stderr, "postern-gateway: %s\n%s", what.c_str(), kUsage);
  return kExitBadUsage;
}

// More sockets than the usual 1,024: clients, and a connection to the upstream for each.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string config;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(kUsage, stdout);
      return kExitFine;
    }
    if (argument == "--version") {
      std::puts("postern-gateway " POSTERN_VERSION);
      return kExitFine;
    }
    if (argument == "--config") {
      if (++i == argc) return bad_usage("--config needs a file");
      config = argv[i];
    } else if (argument.starts_with("--config=")) {
      config = argument.substr(std::string_view("--config=").size());
    } else {
      return bad_usage("'" + std::string(argument) + "' is not known; accepted: --config FILE, --version, --help");
    }
  }
  if (const char* level = std::getenv("POSTERN_LOG"); level != nullptr && !log::set_level(std::string_view(level))) {
    return bad_usage("POSTERN_LOG is '" + std::string(level) + "'; accepted: debug, info, warning, error");
  }

  ::umask(0027);
  // Keys and tokens are in memory: no core file, and no other process of this user looks into it.
  ::prctl(PR_SET_DUMPABLE, 0);
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is answered as a full disk is
  // Blocked before the first thread starts, so that only the wait below gets them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  app::GatewayOptions options;
  options.config_path = config::config_path(config);
  Result<std::unique_ptr<app::GatewayApp>> gateway = app::GatewayApp::start(std::move(options));
  if (!gateway) {
    std::fprintf(stderr, "postern-gateway: %s\n", gateway.error().message.c_str());
    return gateway.error().code == ErrorCode::bad_usage ? kExitBadUsage : kExitCouldNotFinish;
  }
  std::string ports;
  for (const std::uint16_t port : (*gateway)->ports()) ports += (ports.empty() ? "" : ",") + std::to_string(port);
  log::info("gateway.listening", {{"ports", ports}});
  while (true) {
    int number = 0;
    if (::sigwait(&signals, &number) != 0) continue;
    if (number == SIGHUP) {
      // What went wrong was logged and recorded; the old rules stay in force.
      [[maybe_unused]] const Result<std::string> reloaded = (*gateway)->reload("signal", "");
      continue;
    }
    log::info("gateway.stopping", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
    (*gateway)->stop();
    log::info("gateway.stopped");
    return kExitFine;
  }
}
