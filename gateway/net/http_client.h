// Outgoing HTTP for issuers, ARM, IMDS, Key Vault and the gateway's own API; not the data path.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace postern::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http: only for loopback hosts and IMDS, else denied; "unix:/path/sock:/target" for a socket
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Secret> bearer;  // put into Authorization, never logged, dropped by redirects (which are not followed)
  std::string body;
  std::chrono::milliseconds timeout{10000};
  std::size_t max_response_bytes = std::size_t{1} << 20;
  std::string ca_file;              // empty: the system's
  bool allow_private_hosts = true;  // false: an address that resolves to loopback, link-local or private is denied
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::string body;
  const std::string* header(std::string_view lower_case_name) const;  // the first; null when absent
};

// Thread-safe: one object may serve many threads.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // An answer of any status is a value; unavailable, timeout, denied or limit when there is none.
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

// The real one, on libcurl: TLS 1.2 and newer with the peer's name verified, HTTP/1.1, redirects handed back as
// answers, no cookies, no content coding, trailers ignored. Proxies of the environment (https_proxy, no_proxy) are used
// for https: hosts, but never for IMDS, loopback or sockets, and never where allow_private_hosts is false, because
// behind a proxy nobody here sees the address. Connections are kept and reused, but a POST or PATCH always gets a new
// one, so that it cannot be sent twice. Needs no set-up; libcurl is initialised by the first send().
std::unique_ptr<HttpClient> make_http_client();

}  // namespace postern::net
