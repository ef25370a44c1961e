// Which LFS objects somebody may send: what a batch request with write was given, remembered until the objects come.
// The object's own request names no ref, so it cannot be judged alone.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "gateway/base/clock.h"
#include "gateway/base/guarded.h"
#include "gateway/git/repo_path.h"

namespace postern::app {

// Thread-safe; bounded.
class LfsUploads {
 public:
  static constexpr std::chrono::hours kLifetime{1};
  static constexpr std::size_t kMax = 200000;

  void allow(std::string_view identity, const git::RepoPath& repo, std::string_view oid, MonoTime now) {
    auto allowed = allowed_.lock();
    if (allowed->size() >= kMax) std::erase_if(*allowed, [&](const auto& entry) { return entry.second <= now; });
    if (allowed->size() >= kMax) allowed->clear();
    (*allowed)[{std::string(identity), repo.full_name(), std::string(oid)}] = now + kLifetime;
  }
  bool is_allowed(std::string_view identity, const git::RepoPath& repo, std::string_view oid, MonoTime now) {
    auto allowed = allowed_.lock();
    const auto found = allowed->find({std::string(identity), repo.full_name(), std::string(oid)});
    return found != allowed->end() && found->second > now;
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  Guarded<std::map<Key, MonoTime>> allowed_;
};

}  // namespace postern::app
