// postern-check: the command line.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <exception>
#include <map>

#include "gateway/base/exit_code.h"
#include "hooks/mains/main_check.h"

namespace {

int parse_and_run(int argc, char** argv) {
  using namespace postern::check;
  Request request;
  CLI::App app("Judges Azure API Management policy documents before they are deployed.", "postern-check");
  app.set_version_flag("--version", "postern-check " POSTERN_VERSION);
  app.add_option("PATH", request.paths, "files and directories (default: the current directory)");
  app.add_option("--changed", request.changed, "only what changed: BASE (against the working tree) or BASE..HEAD");
  app.add_option("--stdin", request.stdin_name, "judge standard input, under this name");
  app.add_option("--root", request.root, "root of the artifact tree");
  app.add_option("--settings", request.settings, "settings file (default: postern-policy.toml at the root, if there)");
  app.add_option("--fail-on", request.fail_on, "exit 1 from this severity on: error or warning")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, FailOn>{{"error", FailOn::error}, {"warning", FailOn::warning}}));
  app.add_option("--baseline", request.baseline, "findings in this file are accepted");
  app.add_option("--write-baseline", request.write_baseline, "write what is found as the baseline");
  app.add_option("--format", request.format, "text, json, sarif, junit, github or gitlab")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{{"text", Format::text},
                                                                        {"json", Format::json},
                                                                        {"sarif", Format::sarif},
                                                                        {"junit", Format::junit},
                                                                        {"github", Format::github},
                                                                        {"gitlab", Format::gitlab}}));
  app.add_flag("--list-rules", request.list_rules, "list the rules");
  app.add_option("--explain", request.explain, "explain a rule");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes are its own; ours say fine or bad usage.
    return app.exit(error) == 0 ? postern::kExitFine : postern::kExitBadUsage;
  }
  return run(request);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "postern-check: {}\n", error.what());
    return postern::kExitCouldNotFinish;
  }
}
