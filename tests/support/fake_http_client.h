// An HttpClient that answers from a script and records what it was asked.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/net/http_client.h"

namespace postern::test {

class FakeHttpClient final : public net::HttpClient {
 public:
  struct Seen {
    std::string method, url, body, bearer, ca_file;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string header(std::string_view name) const {
      for (const auto& [key, value] : headers)
        if (key == name) return value;
      return {};
    }
  };
  using Answer = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;

  // The next answer; the last one is repeated.
  void then(Answer answer) { answers_.push_back(std::move(answer)); }
  void then(int status, std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    then(
        [=](const net::HttpRequest&) -> Result<net::HttpResponse> { return net::HttpResponse{status, headers, body}; });
  }
  void then_error(ErrorCode code, std::string message) {
    then([=](const net::HttpRequest&) -> Result<net::HttpResponse> { return fail(code, message); });
  }

  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    seen.push_back({request.method, request.url, request.body,
                    request.bearer ? std::string(request.bearer->reveal()) : std::string(), request.ca_file,
                    request.headers});
    if (answers_.empty()) return fail(ErrorCode::unavailable, "nobody answers");
    Answer answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    return answer(request);
  }

  std::vector<Seen> seen;

 private:
  std::deque<Answer> answers_;
};

}  // namespace postern::test
