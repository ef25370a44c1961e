#include "hooks/deploy/git_source.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <system_error>

#include "gateway/base/encoding.h"
#include "gateway/base/process.h"
#include "gateway/git/object_id.h"
#include "gateway/git/ref_update.h"

namespace postern::deploy {
namespace {

constexpr std::size_t kMaxCommits = 100000;
constexpr std::size_t kMaxContents = std::size_t{64} << 20;

// One line of git's own words for a message; its credential never stands in there.
std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const auto line = text.rfind('\n');
  return printable(line == std::string_view::npos ? text : text.substr(line + 1), 300);
}

bool is_id(std::string_view text) { return git::ObjectId::parse(text).has_value(); }

class GitSource final : public Source {
 public:
  GitSource(GitSourceSettings settings, std::optional<Secret> credential)
      : settings_(std::move(settings)), credential_(std::move(credential)) {}

  Result<std::optional<std::string>> tip(std::string_view ref) override {
    if (!git::is_valid_ref_name(ref)) return fail(ErrorCode::bad_usage, "not a ref: " + printable(ref));
    auto result = remote({"ls-remote", "--exit-code", "--", settings_.url, std::string(ref)}, settings_.ls_deadline);
    if (!result) return fail(result.error());
    if (result->exit_code == 2) return std::optional<std::string>();  // git's own word for "no such ref"
    if (result->exit_code != 0) {
      return fail(ErrorCode::unavailable,
                  fmt::format("git ls-remote {}: {}", settings_.url, last_line(result->errors)));
    }
    std::string_view rest = result->output;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const auto tab = line.find('\t');
      // A pattern matches the tail of ref names: only the ref itself counts.
      if (tab == std::string_view::npos || line.substr(tab + 1) != ref) continue;
      auto id = git::ObjectId::parse(line.substr(0, tab));
      if (!id) return fail(ErrorCode::invalid_input, fmt::format("git ls-remote {}: no object id", settings_.url));
      return std::optional(id->hex());
    }
    return std::optional<std::string>();
  }

  Status fetch(std::string_view ref, std::string_view commit) override {
    if (!is_id(commit)) return fail(ErrorCode::bad_usage, "not an object id");
    if (auto ready = prepare(commit.size() == 64); !ready) return ready;
    if (auto there = has_commit(commit); !there || *there) return there ? Status() : fail(there.error());
    auto result = remote({"-c",
                          "http.lowSpeedLimit=1000",
                          "-c",
                          "http.lowSpeedTime=30",
                          "-c",
                          "fetch.fsckObjects=true",
                          "-c",
                          "maintenance.auto=false",
                          "-c",
                          "gc.auto=0",
                          "--git-dir",
                          settings_.directory,
                          "fetch",
                          "--quiet",
                          "--no-tags",
                          "--no-write-fetch-head",
                          "--no-recurse-submodules",
                          "--",
                          settings_.url,
                          fmt::format("+{}:refs/postern/{}", ref, std::string(ref).substr(5))},
                         settings_.fetch_deadline);
    if (!result) return fail(result.error());
    if (result->exit_code != 0) {
      return fail(ErrorCode::unavailable,
                  fmt::format("git fetch {} {}: {}", settings_.url, ref, last_line(result->errors)));
    }
    auto there = has_commit(commit);
    if (!there) return fail(there.error());
    if (!*there) return fail(ErrorCode::not_found, fmt::format("{} no longer leads to {}", ref, commit));
    // Keeps what was deployed readable after a rewrite of the ref: nothing of ours is ever pruned.
    auto kept = local({"update-ref", fmt::format("refs/postern-seen/{}", commit), std::string(commit)});
    if (!kept) return fail(kept.error());
    return {};
  }

  Result<bool> descends(std::string_view commit, std::string_view ancestor) override {
    if (!is_id(commit) || !is_id(ancestor)) return fail(ErrorCode::bad_usage, "not an object id");
    auto there = has_commit(ancestor);
    if (!there) return fail(there.error());
    if (!*there) return false;  // the history of `commit` was fetched whole, and it is not in it
    auto result = run({"merge-base", "--is-ancestor", std::string(ancestor), std::string(commit)});
    if (!result) return fail(result.error());
    if (result->exit_code > 1) return fail(ErrorCode::corrupt, "git merge-base: " + last_line(result->errors));
    return result->exit_code == 0;
  }

