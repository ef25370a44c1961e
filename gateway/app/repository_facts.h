// What the gate must know of a repository at the upstream before it lets a push through.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "gateway/app/in_force.h"
#include "gateway/base/clock.h"
#include "gateway/git/advertisement.h"
#include "gateway/git/repo_path.h"
#include "gateway/net/task.h"
#include "gateway/net/upstream_http1.h"

namespace postern::app {

inline constexpr std::chrono::seconds kFactsFresh{60};

// One shard's memory of it. Belongs to the shard's thread.
class RepositoryFacts {
 public:
  RepositoryFacts(net::Upstream& upstream, const Clock& clock) : upstream_(upstream), clock_(clock) {}

  // From an advertisement of receive-pack that went by.
  void note(const git::RepoPath& repo, const git::AdvertisementRewriter& advertisement);
  // Does the upstream's receive-pack take push options? Asked where it was not seen within the last 60 s.
  net::Task<Result<bool>> takes_push_options(git::RepoPath repo, std::string authorization);
  // Gogs' id of the repository, at most 60 s old; none for an upstream of kind "git". not_found, denied, unavailable.
  net::Task<Result<std::optional<std::int64_t>>> id(git::RepoPath repo, std::shared_ptr<const InForce> in_force);

 private:
  struct PushOptions {
    bool offered = false;
    MonoTime at{};
  };
  struct Id {
    std::int64_t id = 0;
    MonoTime at{};
  };
  static constexpr std::size_t kMax = 10000;

  net::Upstream& upstream_;
  const Clock& clock_;
  std::map<git::RepoPath, PushOptions> push_options_;
  std::map<git::RepoPath, Id> ids_;
};

// The whole body of an answer; limit when it is longer.
net::Task<Result<std::string>> read_all(net::UpstreamCall& call, std::size_t max_bytes);

}  // namespace postern::app
