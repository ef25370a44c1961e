#include "gateway/app/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "gateway/app/api_json.h"
#include "gateway/base/encoding.h"
#include "gateway/git/repo_path.h"

namespace postern::app {
namespace {

constexpr std::int64_t kMaxWaitSeconds = 30;
constexpr std::size_t kMaxCommits = 200;             // of one question for introducers: they travel in the URL
constexpr std::size_t kAuditPageBytes = 768 * 1024;  // a page ends after the record that reaches it
// Of a deployment, as schema/openapi.yaml lists them.
constexpr std::array<std::string_view, 8> kStates = {"idle",    "planned", "applying", "waiting",
                                                     "healthy", "failed",  "held",     "pinned"};

using Reply = std::function<void(ApiAnswer)>;

struct Call {
  const ApiRequest& request;
  const Api::Parts& parts;
  const Reply& reply;

  void fail_with(int status, std::string_view reason, std::string_view detail) const {
    reply(problem(status, reason, detail, request.request_id));
  }
  // The store could not answer or record: nothing was done, the caller may come again.
  void fail_with(const Error& error) const {
    fail_with(503, "store_unavailable", "the store cannot be used now: " + error.message);
  }
  void answer(const json::Value& value, int status = 200) const {
    reply(ApiResponse{status, "application/json", json::dump(value) + "\n", {}});
  }
};

// Query parameters, taken one by one; what nobody asked for is a mistake of the caller.
class Query {
 public:
  explicit Query(const std::map<std::string, std::string>& given) : given_(given) {}

  std::optional<std::string> text(std::string_view name) {
    known_.emplace_back(name);
    const auto found = given_.find(std::string(name));
    if (found == given_.end()) return std::nullopt;
    if (found->second.empty()) fault(name, "is empty");
    return found->second;
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    const auto value = text(name);
    if (!value) return otherwise;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc() || end != value->data() + value->size() || number < least || number > most) {
      fault(name, fmt::format("must be a number from {} to {}", least, most));
      return otherwise;
    }
    return number;
  }
  std::optional<WallTime> time(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto parsed = parse_rfc3339(*value);
    if (!parsed) return fault(name, "must be a time such as 2026-11-22T14:03:07Z"), std::nullopt;
    return *parsed;
  }
  std::optional<std::string> repository(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto path = git::RepoPath::parse(*value);
    if (!path) return fault(name, "must be owner/name"), std::nullopt;
    return path->full_name();
  }
  void fault(std::string_view name, std::string_view what) {
    if (fault_.empty()) fault_ = fmt::format("query parameter '{}' {}", printable(name, 60), what);
  }
  // Empty when all is well. Call after the last parameter was taken.
  std::string first_fault() {
    for (const auto& [name, value] : given_) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string accepted;
      for (const std::string& known : known_) accepted += (accepted.empty() ? "" : ", ") + known;
      fault(name, "is unknown: accepted are " + accepted);
    }
    return fault_;
  }

 private:
  const std::map<std::string, std::string>& given_;
  std::vector<std::string> known_;
  std::string fault_;
};

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

void get_pushes(const Call& call) {
  Query query(call.request.query);
  store::PushQuery question;
  question.repository = query.repository("repo");
  question.ref = query.text("ref");
  question.after = query.integer("after", 0, 0, INT64_MAX);
  question.limit = static_cast<std::size_t>(query.integer("limit", 100, 1, 1000));
  const std::int64_t wait = query.integer("wait", 0, 0, kMaxWaitSeconds);
  if (const std::string fault = query.first_fault(); !fault.empty()) return call.fail_with(400, "bad_query", fault);

  const auto page = call.parts.store->accepted_pushes(question);
  if (!page) return call.fail_with(page.error());
  if (page->pushes.empty() && wait > 0 && !call.request.last) {
    return call.reply(ApiWait{page->next, std::chrono::seconds(wait)});
  }
  json::Array pushes;
  for (const store::AcceptedPush& push : page->pushes) pushes.push_back(push_json(push, true));
  call.answer(json::Object{{"pushes", std::move(pushes)}, {"next", page->next}, {"more", page->more}});
}

void get_introducers(const Call& call) {
  Query query(call.request.query);
  const auto repository = query.repository("repo");
  const auto list = query.text("commits");
  if (!repository && query.first_fault().empty()) query.fault("repo", "is missing");
  if (!list) query.fault("commits", "is missing");
  const std::vector<std::string> commits = list ? split_commas(*list) : std::vector<std::string>();
  if (commits.size() > kMaxCommits) query.fault("commits", fmt::format("holds more than {} commits", kMaxCommits));
  for (const std::string& commit : commits) {
    if (!git::ObjectId::parse(commit)) query.fault("commits", "must be object ids, joined by commas");
  }
  if (const std::string fault = query.first_fault(); !fault.empty()) return call.fail_with(400, "bad_query", fault);

  const auto found = call.parts.store->introducers(*repository, commits);
  if (!found) return call.fail_with(found.error());
  json::Array introducers;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    const auto& push = (*found)[i];
    introducers.push_back(
        json::Object{{"commit", commits[i]}, {"push", push ? push_json(*push, false) : json::Value()}});
  }
  call.answer(json::Object{{"introducers", std::move(introducers)}});
}

