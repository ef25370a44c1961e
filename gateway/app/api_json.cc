#include "gateway/app/api_json.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"
#include "gateway/git/ref_json.h"
#include "gateway/git/repo_path.h"

namespace postern::app {
namespace {

std::unexpected<Error> invalid(std::string_view what) { return fail(ErrorCode::invalid_input, std::string(what)); }

std::string text_or_empty(const json::Value& object, std::string_view name) {
  const std::string* text = object.find_string(name);
  return text == nullptr ? std::string() : *text;
}

// A flag that is not there is not false: the deployer decides by it.
Result<bool> flag_of(const json::Value& object, std::string_view name) {
  const json::Value* value = object.find(name);
  if (value == nullptr || value->as_bool() == nullptr) {
    return invalid("push: member '" + std::string(name) + "' is no boolean");
  }
  return *value->as_bool();
}

bool is_deployment_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") ==
             std::string_view::npos;
}

}  // namespace

json::Value push_json(const store::AcceptedPush& push, bool with_commits) {
  json::Value value = json::Object{{"seq", push.seq}, {"id", push.id}, {"repository", push.repository}};
  const json::Value update = git::to_json(push.command);
  for (const auto& [name, item] : *update.as_object()) value.set(name, item);
  value.set("forced", push.forced);
  value.set("direct", push.direct);
  value.set("link", push.link);
  value.set("who", json::Object{{"name", push.who.name},
                                {"kind", push.who.kind},
                                {"issuer", push.who.issuer},
                                {"subject", push.who.subject},
                                {"client", push.who.client},
                                {"sponsor", push.sponsor}});
  value.set("rule", push.rule);
  value.set("at", to_rfc3339(push.at));
  value.set("truncated", push.truncated);
  if (with_commits) {
    json::Array commits;
    for (const std::string& commit : push.new_commits) commits.emplace_back(commit);
    value.set("commits", std::move(commits));
  }
  return value;
}

Result<store::AcceptedPush> parse_push(const json::Value& value) {
  store::AcceptedPush push;
  const std::int64_t* seq = value.find_int("seq");
  if (seq == nullptr || *seq < 1) return invalid("push: member 'seq' is no number from 1");
  push.seq = *seq;
  push.id = text_or_empty(value, "id");
  push.repository = text_or_empty(value, "repository");
  if (push.id.empty() || push.repository.empty()) return invalid("push: without id or repository");
  auto command = git::parse_ref_update(value);
  if (!command) return fail(in_context("push", command.error()));
  push.command = std::move(*command);
  for (const auto& [name, place] : {std::pair("forced", &push.forced), std::pair("direct", &push.direct),
                                    std::pair("link", &push.link), std::pair("truncated", &push.truncated)}) {
    const auto flag = flag_of(value, name);
    if (!flag) return fail(flag.error());
    *place = *flag;
  }
  const json::Value* who = value.find("who");
  if (who == nullptr || who->as_object() == nullptr) return invalid("push: without who");
  push.who = {text_or_empty(*who, "name"),    text_or_empty(*who, "kind"),   text_or_empty(*who, "issuer"),
              text_or_empty(*who, "subject"), text_or_empty(*who, "client"), ""};
  push.sponsor = text_or_empty(*who, "sponsor");
  push.rule = text_or_empty(value, "rule");
  const auto at = parse_rfc3339(text_or_empty(value, "at"));
  if (!at) return invalid("push: member 'at' is no time");
  push.at = *at;
  if (const json::Value* commits = value.find("commits")) {
    if (commits->as_array() == nullptr) return invalid("push: member 'commits' is no array");
    for (const json::Value& commit : *commits->as_array()) {
      const auto id = commit.as_string() == nullptr ? Result<git::ObjectId>(invalid(""))
                                                    : git::ObjectId::parse(*commit.as_string());
      if (!id) return invalid("push: member 'commits' holds what is no object id");
      push.new_commits.push_back(id->hex());
    }
  }
  return push;
}

std::string record_text(const store::AuditRecord& record) {
  return "{\"id\":" + std::to_string(record.id) + ",\"chain\":" + json::quote(record.record.chain) +
         ",\"seq\":" + std::to_string(record.record.seq) + ",\"hash\":\"" + hex_encode(as_view(record.record.hash)) +
         "\",\"entry\":" + record.record.bytes + "}";
}

Result<store::AuditRecord> parse_record(const json::Value& value) {
  const std::int64_t* id = value.find_int("id");
  const std::int64_t* seq = value.find_int("seq");
  const auto hash = hex_decode(text_or_empty(value, "hash"));
  const json::Value* entry = value.find("entry");
  if (id == nullptr || seq == nullptr || entry == nullptr || !hash || hash->size() != 32) {
    return invalid("audit record: without id, seq, hash or entry");
  }
  store::AuditRecord record{*id, {text_or_empty(value, "chain"), *seq, {}, {}, json::dump(*entry)}};
  std::copy(hash->begin(), hash->end(), record.record.hash.begin());
  return record;
}

json::Value deployment_json(const store::Deployment& deployment) {
  return json::Object{
      {"id", deployment.id},       {"environment", deployment.environment}, {"repository", deployment.repository},
      {"ref", deployment.ref},     {"commit", deployment.commit},           {"previous", deployment.previous},
      {"state", deployment.state}, {"reason", deployment.reason},           {"detail", deployment.detail}};
}

Result<store::Deployment> parse_deployment(const json::Value& value) {
  if (value.as_object() == nullptr) return invalid("the body must be an object");
  store::Deployment deployment;
  const std::array<std::pair<std::string_view, std::string*>, 8> texts = {{{"id", &deployment.id},
                                                                           {"environment", &deployment.environment},
                                                                           {"repository", &deployment.repository},
                                                                           {"ref", &deployment.ref},
                                                                           {"commit", &deployment.commit},
                                                                           {"previous", &deployment.previous},
                                                                           {"state", &deployment.state},
                                                                           {"reason", &deployment.reason}}};
  for (const auto& [name, item] : *value.as_object()) {
    if (name == "detail") {
      if (item.as_object() == nullptr) return invalid("member 'detail' must be an object");
      deployment.detail = item;
      continue;
    }
    const auto place = std::find_if(texts.begin(), texts.end(), [&](const auto& text) { return text.first == name; });
    if (place == texts.end()) {
      return invalid("member '" + printable(name, 60) +
                     "' is unknown: accepted are id, environment, repository, ref, commit, previous, state, reason, "
                     "detail");
    }
    if (item.as_string() == nullptr) return invalid("member '" + name + "' must be a string");
    *place->second = *item.as_string();
  }
  if (!is_deployment_id(deployment.id)) {
    return invalid("member 'id' must be 1 to 128 of letters, digits, '.', '_', ':' and '-'");
  }
  if (deployment.environment.empty()) return invalid("member 'environment' is missing");
  const auto repository = git::RepoPath::parse(deployment.repository);
  if (!repository) return invalid("member 'repository' must be owner/name");
  deployment.repository = repository->full_name();
  if (!git::is_valid_ref_name(deployment.ref)) return invalid("member 'ref' must be a ref, as refs/heads/main");
  for (std::string* id : {&deployment.commit, &deployment.previous}) {
    if (id->empty()) continue;  // nothing was deployed before, or no commit was looked at yet
    const auto commit = git::ObjectId::parse(*id);
    if (!commit) return invalid("members 'commit' and 'previous' must be object ids, or empty");
    *id = commit->hex();
  }
  return deployment;
}

}  // namespace postern::app
