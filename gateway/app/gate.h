// The gate: classify -> identify -> decide -> record -> forward. Everything that a git client sends goes through here,
// and nothing reaches the upstream in any other way.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/app/in_flight.h"
#include "gateway/app/lfs_uploads.h"
#include "gateway/app/metrics.h"
#include "gateway/app/repository_facts.h"
#include "gateway/app/request.h"
#include "gateway/audit/aggregate.h"
#include "gateway/git/command_list.h"
#include "gateway/git/report_status.h"
#include "gateway/git/smart_http.h"
#include "gateway/net/server.h"
#include "gateway/net/task.h"
#include "gateway/net/upstream_http1.h"
#include "gateway/net/workers.h"
#include "gateway/spool/spool.h"
#include "gateway/store/store.h"

namespace postern::app {

// What all shards share; each part is thread-safe and outlives the gates.
struct GateParts {
  const Clock& clock;
  store::Store& store;
  audit::RefusalAggregator& refusals;
  const spool::Spool& spool;
  net::Workers& workers;
  LfsUploads& lfs_uploads;
  InFlight& in_flight;
  Metrics& metrics;
};

// The limits on what is read and thrown away so that a refusal can be understood.
inline constexpr std::uint64_t kDrainPush = std::uint64_t{256} << 20;
inline constexpr std::uint64_t kDrainOther = std::uint64_t{1} << 20;

// One shard's gate. Belongs to the shard's thread.
class Gate {
 public:
  Gate(net::EventLoop& loop, net::Upstream& upstream, GateParts parts, std::shared_ptr<const InForce> in_force);

  // What is in force from the next request on.
  void install(std::shared_ptr<const InForce> in_force) {
    in_force_ = std::move(in_force);
    known_.clear();
  }

  Request make_request(std::shared_ptr<net::Exchange> exchange);
  // The whole way of one git or LFS request.
  net::Task<void> handle(Request& request);

  // Who asks. False: it was answered (401, 503). `passthrough`: what may go on without an identity of ours.
  net::Task<bool> identify(Request& request, const git::RepoPath* passthrough);

 private:
  net::Task<void> advertise(Request& request, git::GitRequest git);
  net::Task<void> fetch(Request& request, git::GitRequest git);

  // gate_lfs.cc
  net::Task<void> lfs_batch(Request& request, git::GitRequest git);
  net::Task<void> lfs_object(Request& request, git::GitRequest git);

  // gate_push.cc
  net::Task<void> push(Request& request, git::GitRequest git);
  struct PushPlan;
  bool decide_push(Request& request, const git::GitRequest& git, PushPlan& plan);
  void refuse_push(Request& request, const git::GitRequest& git, PushPlan& plan, std::string_view line);
  net::Task<Status> write_ticket(Request& request, const git::GitRequest& git, PushPlan& plan);
  net::Task<void> forward_push(Request& request, const git::GitRequest& git, PushPlan& plan, std::string_view rest);
  net::Task<void> answer_push(Request& request, const git::GitRequest& git, PushPlan& plan, net::UpstreamCall& call);
  net::Task<void> settle(Request& request, const git::GitRequest& git, const PushPlan& plan,
                         const git::PushReport& report, const std::optional<spool::Verdict>& verdict);

  // what the ways share
  bool may_ask(Request& request, const git::RepoPath& repo);
  void refuse_access(Request& request, const git::RepoPath& repo, std::string_view reason);
  static std::string authorization_for(const Request& request);
  net::UpstreamRequest upstream_request(const Request& request, const git::GitRequest& git) const;
  net::Task<std::unique_ptr<net::UpstreamCall>> open_answer(Request& request, net::UpstreamRequest forwarded,
                                                            std::string_view body);
  net::Task<bool> send_body(Request& request, net::UpstreamCall& call, std::string_view first);
  net::Task<void> relay(Request& request, net::UpstreamCall& call, std::string_view content_type);
  void answer_upstream_error(Request& request, const Error& error);
  bool answer_upstream_status(Request& request, int status);
  net::Task<Status> record(audit::AuditEntry entry);
  bool record_soon(Request& request, audit::AuditEntry entry);

  net::EventLoop& loop_;
  net::Upstream& upstream_;
  GateParts parts_;
  std::shared_ptr<const InForce> in_force_;
  RepositoryFacts facts_;
  std::string id_prefix_;
  std::uint64_t id_count_ = 0;
  std::map<uid_t, std::string> user_names_;
  // Who the rules in force say a verified token is: the same few tokens come again and again.
  struct Known {
    identity::VerifiedTokenPtr token;  // keeps the key from being somebody else's
    identity::Identity who;
  };
  std::unordered_map<const identity::VerifiedToken*, Known> known_;
};

}  // namespace postern::app
