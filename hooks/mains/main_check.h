// postern-check: what it was asked to do, and doing it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace postern::check {

enum class Format { text, json, sarif, junit, github, gitlab };
enum class FailOn { error, warning };

// Value: the command line, understood.
struct Request {
  std::vector<std::string> paths;
  std::optional<std::string> changed;     // BASE or BASE..HEAD
  std::optional<std::string> stdin_name;  // judge standard input under this name
  std::optional<std::string> root;        // artifact root of an apiops layout
  std::optional<std::string> settings;
  std::optional<std::string> baseline;
  std::optional<std::string> write_baseline;
  std::optional<std::string> explain;
  FailOn fail_on = FailOn::error;
  Format format = Format::text;
  bool list_rules = false;
};

// Runs it; gives the exit code (gateway/base/exit_code.h). Reads files, writes to standard output and standard error.
int run(const Request& request);

}  // namespace postern::check
