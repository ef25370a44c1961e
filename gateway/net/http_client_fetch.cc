#include "gateway/net/http_client_fetch.h"

#include "gateway/base/file.h"

namespace postern::net {

identity::Fetch make_issuer_fetch(HttpClient& client) {
  return [&client](const identity::FetchRequest& wanted) -> Result<identity::Fetched> {
    constexpr std::string_view kFile = "file:";
    if (wanted.url.starts_with(kFile)) {
      Result<std::string> text = read_file(wanted.url.substr(kFile.size()), identity::kMaxKeySetBytes);
      if (!text) return fail(text.error());
      return identity::Fetched{.status = 200, .body = std::move(*text), .cache_control = "", .retry_after = ""};
    }
    HttpRequest request;
    request.url = wanted.url;
    request.headers = {{"Accept", "application/json"}};
    request.timeout = identity::kFetchTimeout;
    request.max_response_bytes = identity::kMaxKeySetBytes;
    request.ca_file = wanted.ca_file;
    request.allow_private_hosts = wanted.configured_host;
    Result<HttpResponse> response = client.send(request);
    if (!response) return fail(response.error());
    const auto text_of = [&response](std::string_view name) {
      const std::string* value = response->header(name);
      return value == nullptr ? std::string() : *value;
    };
    return identity::Fetched{.status = response->status,
                             .body = std::move(response->body),
                             .cache_control = text_of("cache-control"),
                             .retry_after = text_of("retry-after")};
  };
}

}  // namespace postern::net