void get_audit(const Call& call) {
  Query query(call.request.query);
  store::AuditQuery question;
  question.after = query.integer("after", 0, 0, INT64_MAX);
  question.limit = static_cast<std::size_t>(query.integer("limit", 100, 1, 1000));
  const std::string order = query.text("order").value_or("asc");
  if (order != "asc" && order != "desc") query.fault("order", "must be asc or desc");
  question.newest_first = order == "desc";
  question.who = query.text("who");
  question.repository = query.repository("repo");
  question.request_id = query.text("request");
  question.since = query.time("since");
  question.until = query.time("until");
  if (const auto kinds = query.text("kind")) {
    for (const std::string& name : split_commas(*kinds)) {
      const auto kind = audit::parse_entry_kind(name);
      if (!kind) {
        query.fault("kind", "must be of " + audit::entry_kinds());
        break;
      }
      question.kinds.push_back(*kind);
    }
  }
  if (const std::string fault = query.first_fault(); !fault.empty()) return call.fail_with(400, "bad_query", fault);

  const std::size_t limit = question.limit;
  question.limit = std::min<std::size_t>(limit + 1, 1000);
  const auto records = call.parts.store->list_audit(question);
  if (!records) return call.fail_with(records.error());
  // The entries go out as the bytes that were hashed.
  std::string body = "{\"records\":[";
  store::Seq next = question.after;
  std::size_t given = 0;
  for (const store::AuditRecord& record : *records) {
    if (given == limit || body.size() >= kAuditPageBytes) break;
    body += (given == 0 ? "" : ",") + record_text(record);
    next = record.id;
    ++given;
  }
  const bool more = given < records->size() || (limit == 1000 && given == 1000);
  body += fmt::format("],\"next\":{},\"more\":{}}}\n", next, more);
  call.reply(ApiResponse{200, "application/json", std::move(body), {}});
}

void post_deployment(const Call& call) {
  const auto body = json::parse(call.request.body, {.bytes = kApiBodyMax, .depth = 32, .values = 50000});
  if (!body) return call.fail_with(400, "bad_body", body.error().message);
  auto deployment = parse_deployment(*body);
  if (!deployment) return call.fail_with(400, "bad_body", deployment.error().message);
  if (std::find(kStates.begin(), kStates.end(), deployment->state) == kStates.end()) {
    return call.fail_with(400, "bad_body", fmt::format("member 'state' must be one of {}", fmt::join(kStates, ", ")));
  }
  audit::AuditEntry entry;
  entry.at = call.parts.clock->wall();
  entry.request_id = call.request.request_id;
  entry.who = audit::who_of(call.request.who);
  entry.from = call.request.from;
  call.parts.store->record_deployment(
      std::move(*deployment), std::move(entry),
      [reply = call.reply, request_id = call.request.request_id](Result<store::Settled> settled) {
        if (settled) {
          const json::Value value = json::Object{{"record", settled->record}, {"first", settled->first}};
          reply(ApiResponse{settled->first ? 201 : 200, "application/json", json::dump(value) + "\n", {}});
        } else if (settled.error().code == ErrorCode::conflict) {
          reply(problem(409, "deployment_conflict", settled.error().message, request_id));
        } else {
          reply(problem(503, "store_unavailable", "the outcome was not recorded: " + settled.error().message,
                        request_id));
        }
      });
}

void post_reload(const Call& call) {
  if (!call.parts.reload) return call.fail_with(404, "not_found", "nothing here can be reloaded");
  const auto reloaded = call.parts.reload(call.request);
  if (reloaded) return call.answer(*reloaded);
  const bool store_down = reloaded.error().code == ErrorCode::unavailable || reloaded.error().code == ErrorCode::io;
  call.fail_with(store_down ? 503 : 422, "rules_refused",
                 reloaded.error().message + " (the rules in force before stay in force)");
}

struct Endpoint {
  std::string_view method;
  std::string_view path;
  std::string_view role;
  void (*run)(const Call& call);
};

// Every endpoint there is. A new one is a line here and a path in schema/openapi.yaml.
constexpr std::array kEndpoints = {
    Endpoint{"GET", "/pushes", "pushes:read", get_pushes},
    Endpoint{"GET", "/introducers", "pushes:read", get_introducers},
    Endpoint{"GET", "/audit", "audit:read", get_audit},
    Endpoint{"POST", "/deployments", "deploy:report", post_deployment},
    Endpoint{"POST", "/reload", "admin", post_reload},
};

std::string_view title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

}  // namespace

ApiResponse problem(int status, std::string_view reason, std::string_view detail, std::string_view request_id) {
  const json::Value body = json::Object{{"type", "urn:postern:problem:" + std::string(reason)},
                                        {"title", title_of(status)},
                                        {"status", status},
                                        {"detail", printable(detail, 2000)},
                                        {"request_id", request_id}};
  ApiResponse response{status, "application/problem+json", json::dump(body) + "\n", {}};
  if (status == 503) response.headers.emplace_back("Retry-After", "2");
  return response;
}

void Api::handle(const ApiRequest& request, std::function<void(ApiAnswer)> reply) const {
  const Call call{request, parts_, reply};
  std::string allowed;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != request.path) continue;
    if (endpoint.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(endpoint.method);
      continue;
    }
    if (!request.may || !request.may(endpoint.role)) {
      return call.fail_with(
          403, "role_missing",
          fmt::format("{} needs a [[role]] with may = [\"{}\"]", printable(request.who.name, 200), endpoint.role));
    }
    return endpoint.run(call);
  }
  if (allowed.empty()) return call.fail_with(404, "not_found", "there is no such endpoint");
  ApiResponse response = problem(405, "method_not_allowed", "accepted here: " + allowed, request.request_id);
  response.headers.emplace_back("Allow", allowed);
  reply(std::move(response));
}

}  // namespace postern::app
