// What the tests of the store share.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gateway/store/store.h"

namespace postern::store::testing {

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Every backend runs the same contract suite. A new one is a line here.
struct Backend {
  std::string name;
  std::function<std::string(const TemporaryDirectory&)> url;  // of an empty store
};
inline std::vector<Backend> backends() {
  return {{"sqlite", [](const TemporaryDirectory& directory) { return "sqlite:" + directory.path() + "/a.db"; }}};
}

inline const std::string kMain = "refs/heads/main";

inline std::string id(char digit) { return std::string(40, digit); }

inline git::RefUpdate update(char from, char to, const std::string& ref = kMain) {
  return {*git::ObjectId::parse(id(from)), *git::ObjectId::parse(id(to)), ref};
}

inline audit::AuditEntry entry(audit::EntryKind kind, std::string who = "alice", std::string repository = "a/b") {
  audit::AuditEntry out;
  out.kind = kind;
  out.at = *parse_rfc3339("2026-11-22T14:03:07.123Z");
  out.request_id = "r1";
  out.who = {std::move(who), "human", "entra", "sub", "cli", "Alice"};
  out.from = "192.0.2.7";
  out.repository = std::move(repository);
  out.rule = "grant-1";
  return out;
}

inline PushIntent intent(const std::string& push, std::vector<git::RefUpdate> commands, std::string who = "alice",
                         std::string repository = "a/b") {
  return {push, std::move(commands), "", entry(audit::EntryKind::push_intent, std::move(who), std::move(repository))};
}

inline PushOutcome outcome(const std::string& push, std::vector<git::RefUpdate> commands,
                           std::vector<std::string> commits = {}, Outcome how = Outcome::accepted) {
  PushOutcome out;
  out.id = push;
  for (git::RefUpdate& command : commands) out.refs.push_back({std::move(command), how, false, "grant-1", ""});
  out.new_commits = std::move(commits);
  out.entry = entry(audit::EntryKind::push_outcome);
  return out;
}

// A push from intent to outcome.
inline Settled accept(Store& store, const std::string& push, std::vector<git::RefUpdate> commands,
                      std::vector<std::string> commits = {}, std::string who = "alice",
                      std::string repository = "a/b") {
  if (const auto begun = store.begin_push_and_wait(intent(push, commands, std::move(who), std::move(repository)));
      !begun) {
    return {};
  }
  return store.settle_push_and_wait(outcome(push, std::move(commands), std::move(commits))).value_or(Settled{});
}

}  // namespace postern::store::testing
