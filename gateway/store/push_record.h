// How pushes and deployments stand in the audit log: what every backend writes, and reads back. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gateway/store/store.h"

namespace postern::store {

// Value: an entry made ready for the log, with the columns it is searched by.
struct PreparedRecord {
  std::string bytes;
  std::int64_t at_millis = 0;
  std::string kind, request, who, repository;
};

Result<PreparedRecord> prepare(const audit::AuditEntry& entry);

// The entries with kind and detail filled in.
Result<PreparedRecord> prepare_intent(const PushIntent& intent);
Result<PreparedRecord> prepare_outcome(const PushOutcome& outcome);
Result<PreparedRecord> prepare_direct(const PushOutcome& write, bool link);
Result<PreparedRecord> prepare_deployment(const Deployment& deployment, audit::AuditEntry entry);

std::string commits_digest(std::span<const std::string> commits);  // hex SHA-256 over `id LF` of each
// Of all that a deployment says; two reports of one id must agree on it.
Sha256 deployment_digest(const Deployment& deployment);

struct RecordedRef {
  git::RefUpdate command;
  std::string outcome;
  bool forced = false;
};

// What a push.intent, push.outcome or direct.write record says; corrupt when it is none.
struct RecordedPush {
  std::string id;
  std::string sponsor;
  bool link = false;
  bool truncated = false;
  std::int64_t commit_count = 0;
  std::string commit_digest;
  std::vector<RecordedRef> refs;
};
Result<RecordedPush> parse_recorded_push(const audit::AuditEntry& entry);

}  // namespace postern::store