  Result<std::vector<std::string>> commits_between(std::string_view from, std::string_view to) override {
    if (!is_id(from) || !is_id(to)) return fail(ErrorCode::bad_usage, "not an object id");
    auto text =
        local({"rev-list", fmt::format("--max-count={}", kMaxCommits + 1), std::string(to), "^" + std::string(from)});
    if (!text) return fail(text.error());
    std::vector<std::string> commits;
    std::string_view rest = *text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      if (end != 0) commits.emplace_back(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    if (commits.size() > kMaxCommits) {
      return fail(ErrorCode::limit, fmt::format("more than {} commits between {} and {}", kMaxCommits, from, to));
    }
    return commits;
  }

  Result<std::vector<TreeFile>> files(std::string_view commit, std::string_view root) override {
    if (!is_id(commit)) return fail(ErrorCode::bad_usage, "not an object id");
    std::vector<std::string> argv = {"ls-tree", "-r", "-z", "--full-tree", std::string(commit)};
    while (root.ends_with('/')) root.remove_suffix(1);
    if (!root.empty() && root != ".") argv.insert(argv.end(), {"--", std::string(root)});
    auto text = local(std::move(argv), std::size_t{256} << 20);
    if (!text) return fail(text.error());
    std::vector<TreeFile> files;
    std::string_view rest = *text;
    while (!rest.empty()) {
      const auto end = rest.find('\0');
      const std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      // "100644 blob <id>\t<path>"
      const auto tab = line.find('\t');
      if (tab == std::string_view::npos || line.size() < 12) continue;
      const std::string_view head = line.substr(0, tab);
      if (!head.starts_with("100644 blob ") && !head.starts_with("100755 blob ")) continue;
      files.push_back({std::string(line.substr(tab + 1)), std::string(head.substr(12))});
    }
    return files;
  }

  Result<std::map<std::string, std::string>> contents(const std::vector<std::string>& ids) override {
    std::map<std::string, std::string> found;
    if (ids.empty()) return found;
    ProcessRequest request = base({"--git-dir", settings_.directory, "cat-file", "--batch"});
    for (const std::string& id : ids) {
      if (!is_id(id)) return fail(ErrorCode::bad_usage, "not an object id");
      request.input += id + "\n";
    }
    request.max_output = kMaxContents;
    auto result = run_process(request);
    if (!result) return fail(in_context("reading policy files", result.error()));
    std::string_view rest = result->output;
    for (const std::string& id : ids) {
      const auto end = rest.find('\n');
      const std::string_view head = rest.substr(0, end);
      std::size_t size = 0;
      const auto space = head.rfind(' ');
      if (end == std::string_view::npos || !head.starts_with(id + " blob ") ||
          std::from_chars(head.data() + space + 1, head.data() + head.size(), size).ec != std::errc() ||
          rest.size() < end + 1 + size + 1) {
        return fail(ErrorCode::not_found, fmt::format("object {} cannot be read", id));
      }
      found[id] = rest.substr(end + 1, size);
      rest.remove_prefix(end + 1 + size + 1);
    }
    return found;
  }

  Result<std::optional<std::string>> file(std::string_view commit, std::string_view path) override {
    if (!is_id(commit)) return fail(ErrorCode::bad_usage, "not an object id");
    auto text = local({"ls-tree", "-z", "--full-tree", std::string(commit), "--", std::string(path)});
    if (!text) return fail(text.error());
    const auto tab = text->find('\t');
    if (tab == std::string::npos || !std::string_view(*text).substr(0, tab).starts_with("100")) {
      return std::optional<std::string>();
    }
    const std::string id = text->substr(12, tab - 12);
    auto found = contents({id});
    if (!found) return fail(found.error());
    return std::optional(std::move(found->begin()->second));
  }

 private:
  ProcessRequest base(std::vector<std::string> argv) const {
    ProcessRequest request;
    request.argv = {"git"};
    request.argv.insert(request.argv.end(), argv.begin(), argv.end());
    request.environment = {
        {"PATH", settings_.path},      {"HOME", "/nonexistent"},           {"LC_ALL", "C"},
        {"GIT_CONFIG_NOSYSTEM", "1"},  {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_TERMINAL_PROMPT", "0"},
        {"GIT_ASKPASS", "/bin/false"}, {"GIT_NO_REPLACE_OBJECTS", "1"},    {"GIT_GRAFT_FILE", "/dev/null"},
        {"GIT_OPTIONAL_LOCKS", "0"},   {"GIT_LITERAL_PATHSPECS", "1"},     {"GIT_ATTR_NOSYSTEM", "1"}};
    request.deadline = std::chrono::minutes(2);
    return request;
  }

  // A command that talks to the server.
  Result<ProcessResult> remote(std::vector<std::string> argv, std::chrono::milliseconds deadline) const {
    std::vector<std::string> all = {"-c", "credential.helper=",        "-c", "protocol.allow=never",
                                    "-c", "http.followRedirects=false"};
    for (const char* scheme : {"http", "https", "file"}) {
      // Only the scheme that the configuration names.
      if (settings_.url.starts_with(std::string(scheme) + "://")) {
        all.insert(all.end(), {"-c", fmt::format("protocol.{}.allow=always", scheme)});
      }
    }
    if (credential_) {
      // The helper reads descriptor 3, where run_process put the answer.
      all.insert(all.end(), {"-c", "credential.helper=!f() { test \"$1\" = get && cat <&3; }; f"});
    }
    all.insert(all.end(), argv.begin(), argv.end());
    ProcessRequest request = base(std::move(all));
    request.deadline = deadline;
    if (credential_) {
      const std::string_view text = credential_->reveal();
      const auto colon = text.find(':');
      request.descriptor3 =
          colon == std::string_view::npos
              ? Secret(fmt::format("username={}\npassword=\n", text))
              : Secret(fmt::format("username={}\npassword={}\n", text.substr(0, colon), text.substr(colon + 1)));
    }
    return run_process(request);
  }

  Result<ProcessResult> run(std::vector<std::string> argv, std::size_t max_output = std::size_t{16} << 20) const {
    argv.insert(argv.begin(), {"--git-dir", settings_.directory});
    ProcessRequest request = base(std::move(argv));
    request.max_output = max_output;
    return run_process(request);
  }

  Result<std::string> local(std::vector<std::string> argv, std::size_t max_output = std::size_t{16} << 20) const {
    const std::string command = argv.front();
    auto result = run(std::move(argv), max_output);
    if (!result) return fail(result.error());
    if (result->exit_code != 0) {
      return fail(ErrorCode::corrupt,
                  fmt::format("git {} in {}: {}", command, settings_.directory, last_line(result->errors)));
    }
    return std::move(result->output);
  }

  Result<bool> has_commit(std::string_view commit) const {
    if (!is_id(commit)) return fail(ErrorCode::bad_usage, "not an object id");
    auto result = run({"cat-file", "-e", std::string(commit) + "^{commit}"});
    if (!result) return fail(result.error());
    return result->exit_code == 0;
  }

  Status prepare(bool sha256) {
    struct stat info{};
    if (::stat((settings_.directory + "/HEAD").c_str(), &info) == 0) return {};
    std::error_code error;
    std::filesystem::create_directories(settings_.directory, error);
    if (error) {
      return fail(ErrorCode::io, fmt::format("making {}: {}", settings_.directory, error.message()));
    }
    auto result = run_process(base({"init", "--quiet", "--bare", "--template=",
                                    sha256 ? "--object-format=sha256" : "--object-format=sha1", settings_.directory}));
    if (!result) return fail(result.error());
    if (result->exit_code != 0) return fail(ErrorCode::io, "git init: " + last_line(result->errors));
    return {};
  }

  GitSourceSettings settings_;
  std::optional<Secret> credential_;
};

}  // namespace

std::unique_ptr<Source> git_source(GitSourceSettings settings, std::optional<Secret> credential) {
  return std::make_unique<GitSource>(std::move(settings), std::move(credential));
}

}  // namespace postern::deploy
