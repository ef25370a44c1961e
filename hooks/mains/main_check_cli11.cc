// postern-check: the command line.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/command_line.h"
#include "gateway/base/exit_code.h"
#include "hooks/mains/main_check.h"

namespace {

using postern::check::FailOn;
using postern::check::Format;

template <class T, std::size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;
constexpr Words<FailOn, 2> kSeverities{{{"error", FailOn::error}, {"warning", FailOn::warning}}};
constexpr Words<Format, 6> kFormats{{{"text", Format::text},
                                     {"json", Format::json},
                                     {"sarif", Format::sarif},
                                     {"junit", Format::junit},
                                     {"github", Format::github},
                                     {"gitlab", Format::gitlab}}};

// CLI11's own mapping shows people the numbers behind the words, and takes them.
template <class T, std::size_t N>
CLI::IsMember one_of(const Words<T, N>& words) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : words) names.emplace_back(name);
  return CLI::IsMember(names);
}

template <class T, std::size_t N>
T meaning(const Words<T, N>& words, std::string_view word) {
  return std::find_if(words.begin(), words.end(), [&](const auto& one) { return one.first == word; })->second;
}

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
  std::string fail_on = "error";
  app.add_option("--fail-on", fail_on, "exit 1 from this severity on (default: error)")->check(one_of(kSeverities));
  app.add_option("--baseline", request.baseline, "findings in this file are accepted");
  app.add_option("--write-baseline", request.write_baseline, "write what is found as the baseline");
  std::string format = "text";
  app.add_option("--format", format, "how findings are printed (default: text)")->check(one_of(kFormats));
  app.add_flag("--list-rules", request.list_rules, "list the rules");
  app.add_option("--explain", request.explain, "explain a rule");
  if (const auto ended = postern::parse_command_line<CLI::ParseError>(app, "postern-check", argc, argv)) return *ended;
  request.fail_on = meaning(kSeverities, fail_on);
  request.format = meaning(kFormats, format);
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
