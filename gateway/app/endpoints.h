// What the gateway answers itself, below /-/ (schema/openapi.yaml). What is not built yet is 404.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/app/api.h"
#include "gateway/app/gate.h"
#include "gateway/app/request.h"
#include "gateway/net/task.h"

namespace postern::app {

// One shard's. Belongs to the shard's thread.
class Endpoints {
 public:
  Endpoints(net::EventLoop& loop, Gate& gate, GateParts parts, const Api& api)
      : loop_(loop), gate_(gate), parts_(parts), api_(api) {}

  static bool is_ours(std::string_view target) { return target == "/-" || target.starts_with("/-/"); }
  net::Task<void> handle(Request& request);

  // A push was accepted: who waits for one looks again. On the shard's thread.
  void wake_waiting();
  // The gateway ends: who waits gets what is there, and nobody waits again. On the shard's thread.
  void end_waiting();

 private:
  struct Waiting;
  class Wait;

  net::Task<void> ready(Request& request);
  void whoami(Request& request);
  net::Task<void> forward_auth(Request& request);
  net::Task<void> api(Request& request, std::string_view path, std::string_view query);

  net::EventLoop& loop_;
  Gate& gate_;
  GateParts parts_;
  const Api& api_;
  std::vector<Waiting*> waiting_;
  bool ending_ = false;
};

// False for a target that must not be reached through the pages' door (attacks 23): git, LFS, API and our own paths in
// whatever spelling, and what cannot be decoded in one way. Pure.
bool is_page(std::string_view target);

// The query of a target, decoded; invalid_input for what is not name=value, and for a name that stands there twice.
Result<std::map<std::string, std::string>> parse_query(std::string_view query);

}  // namespace postern::app
