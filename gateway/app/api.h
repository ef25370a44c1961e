// What /-/api/v1 answers (schema/openapi.yaml). Knows requests and answers, no sockets.
//
//   GET  /pushes?repo=&ref=&after=&limit=&wait=   pushes:read    accepted pushes; waits up to 30 s for the next one
//   GET  /introducers?repo=&commits=a,b,…         pushes:read    who first brought commits in
//   GET  /audit?…                                 audit:read     the log, filtered and paged
//   POST /deployments                             deploy:report  one outcome, once per id
//   POST /reload                                  admin          read the configuration again
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/identity/identity.h"
#include "gateway/store/store.h"

namespace postern::app {

struct ApiRequest {
  std::string method;
  std::string path;                          // below /-/api/v1, with its slash: "/pushes"
  std::map<std::string, std::string> query;  // decoded; the server refuses doubled names
  identity::Identity who;
  std::function<bool(std::string_view)> may;  // does one of the caller's roles give this ("audit:read", …)?
  std::string from;                           // client address, or "unix"
  std::string request_id;
  std::string body;   // at most kApiBodyMax; the server cuts longer ones with 413
  bool last = false;  // the wait is over: answer with what is there
};

inline constexpr std::size_t kApiBodyMax = 256 * 1024;

struct ApiResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Nothing to say yet: call again when the store's last_push_seq() exceeds `after`, or with `last` set once `at_most`
// has passed since the first call.
struct ApiWait {
  store::Seq after = 0;
  std::chrono::milliseconds at_most{};
};

using ApiAnswer = std::variant<ApiResponse, ApiWait>;

// A problem document (RFC 9457): type "urn:postern:problem:<reason>", title, status, detail, request_id.
ApiResponse problem(int status, std::string_view reason, std::string_view detail, std::string_view request_id);

// Thread-safe, if its parts are.
class Api {
 public:
  struct Parts {
    store::Store* store = nullptr;
    const Clock* clock = nullptr;
    // Reads the configuration again and records it; the value is shown to the caller ({"rules": digest, …}).
    std::function<Result<json::Value>(const ApiRequest&)> reload;
  };
  explicit Api(Parts parts) : parts_(std::move(parts)) {}

  // Calls `reply` exactly once: before it returns, or later from the store's committer thread.
  void handle(const ApiRequest& request, std::function<void(ApiAnswer)> reply) const;

 private:
  Parts parts_;
};

}  // namespace postern::app
