#include "hooks/deploy/arm_target.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "hooks/policy/document.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;
using net::HttpRequest;
using net::HttpResponse;

constexpr auto kOperationLimit = std::chrono::minutes(7) + std::chrono::seconds(30);

class ArmTarget final : public DeploymentTarget {
 public:
  ArmTarget(net::HttpClient& http, azure::TokenCache& tokens, const Clock& clock, azure::Wait wait,
            ArmSettings settings)
      : http_(http), tokens_(tokens), clock_(clock), wait_(std::move(wait)), settings_(std::move(settings)) {
    while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
    while (settings_.service.ends_with('/')) settings_.service.pop_back();
  }

  ArmResult<std::optional<StoredPolicy>> read(const Resource& resource) override {
    HttpRequest request;
    request.url = url_of(resource) + "&format=rawxml";
    auto response = send(std::move(request));
    if (!response) return std::unexpected(response.error());
    if (response->status == 200) {
      auto policy = read_policy(*response);
      if (!policy) return std::unexpected(policy.error());
      return std::optional(std::move(*policy));
    }
    ArmFailure failure = read_failure(*response);
    // Only the absence of the policy (or of what it hangs on) is an answer; an unknown service, group or subscription
    // is not, and neither is a 404 of some front end.
    if (response->status == 404 && failure.code == "ResourceNotFound" &&
        failure.message.find("Microsoft.ApiManagement/service/") == std::string::npos) {
      return std::optional<StoredPolicy>();
    }
    if (response->status == 404 && failure.code.empty()) failure.kind = ArmFailure::Kind::wait;
    return std::unexpected(failure);
  }

  ArmResult<void> put(const Resource& resource, const std::string& text,
                      const std::optional<StoredPolicy>& before) override {
    json::Object properties{{"format", "rawxml"}, {"value", text}};
    // A PUT replaces the whole resource, and the description of a fragment is not ours to drop.
    if (resource.scope == policy::Scope::fragment && before && !before->description.empty()) {
      properties.emplace_back("description", before->description);
    }
    HttpRequest request;
    request.method = "PUT";
    request.url = url_of(resource);
    request.headers = {{"Content-Type", "application/json"}};
    if (before && !before->etag.empty()) request.headers.emplace_back("If-Match", before->etag);
    request.body = json::dump(json::Object{{"properties", std::move(properties)}});
    request.timeout = 60s;
    auto response = send(std::move(request));
    if (!response) return std::unexpected(response.error());
    if (response->status != 200 && response->status != 201 && response->status != 202) {
      return std::unexpected(read_failure(*response));
    }
    // A front end that answers 200 with something else has not told whether the write was made.
    if (is_garbage(*response)) return std::unexpected(garbage(*response));
    if (auto done = follow(resource, *response); !done) return done;
    return verify(resource, text);
  }

  ArmResult<void> remove(const Resource& resource, const StoredPolicy& before) override {
    HttpRequest request;
    request.method = "DELETE";
    request.url = url_of(resource);
    request.headers = {{"If-Match", before.etag.empty() ? "*" : before.etag}};
    request.timeout = 60s;
    auto response = send(std::move(request));
    if (!response) return std::unexpected(response.error());
    if (response->status == 204 || response->status == 404) return {};
    if (response->status != 200 && response->status != 202) return std::unexpected(read_failure(*response));
    return follow(resource, *response);
  }

  bool holds(const Resource& resource, const StoredPolicy& stored, const std::string& text) const override {
    // JSON carries no other bytes: put() sends U+FFFD for them.
    const std::string wanted = policy::canonical(as_utf8(text));
    if (policy::canonical(stored.text) == wanted) return true;
    // A fragment may come back without its wrapper.
    return resource.scope == policy::Scope::fragment && !policy::looks_like_policy(stored.text) &&
           policy::canonical("<fragment>" + stored.text + "</fragment>") == wanted;
  }

 private:
  std::string url_of(const Resource& resource) const {
    return fmt::format("{}{}{}?api-version={}", settings_.endpoint, settings_.service, resource.arm_path,
                       settings_.api_version);
  }

  // One call with a token; a refused token is renewed once.
  ArmResult<HttpResponse> send(HttpRequest request) {
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("x-ms-client-request-id", new_request_id());
    request.ca_file = settings_.ca_file;
    request.max_response_bytes = std::size_t{4} << 20;
    if (request.timeout < 30s) request.timeout = 30s;
    for (int attempt = 0;; ++attempt) {
      auto token = tokens_.token(settings_.audience);
      if (!token) {
        ArmFailure failure = no_answer(token.error());
        failure.message = "no token for Azure: " + failure.message;
        return std::unexpected(failure);
      }
      request.bearer = std::move(*token);
      auto response = http_.send(request);
      if (!response) return std::unexpected(no_answer(response.error()));
      if (response->status == 401 && attempt == 0) {
        tokens_.drop(settings_.audience);
        continue;
      }
      log::debug("arm.call", {{"method", request.method}, {"url", request.url}, {"status", response->status}});
      return std::move(*response);
    }
  }

