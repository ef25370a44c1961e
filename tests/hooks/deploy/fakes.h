// A repository, a gateway and a service that live in memory.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "hooks/deploy/environment.h"
#include "hooks/policy/document.h"

namespace postern::deploy::test {

// 40 hex digits out of a word.
inline std::string id_of(std::string_view word) { return hex_encode(as_view(sha256(word))).substr(0, 40); }

struct FakeSource final : Source {
  struct Commit {
    std::string parent;
    std::map<std::string, std::string> files;
  };
  std::map<std::string, Commit> commits;
  std::map<std::string, std::string> blobs;
  std::string ref_at;  // empty: gone
  Error down{ErrorCode::internal, ""};

  // Makes a commit named by a word on top of another one; `files` replace or, when empty, delete.
  std::string commit(std::string_view name, const std::string& parent, std::map<std::string, std::string> files) {
    Commit made{parent, parent.empty() ? std::map<std::string, std::string>() : commits[parent].files};
    for (const auto& [path, text] : files) {
      if (text.empty()) {
        made.files.erase(path);
      } else {
        made.files[path] = text;
        blobs[id_of(text)] = text;
      }
    }
    commits[id_of(name)] = made;
    return id_of(name);
  }

  Result<std::optional<std::string>> tip(std::string_view) override {
    if (!down.message.empty()) return fail(down);
    return ref_at.empty() ? std::optional<std::string>() : std::optional(ref_at);
  }
  Status fetch(std::string_view, std::string_view) override { return {}; }
  Result<bool> descends(std::string_view commit, std::string_view ancestor) override {
    for (std::string at(commit); !at.empty(); at = commits[at].parent)
      if (at == ancestor) return true;
    return false;
  }
  Result<std::vector<std::string>> commits_between(std::string_view from, std::string_view to) override {
    std::vector<std::string> list;
    for (std::string at(to); !at.empty() && at != from; at = commits[at].parent) list.push_back(at);
    return list;
  }
  Result<std::vector<TreeFile>> files(std::string_view commit, std::string_view) override {
    std::vector<TreeFile> list;
    for (const auto& [path, text] : commits[std::string(commit)].files) list.push_back({path, id_of(text)});
    return list;
  }
  Result<std::map<std::string, std::string>> contents(const std::vector<std::string>& ids) override {
    std::map<std::string, std::string> found;
    for (const auto& id : ids) found[id] = blobs.at(id);
    return found;
  }
  Result<std::optional<std::string>> file(std::string_view commit, std::string_view path) override {
    const auto& files = commits[std::string(commit)].files;
    const auto found = files.find(std::string(path));
    return found == files.end() ? std::optional<std::string>() : std::optional(found->second);
  }
};

struct FakeRecords final : PushRecords {
  std::vector<RefMove> all;
  std::map<std::string, Author> introduced;
  std::vector<std::string> reported;
  bool down = false;

  // An accepted push of the ref that brought `commits` in.
  void accept(const std::string& from, const std::string& to, Author author, std::vector<std::string> commits) {
    all.push_back({static_cast<std::int64_t>(all.size() + 1), from, to, true, false, author});
    for (const auto& commit : commits) introduced.emplace(commit, author);
  }
  Result<MovesPage> moves(std::string_view, std::string_view, std::int64_t after, std::chrono::seconds) override {
    if (down) return fail(ErrorCode::unavailable, "gateway: connection refused");
    MovesPage page;
    for (const auto& move : all)
      if (move.seq > after) page.moves.push_back(move);
    page.next = static_cast<std::int64_t>(all.size());
    return page;
  }
  Result<std::map<std::string, Author>> introducers(std::string_view,
                                                    const std::vector<std::string>& commits) override {
    std::map<std::string, Author> found;
    for (const auto& commit : commits)
      if (introduced.contains(commit)) found[commit] = introduced[commit];
    return found;
  }
  Status report(std::string_view body) override {
    if (down) return fail(ErrorCode::unavailable, "gateway: connection refused");
    reported.emplace_back(body);
    return {};
  }
};

// What a kill -9 looks like from inside.
struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

struct FakeTarget final : DeploymentTarget {
  std::map<std::string, std::string> held;  // resource key -> text
  std::vector<std::string> writes;          // "put /x", "delete /x"
  std::deque<ArmFailure> failures;          // of the next writes
  std::set<std::string> refused;            // texts that ARM refuses
  int kill_before = -1;                     // the write of that number dies before it is done
  int kill_after = -1;                      // … or after
  int count = 0;

  ArmResult<std::optional<StoredPolicy>> read(const Resource& resource) override {
    const auto found = held.find(resource_key(resource.arm_path));
    if (found == held.end()) return std::optional<StoredPolicy>();
    return std::optional(StoredPolicy{found->second, "\"" + id_of(found->second).substr(0, 8) + "\"", ""});
  }
  ArmResult<void> put(const Resource& resource, const std::string& text, const std::optional<StoredPolicy>&) override {
    return write(resource, "put", [&]() -> ArmResult<void> {
      if (refused.contains(text)) {
        ArmFailure failure;
        failure.kind = ArmFailure::Kind::refused;
        failure.status = 400;
        failure.code = "ValidationError";
        failure.message = "One or more fields contain incorrect values:";
        failure.faults = {{3, 5, "set-header", "no good"}};
        return std::unexpected(failure);
      }
      held[resource_key(resource.arm_path)] = text;
      return {};
    });
  }
  ArmResult<void> remove(const Resource& resource, const StoredPolicy&) override {
    return write(resource, "delete", [&]() -> ArmResult<void> {
      held.erase(resource_key(resource.arm_path));
      return {};
    });
  }
  bool holds(const Resource&, const StoredPolicy& stored, const std::string& text) const override {
    return policy::canonical(stored.text) == policy::canonical(text);
  }

 private:
  template <class Do>
  ArmResult<void> write(const Resource& resource, std::string_view what, Do act) {
    const int number = count++;
    if (number == kill_before) throw Killed();
    if (!failures.empty()) {
      ArmFailure failure = failures.front();
      failures.pop_front();
      return std::unexpected(failure);
    }
    writes.push_back(std::string(what) + " " + resource.arm_path);
    auto done = act();
    if (number == kill_after) throw Killed();
    return done;
  }
};

inline ArmFailure waiting_failure(int status, std::string code, std::optional<std::chrono::seconds> retry = {}) {
  ArmFailure failure;
  failure.kind = status == 412 ? ArmFailure::Kind::replan : ArmFailure::Kind::wait;
  failure.status = status;
  failure.code = std::move(code);
  failure.message = "not now";
  failure.retry_after = retry;
  return failure;
}

}  // namespace postern::deploy::test
