#include "gateway/store/push_record.h"

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/git/ref_json.h"

namespace postern::store {
namespace {

// Members of ours first, then the caller's; a caller's member of the same name is dropped.
json::Value with_details(json::Object ours, const json::Value& callers) {
  json::Value detail = std::move(ours);
  if (const json::Object* members = callers.as_object()) {
    for (const auto& [name, value] : *members) {
      if (detail.find(name) == nullptr) detail.set(name, value);
    }
  }
  return detail;
}

json::Array outcome_refs(const std::vector<RefOutcome>& refs) {
  json::Array out;
  for (const RefOutcome& ref : refs) {
    json::Value item = git::to_json(ref.command);
    item.set("outcome", to_string(ref.outcome));
    item.set("forced", ref.forced);
    if (!ref.rule.empty()) item.set("rule", audit::recorded_text(ref.rule));
    if (!ref.reason.empty()) item.set("reason", audit::recorded_text(ref.reason));
    out.push_back(std::move(item));
  }
  return out;
}

json::Value commits_json(const PushOutcome& outcome) {
  return json::Object{{"count", static_cast<std::int64_t>(outcome.new_commits.size())},
                      {"digest", commits_digest(outcome.new_commits)},
                      {"truncated", outcome.truncated}};
}

// What could not be read back must not get in: an unreadable intent would hide every other one at start.
Status check_ref(const std::string& push, const git::RefUpdate& update) {
  if (git::is_valid_ref_name(update.ref)) return {};
  return fail(ErrorCode::invalid_input,
              "push " + printable(push, 80) + ": '" + printable(update.ref, 200) + "' is no ref name");
}

Status check_outcome(const PushOutcome& outcome) {
  for (const RefOutcome& ref : outcome.refs) {
    if (Status valid = check_ref(outcome.id, ref.command); !valid) return valid;
  }
  for (const std::string& commit : outcome.new_commits) {
    const auto id = git::ObjectId::parse(commit);
    if (!id || id->hex() != commit) {
      return fail(ErrorCode::invalid_input, "push " + printable(outcome.id, 80) + ": a new commit is no object id");
    }
  }
  return {};
}

}  // namespace

Result<PreparedRecord> prepare(const audit::AuditEntry& entry) {
  auto bytes = audit::canonical_bytes(entry);
  if (!bytes) return fail(bytes.error());
  return PreparedRecord{std::move(*bytes),
                        entry.at.time_since_epoch().count(),
                        std::string(audit::to_string(entry.kind)),
                        audit::recorded_text(entry.request_id),
                        audit::recorded_text(entry.who.name),
                        audit::recorded_text(entry.repository)};
}

Result<PreparedRecord> prepare_intent(const PushIntent& intent) {
  audit::AuditEntry entry = intent.entry;
  entry.kind = audit::EntryKind::push_intent;
  json::Array refs;
  for (const git::RefUpdate& command : intent.commands) {
    if (Status valid = check_ref(intent.id, command); !valid) return fail(valid.error());
    refs.push_back(git::to_json(command));
  }
  entry.detail =
      with_details({{"push", intent.id}, {"sponsor", intent.sponsor}, {"refs", std::move(refs)}}, entry.detail);
  return prepare(entry);
}

Result<PreparedRecord> prepare_outcome(const PushOutcome& outcome) {
  if (Status checked = check_outcome(outcome); !checked) return fail(checked.error());
  audit::AuditEntry entry = outcome.entry;
  entry.kind = audit::EntryKind::push_outcome;
  entry.detail = with_details(
      {{"push", outcome.id}, {"refs", outcome_refs(outcome.refs)}, {"commits", commits_json(outcome)}}, entry.detail);
  return prepare(entry);
}

Result<PreparedRecord> prepare_direct(const PushOutcome& write, bool link) {
  if (Status checked = check_outcome(write); !checked) return fail(checked.error());
  audit::AuditEntry entry = write.entry;
  entry.kind = audit::EntryKind::direct_write;
  entry.detail = with_details({{"push", write.id},
                               {"sponsor", write.sponsor},
                               {"link", link},
                               {"refs", outcome_refs(write.refs)},
                               {"commits", commits_json(write)}},
                              entry.detail);
  return prepare(entry);
}

namespace {

json::Value deployment_json(const Deployment& deployment) {
  return json::Object{{"deployment", deployment.id},     {"environment", deployment.environment},
                      {"ref", deployment.ref},           {"commit", deployment.commit},
                      {"previous", deployment.previous}, {"state", deployment.state},
                      {"reason", deployment.reason},     {"report", deployment.detail}};
}

}  // namespace

Result<PreparedRecord> prepare_deployment(const Deployment& deployment, audit::AuditEntry entry) {
  entry.kind = audit::EntryKind::deploy_outcome;
  entry.repository = deployment.repository;
  entry.detail = deployment_json(deployment);
  return prepare(entry);
}

Sha256 deployment_digest(const Deployment& deployment) {
  return sha256(deployment.repository + "\n" + json::dump(deployment_json(deployment)));
}

std::string commits_digest(std::span<const std::string> commits) {
  Sha256Stream stream;
  for (const std::string& commit : commits) {
    stream.update(commit);
    stream.update("\n");
  }
  return hex_encode(as_view(stream.finish()));
}

Result<RecordedPush> parse_recorded_push(const audit::AuditEntry& entry) {
  const auto corrupt = [](std::string_view what) {
    return fail(ErrorCode::corrupt, "push record: " + std::string(what));
  };
  const auto flag = [](const json::Value* value) {
    return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
  };
  RecordedPush push;
  const std::string* id = entry.detail.find_string("push");
  if (id == nullptr) return corrupt("no push id");
  push.id = *id;
  if (const std::string* sponsor = entry.detail.find_string("sponsor")) push.sponsor = *sponsor;
  push.link = flag(entry.detail.find("link"));
  if (const json::Value* commits = entry.detail.find("commits")) {
    push.truncated = flag(commits->find("truncated"));
    if (const std::int64_t* count = commits->find_int("count")) push.commit_count = *count;
    if (const std::string* digest = commits->find_string("digest")) push.commit_digest = *digest;
  }
  const json::Value* refs = entry.detail.find("refs");
  if (refs == nullptr || refs->as_array() == nullptr) return corrupt("no refs");
  for (const json::Value& item : *refs->as_array()) {
    auto command = git::parse_ref_update(item);
    if (!command) return fail(command.error());
    const std::string* outcome = item.find_string("outcome");
    push.refs.push_back({std::move(*command), outcome == nullptr ? "" : *outcome, flag(item.find("forced"))});
  }
  return push;
}

}  // namespace postern::store
