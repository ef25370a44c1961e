// `postern`, the operator's program. Reads the command line and hands on; every command stands in a cmd_ file.
#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/app/cmd_audit.h"
#include "gateway/app/cmd_config.h"
#include "gateway/app/cmd_doctor.h"
#include "gateway/app/cmd_init.h"
#include "gateway/base/command_line.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/log.h"

using namespace postern;

namespace {

// git's habit: `postern deploy …` is `postern-deploy …` of the same directory. Returns only when there is none.
void run_neighbour(char** argv) {
  const std::string name = argv[1];
  if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos ||
      name.front() == '-') {
    return;
  }
  std::array<char, PATH_MAX> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) <= 0) return;
  const std::string whole = self.data();
  std::string neighbour = whole.substr(0, whole.rfind('/') + 1) + "postern-" + name;
  if (::access(neighbour.c_str(), X_OK) != 0) return;
  argv[1] = neighbour.data();
  ::execv(neighbour.c_str(), argv + 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* level = std::getenv("POSTERN_LOG")) log::set_level(std::string_view(level));

  CLI::App cli{"Postern: the guarded door of a self-hosted Gogs.", "postern"};
  cli.set_version_flag("--version", std::string("postern ") + POSTERN_VERSION);
  cli.require_subcommand(1);
  int exit_code = kExitFine;
  std::string config;
  const auto with_config = [&](CLI::App* command) {
    command->add_option("--config", config, "the configuration; else $POSTERN_CONFIG, else /etc/postern/postern.toml");
  };

  app::InitOptions init;
  auto* init_command =
      cli.add_subcommand("init", "write a configuration to start from, and keys; never over what is there");
  init_command->add_option("--directory", init.directory, "where configuration and keys go")->capture_default_str();
  init_command->add_option("--state", init.state, "where database and bundle will be")->capture_default_str();
  init_command->add_option("--spool", init.spool, "where hook and gateway meet")->capture_default_str();
  init_command->add_option("--user", init.user, "the gateway's account, which will own all of it");
  init_command->add_option("--group", init.group,
                           "a group of the gateway's and the hook's accounts, for bundle and spool");
  init_command->add_option("--listen", init.listen, "ADDRESS:PORT or unix:PATH; repeatable");
  init_command->add_option("--external-url", init.external_url, "what people clone from")->capture_default_str();
  init_command->add_option("--upstream", init.upstream, "where Gogs is")->capture_default_str();
  init_command->add_option("--upstream-kind", init.upstream_kind, "gogs or git")->capture_default_str();
  init_command->add_option("--upstream-credential", init.upstream_credential,
                           "where the service account's token is kept; default: file:DIRECTORY/upstream-token");
  init_command->callback([&] { exit_code = app::cmd_init(init); });

  auto* config_command = cli.add_subcommand("config", "the configuration")->require_subcommand(1);
  auto* check_command = config_command->add_subcommand("check", "say every mistake and warning in it");
  with_config(check_command);
  check_command->callback([&] { exit_code = app::cmd_config_check(config); });

  std::string socket;
  auto* reload_command =
      cli.add_subcommand("reload", "check the configuration and let the running gateway read it again");
  with_config(reload_command);
  reload_command->add_option("--socket", socket, "the gateway's Unix socket; else the one of [server] listen");
  reload_command->callback([&] { exit_code = app::cmd_reload(config, socket); });

  app::ExplainOptions explain;
  auto* access_command = cli.add_subcommand("access", "the rules")->require_subcommand(1);
  auto* explain_command =
      access_command->add_subcommand("explain", "print each rule in order and why it did or did not decide");
  with_config(explain_command);
  explain_command->add_option("--claims", explain.claims_file, "a token's payload as JSON; - is standard input");
  explain_command->add_option("--issuer", explain.issuer, "name of its [[issuer]], or unix; else by the claims' iss");
  explain_command->add_option("--gogs-user", explain.gogs_user, "instead of claims: who writes directly");
  explain_command->add_option("--repo", explain.repository, "owner/name")->required();
  explain_command->add_option("--ref", explain.ref, "refs/heads/main; not needed for read");
  explain_command->add_option("--verb", explain.verb, "read, create, update, force, delete")->required();
  explain_command->add_option("--address", explain.address, "the client's address");
  explain_command->callback([&] {
    explain.config_path = config;
    exit_code = app::cmd_access_explain(explain);
  });

  app::AuditListOptions list;
  auto* audit_command = cli.add_subcommand("audit", "the log")->require_subcommand(1);
  auto* list_command = audit_command->add_subcommand("list", "print records, in order; the newest 100");
  with_config(list_command);
  list_command->add_option("--store", list.store_url, "read this store instead of asking the gateway");
  list_command->add_option("--socket", list.socket, "the gateway's Unix socket; else the one of [server] listen");
  list_command->add_option("--who", list.who, "of this identity");
  list_command->add_option("--repo", list.repository, "of this repository, owner/name");
  list_command->add_option("--request", list.request_id, "of this request");
  list_command->add_option("--kind", list.kinds, "of this kind, such as push.outcome; repeatable");
  list_command->add_option("--since", list.since, "not before this time, 2026-11-22T14:03:07Z");
  list_command->add_option("--until", list.until, "before this time");
  list_command->add_option("--after", list.after, "after the record of this number, the oldest first")
      ->check(CLI::NonNegativeNumber);
  list_command->add_option("--limit", list.limit, "how many at most")->capture_default_str();
  list_command->add_option("--format", list.format, "text or json")->capture_default_str();
  list_command->callback([&] {
    list.config_path = config;
    exit_code = app::cmd_audit_list(list);
  });

  app::AuditVerifyCommand verify;
  auto* verify_command =
      audit_command->add_subcommand("verify", "check every record, chain and checkpoint; name what does not hold");
  with_config(verify_command);
  verify_command->add_option("--store", verify.store_url, "the store; else [store] url");
  verify_command->add_option("--witness", verify.witnesses,
                             "a file that holds checkpoints; repeatable; else the ones of [audit] witness");
  verify_command->add_option("--key", verify.keys,
                             "a file with the public key (PEM, JWK, JWK set); repeatable; else [audit] signing_keys");
  verify_command->add_option("--format", verify.format, "text or json")->capture_default_str();
  verify_command->callback([&] {
    verify.config_path = config;
    exit_code = app::cmd_audit_verify(verify);
  });

  std::string store_url;
  auto* db_command = cli.add_subcommand("db", "the store")->require_subcommand(1);
  auto* db_check_command = db_command->add_subcommand("check", "do its tables agree with the log?");
  with_config(db_check_command);
  db_check_command->add_option("--store", store_url, "the store; else [store] url");
  db_check_command->callback([&] { exit_code = app::cmd_db_check(config, store_url); });

  auto* doctor_command =
      cli.add_subcommand("doctor", "look whether what the configuration names is there and as it must be");
  with_config(doctor_command);
  doctor_command->callback([&] { exit_code = app::cmd_doctor(config); });

  if (argc > 1) {
    bool ours = argv[1][0] == '-';
    for (const auto* command : cli.get_subcommands({})) ours = ours || command->get_name() == argv[1];
    if (!ours) {
      run_neighbour(argv);
      std::string names;
      for (const auto* command : cli.get_subcommands({})) names += (names.empty() ? "" : ", ") + command->get_name();
      fmt::print(stderr,
                 "postern: \"{}\" is no command, and no program postern-{} stands beside this one; accepted: {}\n",
                 printable(argv[1], 60), printable(argv[1], 60), names);
      return kExitBadUsage;
    }
  }
  try {
    if (const auto ended = parse_command_line<CLI::ParseError>(cli, "postern", argc, argv)) return *ended;
  } catch (const std::exception& fault) {
    fmt::print(stderr, "postern: {}\n", fault.what());
    return kExitCouldNotFinish;
  }
  return exit_code;
}
