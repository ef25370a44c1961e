// Outgoing HTTP for issuers, ARM, IMDS, Key Vault and the gateway's own API; not the data path.
#pragma once

#include <chrono>
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
  std::string url;          // http: only for loopback hosts and IMDS, else denied; "unix:/path/sock:/target" for a socket
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Secret> bearer;  // put into Authorization, never logged, dropped by redirects (which are not followed)
  std::string body;
  std::chrono::milliseconds timeout{10000};
  std::size_t max_response_bytes = std::size_t{1} << 20;
  std::string ca_file;  // empty: the system's
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

}  // namespace postern::net
