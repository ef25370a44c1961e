// postern-deploy: the command line.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <string>

#include "gateway/base/command_line.h"
#include "gateway/base/exit_code.h"
#include "hooks/deploy/commands.h"

namespace {

using postern::deploy::CommandLine;

int parse_and_run(int argc, char** argv) {
  CommandLine line;
  std::string format = "text";
  CLI::App app("Brings the policies of a repository to Azure API Management, from accepted pushes only.",
               "postern-deploy");
  app.set_version_flag("--version", "postern-deploy " POSTERN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --config may stand before or after the command
  app.add_option("--config", line.config, "configuration (default: $POSTERN_CONFIG, then /etc/postern/postern.toml)");

  const auto with_format = [&](CLI::App* command) {
    command->add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
  };
  // An environment, and for some a commit, may be given by name or by place.
  const auto with_environment = [&](CLI::App* command, bool commit) {
    auto* named = command->add_option("--environment", line.environment, "name of an [[environment]]");
    auto* placed = command->add_option("ENVIRONMENT", line.environment, "the same");
    named->excludes(placed);
    if (commit) {
      auto* named_commit = command->add_option("--commit", line.commit, "full object id of a commit");
      command->add_option("COMMIT", line.commit, "the same")->excludes(named_commit);
    }
  };

  app.add_subcommand("run", "watch all environments and deploy what their refs come to");
  for (const char* name : {"plan", "apply"}) {
    CLI::App* command =
        app.add_subcommand(name, std::string(name) == "plan" ? "say what would be written, and write nothing"
                                                             : "one pass in the foreground");
    command->add_option("--environment", line.environment, "name of an [[environment]]");
    auto* tree = command->add_option("--tree", line.tree,
                                     "an artifact directory instead of the repository; needs no gateway and no store");
    auto* service =
        command->add_option("--service", line.service, "ARM id of the service, instead of --environment")->needs(tree);
    auto* credential = command
                           ->add_option("--credential", line.credential,
                                        "managed-identity[:CLIENT_ID], workload-identity, "
                                        "client-secret:TENANT/CLIENT_ID/REFERENCE or azure-cli")
                           ->needs(service);
    service->needs(credential);
    command->add_option("--root", line.root, "artifact root within the directory")->needs(tree);
    command->add_option("--arm-endpoint", line.arm_endpoint, "of another cloud, or of a stand-in")->needs(tree);
    command->add_option("--arm-ca-file", line.arm_ca_file, "certificate authority of that endpoint")->needs(tree);
    command->add_option("--imds-endpoint", line.imds_endpoint, "of the machine's identity service")->needs(tree);
    with_format(command);
  }
  with_environment(app.add_subcommand("adopt", "say which commit a service holds; nothing is deployed before"), true);
  with_format(app.add_subcommand("status", "where every environment stands"));
  with_environment(app.add_subcommand("retry", "try a held commit again, or end a pin"), false);
  with_environment(app.add_subcommand("rollback", "go back to a commit that was healthy, and stay there until retry"),
                   true);

  if (const auto ended = postern::parse_command_line<CLI::ParseError>(app, "postern-deploy", argc, argv)) return *ended;
  line.command = app.get_subcommands().front()->get_name();
  line.json = format == "json";
  const auto bad_usage = [&](const char* what) {
    fmt::print(stderr, "postern-deploy {}: {}\n", line.command, what);
    return postern::kExitBadUsage;
  };
  if (!line.environment.empty() && !line.service.empty()) return bad_usage("--environment or --service, not both");
  if (line.command == "plan" || line.command == "apply") {
    if (line.environment.empty() && line.service.empty()) {
      return bad_usage(
          "expected --environment NAME, --tree DIR --environment NAME, or --tree DIR --service ID --credential KIND");
    }
  } else if (line.command != "run" && line.command != "status") {
    if (line.environment.empty()) return bad_usage("expected --environment NAME");
    if (line.command == "rollback" && line.commit.empty()) return bad_usage("expected --commit ID");
  }
  return postern::deploy::run_command(line);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "postern-deploy: {}\n", error.what());
    return postern::kExitCouldNotFinish;
  }
}
