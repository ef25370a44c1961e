#include <CLI/CLI.hpp>
#include <cstdio>

#include "gateway/base/clock.h"
#include "gateway/base/command_line.h"
#include "gateway/base/exit_code.h"
#include "hooks/install/command_line.h"
#include "hooks/install/install.h"

namespace postern::install {
namespace {

int exit_code_of(const Status& done) {
  if (done) return kExitFine;
  std::fprintf(stderr, "postern-hook: %s\n", done.error().message.c_str());
  switch (done.error().code) {
    case ErrorCode::bad_usage: return kExitBadUsage;
    case ErrorCode::denied: return kExitFindings;
    default: return kExitCouldNotFinish;
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"postern-hook: judges every push into a Gogs, and puts itself in place for it"};
  app.set_version_flag("--version", "postern-hook " POSTERN_VERSION);
  app.require_subcommand(1);
  app.footer(
      "git calls pre-receive, post-receive and reference-transaction through the dispatcher that install writes.");

  InstallOptions options;
  std::string directory = kDefaultDirectory;
  std::string name;
  std::int64_t id = 0;
  CLI::App* install_command = app.add_subcommand("install", "write the dispatcher and point core.hooksPath to it");
  install_command->add_option("--gogs-config", options.gogs_config,
                              "Gogs' app.ini: ROOT and RUN_USER are read from it");
  install_command->add_option("--repositories", options.repositories,
                              "the directory of the repositories, without app.ini");
  install_command->add_option("--user", options.user, "the user Gogs runs as; else RUN_USER, else the owner of ROOT");
  install_command->add_option("--directory", directory, "where the dispatcher stands")->capture_default_str();
  install_command->add_option("--bundle", options.bundle, "[tickets] bundle of the gateway")->capture_default_str();
  install_command->add_option("--spool", options.spool, "[tickets] spool of the gateway")->capture_default_str();
  install_command->add_option("--program", options.program, "this program, where Gogs' user finds it");
  install_command->add_option("--max-input-size", options.max_input_size, "receive.maxInputSize")
      ->capture_default_str();
  install_command->add_flag("--system", options.system, "set the system's git configuration, not the user's");
  install_command->add_flag("--trial", options.trial, "take a dispatcher that Gogs' user could change");
  install_command->add_option("--rebind", name, "only move the marker of a renamed repository to OWNER/NAME");
  CLI::Option* id_option = install_command->add_option("--id", id, "with --rebind: its Gogs id");

  CLI::App* status_command = app.add_subcommand("status", "say whether every push is judged; 1 when not");
  status_command->add_option("--directory", directory, "where the dispatcher stands")->capture_default_str();
  CLI::App* uninstall_command = app.add_subcommand("uninstall", "put everything back as it was");
  uninstall_command->add_option("--directory", directory, "where the dispatcher stands")->capture_default_str();

  std::string until;
  std::string reason;
  bool end = false;
  CLI::App* pause_command = app.add_subcommand("pause", "let every push pass, recorded, until a time");
  pause_command->add_option("--until", until, "RFC 3339, at most seven days away");
  pause_command->add_option("--reason", reason, "why; it is recorded");
  pause_command->add_flag("--end", end, "end the pause now");
  pause_command->add_option("--directory", directory, "where the dispatcher stands")->capture_default_str();

  if (const auto ended = parse_command_line<CLI::ParseError>(app, "postern-hook", argc, argv)) return *ended;

  const SystemClock clock;
  const Say say = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  options.directory = directory;
  if (*install_command) {
    if (!name.empty()) {
      return exit_code_of(rebind(directory, name, id_option->empty() ? std::nullopt : std::optional(id), say));
    }
    return exit_code_of(install(options, say));
  }
  if (*uninstall_command) return exit_code_of(uninstall(directory, say));
  if (*pause_command) {
    if (end) return exit_code_of(end_pause(directory, clock, say));
    Result<WallTime> time = parse_rfc3339(until);
    if (!time) {
      std::fprintf(stderr, "postern-hook pause: --until: %s; accepted: 2026-11-22T18:00:00Z\n",
                   time.error().message.c_str());
      return kExitBadUsage;
    }
    return exit_code_of(pause(directory, *time, reason, clock, say));
  }
  Result<bool> fine = status(directory, clock, say);
  if (!fine) return exit_code_of(fail(fine.error()));
  return *fine ? kExitFine : kExitFindings;
}

}  // namespace postern::install
