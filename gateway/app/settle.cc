#include "gateway/app/settle.h"

#include <algorithm>

#include "gateway/git/lfs.h"
#include "gateway/git/smart_http.h"

namespace postern::app {
namespace {

const spool::CommandVerdict* find_command(const std::optional<spool::Verdict>& verdict, const git::RefUpdate& command) {
  if (!verdict) return nullptr;
  for (const spool::CommandVerdict& judged : verdict->commands) {
    if (judged.command == command) return &judged;
  }
  return nullptr;
}

}  // namespace

store::PushOutcome outcome_of(std::string_view id, std::span<const git::RefUpdate> commands,
                              std::span<const std::string> rules, const git::PushReport& report,
                              const std::optional<spool::Verdict>& verdict) {
  store::PushOutcome outcome;
  outcome.id = id;
  outcome.truncated = !verdict || verdict->truncated;
  if (verdict) outcome.new_commits = verdict->new_commits;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    store::RefOutcome& ref = outcome.refs.emplace_back();
    ref.command = commands[i];
    if (i < rules.size()) ref.rule = rules[i];
    const spool::CommandVerdict* judged = find_command(verdict, commands[i]);
    if (judged != nullptr) ref.forced = judged->forced;
    const git::RefReport* said = report.find(commands[i].ref);
    if (report.unpack != "ok") {
      ref.outcome = store::Outcome::failed;
      ref.reason = "the upstream could not unpack: " + report.unpack;
    } else if (said == nullptr) {
      ref.outcome = store::Outcome::unknown;
      ref.reason = "the upstream said nothing about it";
    } else if (said->ok) {
      ref.outcome = store::Outcome::accepted;
    } else if (said->reason == git::kHookDeclined) {
      ref.outcome = store::Outcome::refused;
      ref.reason = said->reason;
      if (judged != nullptr && !judged->accepted) {
        ref.reason = judged->reason;
        if (!judged->rule.empty()) ref.rule = judged->rule;
      } else if (verdict && !verdict->accepted) {
        ref.reason = "another ref of this push was refused";
      }
    } else {
      ref.outcome = store::Outcome::failed;
      ref.reason = said->reason;
    }
  }
  return outcome;
}

void add_verdict_detail(json::Value& detail, const spool::Verdict& verdict) {
  json::Value hook = json::Object{};
  hook.set("accepted", verdict.accepted);
  hook.set("mode", verdict.mode);
  hook.set("version", verdict.hook_version);
  hook.set("milliseconds", verdict.milliseconds);
  if (!verdict.findings.empty()) hook.set("findings", verdict.findings);
  json::Array refused;
  for (const spool::CommandVerdict& command : verdict.commands) {
    if (command.accepted) continue;
    json::Value entry = json::Object{};
    entry.set("ref", audit::recorded_text(command.command.ref));
    entry.set("reason", audit::recorded_text(command.reason));
    entry.set("rule", command.rule);
    refused.push_back(std::move(entry));
  }
  if (!refused.empty()) hook.set("refused", std::move(refused));
  json::Array text;
  for (std::size_t i = 0; i < std::min<std::size_t>(verdict.text.size(), 50); ++i) {
    text.emplace_back(audit::recorded_text(verdict.text[i]));
  }
  if (!text.empty()) hook.set("text", std::move(text));
  detail.set("hook", std::move(hook));
}

void add_outcome_detail(json::Value& detail, const git::PushReport& report,
                        const std::optional<spool::Verdict>& verdict) {
  json::Value upstream = json::Object{};
  upstream.set("unpack", audit::recorded_text(report.unpack));
  detail.set("upstream", std::move(upstream));
  if (verdict) add_verdict_detail(detail, *verdict);
}

Result<std::string> rewrite_lfs_hrefs(std::string_view answer, const git::RepoPath& repo,
                                      std::string_view external_url) {
  json::Limits limits;
  limits.bytes = git::kLfsBatchMax * 4;
  Result<json::Value> value = json::parse(answer, limits);
  if (!value) return fail(in_context("the upstream's LFS answer", value.error()));
  json::Object* top = value->as_object();
  if (top == nullptr) return fail(ErrorCode::invalid_input, "the upstream's LFS answer is no object");
  for (auto& [name, objects] : *top) {
    if (name != "objects" || objects.as_array() == nullptr) continue;
    for (json::Value& object : *objects.as_array()) {
      if (object.as_object() == nullptr) continue;
      for (auto& [key, actions] : *object.as_object()) {
        if (key != "actions" || actions.as_object() == nullptr) continue;
        for (auto& [action, link] : *actions.as_object()) {
          const std::string* href = link.find_string("href");
          if (href == nullptr) continue;
          const std::size_t scheme = href->find("://");
          const std::size_t path = scheme == std::string::npos ? std::string::npos : href->find('/', scheme + 3);
          if (path == std::string::npos) continue;
          const std::string_view method = action == "download" ? "GET" : action == "upload" ? "PUT" : "POST";
          std::optional<git::GitRequest> request = git::classify(method, std::string_view(*href).substr(path));
          if (!request || request->repo != repo) continue;
          link.set("href", std::string(external_url) + git::upstream_target(*request));
        }
      }
    }
  }
  return json::dump(*value);
}

}  // namespace postern::app