  static bool is_garbage(const HttpResponse& response) {
    const std::string* type = response.header("content-type");
    if (response.body.empty() || (type != nullptr && type->find("xml") != std::string::npos)) return false;
    return !json::parse(response.body, {.bytes = std::size_t{4} << 20, .depth = 64, .values = 200000});
  }
  static ArmFailure garbage(const HttpResponse& response) {
    ArmFailure failure = read_failure(response);
    failure.kind = ArmFailure::Kind::wait;
    return failure;
  }

  static std::string new_request_id() {
    std::string hex = hex_encode(random_bytes(16));
    for (const std::size_t at : {8, 13, 18, 23}) hex.insert(at, "-");
    return hex;
  }

  // Until the operation that `first` began has ended. The outcome of fragments shows only here.
  ArmResult<void> follow(const Resource& resource, const HttpResponse& first) {
    OperationState state = read_write_answer(first);
    const MonoTime end = clock_.mono() + kOperationLimit;
    std::chrono::milliseconds pause = 500ms;
    std::string poll_url = state.poll_url;
    std::string last_body = first.body;
    while (state.state == OperationState::State::running) {
      // A URL that leads elsewhere would carry our token there; the resource itself tells the same, only less well.
      if (!is_same_service(settings_.endpoint, poll_url)) {
        if (!poll_url.empty()) log::warning("arm.foreign_poll_url", {{"url", poll_url}});
        poll_url = url_of(resource);
      }
      const auto next = state.retry_after ? std::chrono::milliseconds(*state.retry_after) : pause;
      if (clock_.mono() + next > end || !wait_(std::max<std::chrono::milliseconds>(next, 50ms))) {
        ArmFailure failure;
        failure.message = fmt::format("{} is still being written", resource.arm_path);
        return std::unexpected(failure);
      }
      pause = std::min<std::chrono::milliseconds>(pause * 2, 30s);
      HttpRequest request;
      request.url = poll_url;
      auto response = send(std::move(request));
      state.retry_after.reset();
      if (!response) continue;  // the operation goes on without us
      if (response->status >= 200 && response->status < 300) {
        state = read_poll_answer(*response);
        if (!state.poll_url.empty()) poll_url = state.poll_url;
        last_body = response->body;
      } else {
        ArmFailure failure = read_failure(*response);
        const bool early = response->status == 404 && poll_url == url_of(resource);
        if (failure.kind != ArmFailure::Kind::wait && !early) return std::unexpected(failure);
        state.retry_after = failure.retry_after;
      }
    }
    if (state.state == OperationState::State::failed) return std::unexpected(read_operation_error(last_body));
    return {};
  }

  // ARM stores another spelling; what counts is that it means the same. A read may lag behind the write.
  ArmResult<void> verify(const Resource& resource, const std::string& text) {
    for (int attempt = 0;; ++attempt) {
      auto stored = read(resource);
      if (!stored) return std::unexpected(stored.error());
      if (*stored && holds(resource, **stored, text)) return {};
      static constexpr std::array kPauses = {500ms, 1000ms, 2000ms, 4000ms};
      if (attempt >= static_cast<int>(kPauses.size()) || !wait_(kPauses[static_cast<std::size_t>(attempt)])) {
        ArmFailure failure;
        failure.kind = *stored ? ArmFailure::Kind::refused : ArmFailure::Kind::wait;
        failure.code = "NotWhatWasSent";
        failure.message = *stored ? "the service took the policy, but what it gives back does not mean the same"
                                  : "the service took the policy, but does not show it";
        return std::unexpected(failure);
      }
    }
  }

  net::HttpClient& http_;
  azure::TokenCache& tokens_;
  const Clock& clock_;
  azure::Wait wait_;
  ArmSettings settings_;
};

}  // namespace

std::string arm_audience(std::string_view endpoint) {
  for (const char* host :
       {"management.usgovcloudapi.net", "management.chinacloudapi.cn", "management.microsoftazure.de"}) {
    if (is_same_service(fmt::format("https://{}", host), endpoint)) return fmt::format("https://{}/", host);
  }
  return "https://management.azure.com/";
}

std::unique_ptr<DeploymentTarget> arm_target(net::HttpClient& http, azure::TokenCache& tokens, const Clock& clock,
                                             azure::Wait wait, ArmSettings settings) {
  return std::make_unique<ArmTarget>(http, tokens, clock, std::move(wait), std::move(settings));
}

}  // namespace postern::deploy
