// The gateway as a whole: configuration, store, keys, shards, keeper, wired together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/server.h"

namespace postern::app {

struct GatewayOptions {
  std::string config_path;
  unsigned shards = 0;  // 0: one per core
  net::ServerOptions server;
  std::chrono::milliseconds stop_grace{std::chrono::seconds(30)};  // for requests under way
};

// One per process. Members may be called from any thread.
class GatewayApp {
 public:
  // Opens everything and starts serving. bad_usage: the configuration, every mistake in one line each; anything else:
  // what could not be opened.
  static Result<std::unique_ptr<GatewayApp>> start(GatewayOptions options);
  ~GatewayApp();  // stops
  GatewayApp(const GatewayApp&) = delete;
  GatewayApp& operator=(const GatewayApp&) = delete;

  // Reads the configuration again: rules, issuers, keys and credentials change for the next requests. A broken file
  // leaves the old ones in force and says so; sections that only a restart can change are named in the log. `asked_by`
  // stands in the record. The value is what the API shows.
  Result<std::string> reload(const std::string& asked_by, const std::string& request_id);
  // Takes no more connections, lets what is under way end, closes everything.
  void stop();
  std::vector<std::uint16_t> ports() const;  // of the TCP listeners, in the order of the configuration

 private:
  struct Parts;
  explicit GatewayApp(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace postern::app
