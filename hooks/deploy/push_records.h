// What the gateway knows about pushes, and what it is told about deployments.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/net/http_client.h"
#include "hooks/deploy/chain.h"

namespace postern::deploy {

struct MovesPage {
  std::vector<RefMove> moves;
  std::int64_t next = 0;  // ask again after this one
  bool more = false;
};

// Thread-safe. Errors: unavailable, timeout, denied (no role), invalid_input (an answer that is none).
class PushRecords {
 public:
  virtual ~PushRecords() = default;
  // Accepted moves of a ref after `after`; waits up to `wait` for the first one.
  virtual Result<MovesPage> moves(std::string_view repository, std::string_view ref, std::int64_t after,
                                  std::chrono::seconds wait) = 0;
  // Per commit who first brought it in, to any ref; commits that nobody listed are absent.
  virtual Result<std::map<std::string, Author>> introducers(std::string_view repository,
                                                            const std::vector<std::string>& commits) = 0;
  // Hands in one outcome; done also when it was handed in before.
  virtual Status report(std::string_view body) = 0;
};

// The gateway's API at `gateway`: "unix:/run/postern/gateway.sock" or an http(s) URL.
std::unique_ptr<PushRecords> gateway_records(net::HttpClient& http, std::string gateway);

// The bodies of GET /pushes and GET /introducers. Pure; invalid_input names what is missing.
Result<MovesPage> parse_moves(std::string_view body);
Result<std::map<std::string, Author>> parse_introducers(std::string_view body);

}  // namespace postern::deploy
