// The way of LFS through the gate: a batch is judged by what its body says, an object by the batch that named it.
#include "gateway/app/gate.h"
#include "gateway/app/settle.h"
#include "gateway/base/encoding.h"
#include "gateway/git/lfs.h"

namespace postern::app {

using audit::EntryKind;
using net::Task;

Task<void> Gate::lfs_batch(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  const std::optional<std::string_view> type = exchange.header("content-type");
  if (!type || type->substr(0, type->find(';')) != git::kLfsMediaType ||
      exchange.header_count("content-encoding") > 0) {
    answer_text(request, 415, "postern: Content-Type must be " + std::string(git::kLfsMediaType));
    co_return;
  }
  // The same URL reads and writes: the right is judged by what the body says.
  std::string body;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece) {
      answer_text(request, 400, "postern: " + piece.error().message);
      co_return;
    }
    if (!*piece) break;
    if (body.size() + (*piece)->size() > git::kLfsBatchMax) {
      answer_text(request, 413, "postern: an LFS batch is at most 1 MiB");
      co_return;
    }
    body.append(**piece);
  }
  Result<git::LfsBatch> batch = git::parse_lfs_batch(body);
  if (!batch) {
    answer_text(request, 422, "postern: " + batch.error().message);
    co_return;
  }
  std::string rule = "passthrough";
  if (!request.own_authorization) {
    access::Decision decision;
    if (!batch->upload) {
      decision = request.rules().decide_read(request.who, git.repo, request.address, request.now);
    } else if (batch->ref.empty()) {
      decision.reason = "an upload must name the ref it is for (git-lfs 2.4 and later do)";
    } else {
      decision =
          request.rules().decide(request.who, git.repo, batch->ref, access::Verb::update, request.address, request.now);
      if (!decision.allowed) {
        decision = request.rules().decide(request.who, git.repo, batch->ref, access::Verb::create, request.address,
                                          request.now);
      }
    }
    if (!decision.allowed) {
      audit::AuditEntry entry = make_entry(request, EntryKind::access_refused, &git.repo);
      entry.rule = decision.rule;
      entry.detail.set("lfs", batch->upload ? "upload" : "download");
      entry.detail.set("reason", decision.reason);
      if (!record_soon(request, std::move(entry))) co_return;
      parts_.metrics.add(Metrics::forbidden);
      json::Value answer = json::Object{};
      answer.set("message", "postern: " + printable(decision.reason));
      answer.set("request_id", request.id);
      exchange.respond(403, common_headers(request, git::kLfsMediaType), json::dump(answer));
      co_return;
    }
    rule = decision.rule;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::lfs, &git.repo);
  entry.rule = rule;
  json::Array oids;
  for (const git::LfsObject& object : batch->objects) oids.emplace_back(object.oid);
  entry.detail.set("action", batch->upload ? "batch upload" : "batch download");
  entry.detail.set("oids", std::move(oids));
  Status recorded = co_await record(std::move(entry));
  if (!recorded) {
    answer_unavailable(request, "the audit log cannot be written");
    co_return;
  }
  if (batch->upload) {
    for (const git::LfsObject& object : batch->objects) {
      parts_.lfs_uploads.allow(request.who.name, git.repo, object.oid, parts_.clock.mono());
    }
  }
  net::UpstreamRequest forwarded = upstream_request(request, git);
  forwarded.headers.emplace_back("Content-Type", git::kLfsMediaType);
  forwarded.headers.emplace_back("Accept", git::kLfsMediaType);
  forwarded.has_body = true;
  forwarded.length = body.size();
  const std::unique_ptr<net::UpstreamCall> call = co_await open_answer(request, std::move(forwarded), body);
  if (!call) co_return;
  Result<std::string> answer = co_await read_all(*call, git::kLfsBatchMax * 4);
  if (!answer) {
    answer_upstream_error(request, answer.error());
    co_return;
  }
  Result<std::string> rewritten = rewrite_lfs_hrefs(*answer, git.repo, request.in_force->config.server.external_url);
  if (!rewritten) {
    answer_upstream_error(request, rewritten.error());
    co_return;
  }
  exchange.respond(200, common_headers(request, git::kLfsMediaType), std::move(*rewritten));
}

Task<void> Gate::lfs_object(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  const bool download = git.action == git::Action::lfs_download;
  const bool verify = git.action == git::Action::lfs_verify;
  if (exchange.header_count("content-encoding") > 0) {
    answer_text(request, 415, "postern: an LFS object is taken as it is, without Content-Encoding");
    co_return;
  }
  std::string body;
  if (verify) {
    const std::optional<std::string_view> type = exchange.header("content-type");
    if (!type || type->substr(0, type->find(';')) != git::kLfsMediaType) {
      answer_text(request, 415, "postern: Content-Type must be " + std::string(git::kLfsMediaType));
      co_return;
    }
    while (true) {
      Result<std::optional<std::string_view>> piece = co_await exchange.read();
      if (!piece || (*piece && body.size() + (*piece)->size() > 4096)) {
        answer_text(request, 400, "postern: an LFS verify request is at most 4 KiB of JSON");
        co_return;
      }
      if (!*piece) break;
      body.append(**piece);
    }
    Result<json::Value> value = json::parse(body);
    const std::string* oid = value ? value->find_string("oid") : nullptr;
    if (oid == nullptr) {
      answer_text(request, 422, "postern: an LFS verify request names an oid");
      co_return;
    }
    git.lfs_oid = *oid;
  }
  std::string rule = "passthrough";
  if (!request.own_authorization) {
    access::Decision decision;
    if (download) {
      decision = request.rules().decide_read(request.who, git.repo, request.address, request.now);
    } else if (parts_.lfs_uploads.is_allowed(request.who.name, git.repo, git.lfs_oid, parts_.clock.mono())) {
      decision.allowed = true;
      decision.rule = "lfs-batch";
    } else {
      decision.reason = "no batch request within the last hour was given this object to upload";
    }
    if (!decision.allowed) {
      refuse_access(request, git.repo, decision.reason);
      co_return;
    }
    rule = decision.rule;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::lfs, &git.repo);
  entry.rule = rule;
  entry.detail.set("action", download ? "download" : verify ? "verify" : "upload");
  entry.detail.set("oids", json::Array{json::Value(git.lfs_oid)});
  Status recorded = co_await record(std::move(entry));
  if (!recorded) {
    answer_unavailable(request, "the audit log cannot be written");
    co_return;
  }
  net::UpstreamRequest forwarded = upstream_request(request, git);
  if (download) {
    Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.ask(std::move(forwarded));
    if (!call) {
      answer_upstream_error(request, call.error());
      co_return;
    }
    co_await relay(request, **call, "application/octet-stream");
    co_return;
  }
  if (verify) {
    forwarded.headers.emplace_back("Content-Type", git::kLfsMediaType);
    forwarded.headers.emplace_back("Accept", git::kLfsMediaType);
  } else {
    forwarded.headers.emplace_back("Content-Type", "application/octet-stream");
  }
  forwarded.has_body = verify || exchange.has_body();
  forwarded.length = verify ? std::optional<std::uint64_t>(body.size()) : exchange.content_length();
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.open(std::move(forwarded));
  if (!call) {
    answer_upstream_error(request, call.error());
    co_return;
  }
  const bool sent = co_await send_body(request, **call, body);
  if (!sent) co_return;
  co_await relay(request, **call, verify ? git::kLfsMediaType : std::string_view("text/plain"));
}

}  // namespace postern::app
