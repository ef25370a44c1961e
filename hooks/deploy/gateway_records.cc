#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "gateway/git/object_id.h"
#include "hooks/deploy/push_records.h"

namespace postern::deploy {
namespace {

constexpr json::Limits kLimits{.bytes = std::size_t{16} << 20, .depth = 32, .values = 1000000};

Author read_author(const json::Value& push) {
  Author author;
  if (const json::Value* who = push.find("who")) {
    if (const auto* name = who->find_string("name")) author.name = *name;
    if (const auto* kind = who->find_string("kind")) author.kind = *kind;
  }
  return author;
}

// A member that may be missing: `otherwise` is the strict reading.
bool read_bool(const json::Value& object, std::string_view name, bool otherwise) {
  const json::Value* value = object.find(name);
  const bool* found = value != nullptr ? value->as_bool() : nullptr;
  return found != nullptr ? *found : otherwise;
}

Result<std::string> read_id(const json::Value& object, std::string_view name) {
  const std::string* text = object.find_string(name);
  if (text == nullptr) return fail(ErrorCode::invalid_input, fmt::format("a push without \"{}\"", name));
  auto id = git::ObjectId::parse(*text);
  if (!id) return fail(ErrorCode::invalid_input, fmt::format("\"{}\" is no object id", name));
  return id->hex();
}

class GatewayRecords final : public PushRecords {
 public:
  GatewayRecords(net::HttpClient& http, std::string gateway) : http_(http), gateway_(std::move(gateway)) {
    while (gateway_.ends_with('/')) gateway_.pop_back();
  }

  Result<MovesPage> moves(std::string_view repository, std::string_view ref, std::int64_t after,
                          std::chrono::seconds wait) override {
    auto body = call("GET",
                     fmt::format("/pushes?repo={}&ref={}&after={}&wait={}", percent_encode(repository),
                                 percent_encode(ref), after, wait.count()),
                     {}, wait);
    if (!body) return fail(body.error());
    return parse_moves(*body);
  }

  Result<std::map<std::string, Author>> introducers(std::string_view repository,
                                                    const std::vector<std::string>& commits) override {
    std::map<std::string, Author> all;
    constexpr std::size_t kAtOnce = 100;  // ids that fit into one request line
    for (std::size_t begin = 0; begin < commits.size(); begin += kAtOnce) {
      std::string list;
      for (std::size_t i = begin; i < std::min(begin + kAtOnce, commits.size()); ++i) {
        list += (list.empty() ? "" : ",") + commits[i];
      }
      auto body = call("GET", fmt::format("/introducers?repo={}&commits={}", percent_encode(repository), list), {},
                       std::chrono::seconds(0));
      if (!body) return fail(body.error());
      auto some = parse_introducers(*body);
      if (!some) return fail(in_context("the gateway's answer", some.error()));
      all.merge(*some);
    }
    return all;
  }

  Status report(std::string_view text) override {
    auto body = call("POST", "/deployments", std::string(text), std::chrono::seconds(0));
    if (!body) return fail(body.error());
    return {};
  }

 private:
  Result<std::string> call(std::string method, std::string_view target, std::string body, std::chrono::seconds wait) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = fmt::format("{}{}/-/api/v1{}", gateway_, gateway_.starts_with("unix:") ? ":" : "", target);
    request.headers = {{"Accept", "application/json"}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    request.timeout = std::chrono::seconds(20) + wait;
    request.max_response_bytes = kLimits.bytes;
    auto response = http_.send(request);
    const std::string where = fmt::format("{} /-/api/v1{}", request.method, target.substr(0, target.find('?')));
    if (!response) return fail(in_context(fmt::format("gateway {}", gateway_), response.error()));
    if (response->status >= 200 && response->status < 300) return std::move(response->body);
    std::string detail;
    if (auto problem = json::parse(response->body)) {
      if (const auto* text = problem->find_string("detail")) detail = ": " + printable(*text, 300);
    }
    const ErrorCode code = response->status == 401 || response->status == 403 ? ErrorCode::denied
                           : response->status == 409                          ? ErrorCode::conflict
                           : response->status == 400                          ? ErrorCode::invalid_input
                                                                              : ErrorCode::unavailable;
    const char* advice = code == ErrorCode::denied ? "; this program's user needs a [[role]] that may pushes:read and "
                                                     "deploy:report"
                                                   : "";
    return fail(code, fmt::format("gateway {}: {} answered {}{}{}", gateway_, where, response->status, detail, advice));
  }

  net::HttpClient& http_;
  std::string gateway_;
};

}  // namespace

Result<MovesPage> parse_moves(std::string_view body) {
  auto parsed = json::parse(body, kLimits);
  if (!parsed) return fail(in_context("the gateway's answer", parsed.error()));
  const json::Value* list = parsed->find("pushes");
  const std::int64_t* next = parsed->find_int("next");
  if (list == nullptr || list->as_array() == nullptr || next == nullptr) {
    return fail(ErrorCode::invalid_input, "the gateway's answer: no \"pushes\" and \"next\" in it");
  }
  MovesPage page;
  page.next = *next;
  page.more = read_bool(*parsed, "more", false);
  for (const json::Value& push : *list->as_array()) {
    RefMove move;
    auto old_id = read_id(push, "old");
    if (!old_id) return fail(in_context("the gateway's answer", old_id.error()));
    auto new_id = read_id(push, "new");
    if (!new_id) return fail(in_context("the gateway's answer", new_id.error()));
    move.old_id = std::move(*old_id);
    move.new_id = std::move(*new_id);
    if (const auto* seq = push.find_int("seq")) move.seq = *seq;
    move.link = read_bool(push, "link", false);
    move.truncated = read_bool(push, "truncated", true);
    move.author = read_author(push);
    page.moves.push_back(std::move(move));
  }
  return page;
}

Result<std::map<std::string, Author>> parse_introducers(std::string_view body) {
  auto parsed = json::parse(body, kLimits);
  if (!parsed) return fail(parsed.error());
  const json::Value* list = parsed->find("introducers");
  if (list == nullptr) return fail(ErrorCode::invalid_input, "no \"introducers\" in it");
  std::map<std::string, Author> authors;
  // {"<commit>": push or null, …}, or [{"commit": …, "push": push or null}, …].
  if (const json::Object* object = list->as_object()) {
    for (const auto& [commit, push] : *object)
      if (push.as_object() != nullptr) authors[commit] = read_author(push);
    return authors;
  }
  if (const json::Array* array = list->as_array()) {
    for (const json::Value& item : *array) {
      const std::string* commit = item.find_string("commit");
      if (commit == nullptr) return fail(ErrorCode::invalid_input, "an introducer without \"commit\"");
      const json::Value* push = item.find("push");
      const json::Value& source = push != nullptr ? *push : item;
      if (source.as_object() != nullptr && source.find("who") != nullptr &&
          source.find("who")->as_object() != nullptr) {
        authors[*commit] = read_author(source);
      }
    }
    return authors;
  }
  return fail(ErrorCode::invalid_input, "\"introducers\" is neither object nor list");
}

std::unique_ptr<PushRecords> gateway_records(net::HttpClient& http, std::string gateway) {
  return std::make_unique<GatewayRecords>(http, std::move(gateway));
}

}  // namespace postern::deploy
