#include "hooks/repo/checkout.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "gateway/base/encoding.h"

extern char** environ;

namespace postern::repo {

std::string last_words(std::string_view errors) {
  while (errors.ends_with('\n')) errors.remove_suffix(1);
  return printable(errors.substr(errors.rfind('\n') + 1), 1024);
}

Checkout::Checkout() {
  // What CI set up for git (credentials, proxies, its own configuration) is kept, but for what changes the answers.
  static constexpr std::string_view kLeftOut[] = {"LC_ALL",
                                                  "GIT_OPTIONAL_LOCKS",
                                                  "GIT_TERMINAL_PROMPT",
                                                  "GIT_LITERAL_PATHSPECS",
                                                  "GIT_GLOB_PATHSPECS",
                                                  "GIT_NOGLOB_PATHSPECS",
                                                  "GIT_ICASE_PATHSPECS",
                                                  "GIT_NO_REPLACE_OBJECTS",
                                                  "GIT_EXTERNAL_DIFF",
                                                  "GIT_DIFF_OPTS",
                                                  "GIT_CONFIG_COUNT",
                                                  "GIT_ALLOW_PROTOCOL"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const std::string_view name = text.substr(0, equals);
    if (name == "GIT_CONFIG_COUNT") configured_ = std::min(std::strtoul(*entry + equals + 1, nullptr, 10), 1000UL);
    if (name == "GIT_ALLOW_PROTOCOL") allowed_protocols_ = std::string(text.substr(equals + 1));
    if (std::find(std::begin(kLeftOut), std::end(kLeftOut), name) == std::end(kLeftOut))
      environment_.emplace_back(name, text.substr(equals + 1));
  }
  for (const auto& [name, value] :
       {std::pair{"LC_ALL", "C"}, std::pair{"GIT_OPTIONAL_LOCKS", "0"}, std::pair{"GIT_TERMINAL_PROMPT", "0"},
        std::pair{"GIT_LITERAL_PATHSPECS", "1"}, std::pair{"GIT_NO_REPLACE_OBJECTS", "1"}})
    environment_.emplace_back(name, value);
  // safe.directory counts only from the system, the user or the environment.
  configure("safe.directory", "*");
  configure("core.fsmonitor", "false");
  configure("core.quotepath", "false");
}

Result<Checkout> Checkout::open() {
  Checkout made;
  Result<std::string> directory = made.line({"rev-parse", "--absolute-git-dir"});
  if (!directory) return fail(in_context("no git repository is to be read here", directory.error()));
  struct stat info{};
  const bool ours = ::stat(directory->c_str(), &info) == 0 && (info.st_uid == ::geteuid() || info.st_uid == 0);
  // A protocol that does not exist: whatever the configuration allows, nothing is fetched.
  if (!ours)
    made.environment_.emplace_back("GIT_ALLOW_PROTOCOL", "none");
  else if (made.allowed_protocols_)
    made.environment_.emplace_back("GIT_ALLOW_PROTOCOL", *made.allowed_protocols_);
  Result<std::string> shallow = made.line({"rev-parse", "--is-shallow-repository"});
  if (!shallow) return fail(shallow.error());
  made.shallow_ = *shallow == "true";
  if (Status off = made.switch_filters_off(); !off) return fail(off.error());
  return made;
}

Result<ProcessResult> Checkout::run(std::vector<std::string> arguments, std::string input) const {
  ProcessRequest request;
  request.argv = std::move(arguments);
  request.argv.insert(request.argv.begin(), "git");
  request.environment = environment_;
  request.environment.emplace_back("GIT_CONFIG_COUNT", std::to_string(configured_));
  request.input = std::move(input);
  request.max_output = kMaxOutput + (std::size_t{1} << 20);
  request.deadline = std::chrono::minutes(10);
  return run_process(request);
}

Result<std::string> Checkout::output(std::vector<std::string> arguments, std::string input) const {
  const std::string name = arguments.front();
  Result<ProcessResult> result = run(std::move(arguments), std::move(input));
  if (!result) return fail(in_context("git " + name, result.error()));
  if (result->exit_code != 0)
    return fail(ErrorCode::unavailable, fmt::format("git {}: {}", name, last_words(result->errors)));
  return std::move(result->output);
}

Result<std::string> Checkout::line(std::vector<std::string> arguments) const {
  Result<std::string> text = output(std::move(arguments));
  if (!text) return fail(ErrorCode::bad_usage, text.error().message);
  return text->substr(0, text->find('\n'));
}

void Checkout::configure(const std::string& key, const std::string& value) {
  environment_.emplace_back(fmt::format("GIT_CONFIG_KEY_{}", configured_), key);
  environment_.emplace_back(fmt::format("GIT_CONFIG_VALUE_{}", configured_), value);
  ++configured_;
}

// git runs the clean filter of a file that was written in the same moment as the index. There is no switch for all
// filters, but an empty command is none.
Status Checkout::switch_filters_off() {
  Result<ProcessResult> keys = run({"config", "-z", "--name-only", "--get-regexp", "^filter\\."});
  if (!keys) return fail(in_context("git config", keys.error()));
  if (keys->exit_code > 1) return fail(ErrorCode::unavailable, "git config: " + last_words(keys->errors));
  std::set<std::string> drivers;  // "filter.NAME."
  for (std::size_t at = 0; at < keys->output.size();) {
    const std::size_t end = std::min(keys->output.find('\0', at), keys->output.size());
    const std::string key = keys->output.substr(at, end - at);
    drivers.insert(key.substr(0, key.rfind('.') + 1));
    at = end + 1;
  }
  if (drivers.size() > 1000) return fail(ErrorCode::limit, "the repository configures more than 1000 filters");
  for (const std::string& driver : drivers) {
    for (const char* command : {"clean", "smudge", "process"}) configure(driver + command, "");
    configure(driver + "required", "false");
  }
  return {};
}

}  // namespace postern::repo
