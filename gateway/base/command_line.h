// How every program of the house answers a command line that it cannot read: one line that says what is accepted.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>

#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"

namespace postern {

// "config check": the commands that were given, as far as they were read; `last` is set to the innermost.
template <class App>
std::string command_path(const App& app, const App*& last) {
  std::string path = app.get_name();
  for (last = &app; !last->get_subcommands().empty();) {
    last = last->get_subcommands().front();
    path += " " + last->get_name();
  }
  return path;
}

// The names that may stand where `app` reads: its commands, then its options.
template <class App>
std::string accepted_names(const App& app) {
  std::string names;
  const auto add = [&names](const std::string& name) {
    if (!name.empty()) names += (names.empty() ? "" : ", ") + name;
  };
  for (const App* command : app.get_subcommands([](const App*) { return true; })) add(command->get_name());
  for (const auto* option : app.get_options()) add(option->get_positional() ? std::string() : option->get_name());
  return names;
}

// Parses with CLI11 (`App` is CLI::App, `ParseError` CLI::ParseError), whose header stays out of ours. An exit code
// when the program is to end: 0 after --help and --version, bad usage after a fault, which is told on standard error.
template <class ParseError, class App>
std::optional<int> parse_command_line(App& app, const char* program, int argc, char** argv) {
  app.name(program);
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error) == 0 ? kExitFine : kExitBadUsage;
    const App* last = nullptr;
    const std::string path = command_path(static_cast<const App&>(app), last);
    std::string unread;
    for (const std::string& word : app.remaining(true)) unread += (unread.empty() ? "" : " ") + printable(word, 100);
    if (!unread.empty()) {
      fmt::print(stderr, "{}: not expected: {}; accepted: {}\n", path, unread, accepted_names(*last));
    } else if (last->get_require_subcommand_min() > 0 && last->get_subcommands().empty()) {
      fmt::print(stderr, "{}: a command is needed; accepted: {}\n", path, accepted_names(*last));
    } else {
      fmt::print(stderr, "{}: {} ({} --help says more)\n", path, printable(error.what(), 400), path);
    }
    return kExitBadUsage;
  }
}

}  // namespace postern
