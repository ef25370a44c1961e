#include "hooks/receive/hook_call.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <memory>

#include "gateway/base/encoding.h"

namespace postern::receive {
namespace {

constexpr std::size_t kMaxOptions = 10000;

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (!resolved) return fail(errno_error("finding " + path, errno));
  return std::string(resolved.get());
}

}  // namespace

Environment Environment::of_process() {
  std::map<std::string, std::string, std::less<>> values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    // Where a name stands twice, the first counts, as for getenv.
    if (equals != std::string_view::npos) values.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Environment(std::move(values));
}

const std::string* Environment::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

bool Environment::has_prefix(std::string_view prefix) const {
  const auto found = values_.lower_bound(prefix);
  return found != values_.end() && found->first.starts_with(prefix);
}

Result<std::optional<Located>> locate_repository(const std::string& root, const Environment& environment) {
  Result<std::string> real_root = real_path(root);
  if (!real_root) return fail(in_context("the repositories' ROOT", real_root.error()));
  const std::string* git_dir = environment.find("GIT_DIR");
  Result<std::string> directory = real_path(git_dir != nullptr && !git_dir->empty() ? *git_dir : ".");
  if (!directory) return fail(in_context("GIT_DIR", directory.error()));
  const std::string prefix = *real_root == "/" ? "/" : *real_root + "/";
  if (!directory->starts_with(prefix)) return std::optional<Located>{};
  // "<owner>/<name>.git", or something inside it (a worktree's directory).
  const std::string_view below = std::string_view(*directory).substr(prefix.size());
  const std::size_t slash = below.find('/');
  if (slash == std::string_view::npos) return std::optional<Located>{};
  const std::string_view two = below.substr(0, below.find('/', slash + 1));
  if (!two.ends_with(".git")) return std::optional<Located>{};
  Result<git::RepoPath> repo = git::RepoPath::parse(two);
  if (!repo) return fail(in_context("a repository below ROOT", repo.error()));
  return Located{prefix + std::string(two), std::move(*repo)};
}

Result<std::vector<git::RefUpdate>> parse_commands(std::string_view input) {
  std::vector<git::RefUpdate> commands;
  while (!input.empty()) {
    const std::size_t end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos || second + 1 == line.size()) {
      return fail(ErrorCode::invalid_input, "standard input: expected 'old new ref', found '" + printable(line) + "'");
    }
    Result<git::ObjectId> old_id = git::ObjectId::parse(line.substr(0, first));
    if (!old_id) return fail(in_context("standard input: old id", old_id.error()));
    Result<git::ObjectId> new_id = git::ObjectId::parse(line.substr(first + 1, second - first - 1));
    if (!new_id) return fail(in_context("standard input: new id", new_id.error()));
    commands.push_back({std::move(*old_id), std::move(*new_id), std::string(line.substr(second + 1))});
  }
  return commands;
}

Result<std::vector<std::string>> push_options(const Environment& environment) {
  std::vector<std::string> options;
  const std::string* text = environment.find("GIT_PUSH_OPTION_COUNT");
  if (text == nullptr) return options;
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error != std::errc{} || end != text->data() + text->size() || count > kMaxOptions) {
    return fail(ErrorCode::invalid_input, "GIT_PUSH_OPTION_COUNT is '" + printable(*text, 40) + "'");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string* option = environment.find("GIT_PUSH_OPTION_" + std::to_string(i));
    if (option == nullptr) {
      return fail(ErrorCode::invalid_input, "GIT_PUSH_OPTION_" + std::to_string(i) + " is not set, though there are " +
                                                std::to_string(count) + " options");
    }
    options.push_back(*option);
  }
  return options;
}

std::optional<std::string> gogs_user(const Environment& environment) {
  if (!environment.has_prefix("GOGS_AUTH_USER_")) return std::nullopt;
  const std::string* name = environment.find("GOGS_AUTH_USER_NAME");
  return name == nullptr ? std::string{} : *name;
}

}  // namespace postern::receive
