// `postern init`: a configuration to start from, and keys.
#pragma once

#include <string>
#include <vector>

namespace postern::app {

struct InitOptions {
  std::string directory = "/etc/postern";
  std::string state = "/var/lib/postern";  // database and bundle
  std::string spool = "/var/spool/postern";
  std::string user;   // the gateway's account, which owns what is written; empty: whoever runs this
  std::string group;  // shared with the hook's account: passes through the state and writes the spool; reads no key
  std::vector<std::string> listen;  // default: 127.0.0.1:8080 and unix:/run/postern/gateway.sock
  std::string external_url = "http://127.0.0.1:8080";
  std::string upstream = "http://127.0.0.1:3000";
  std::string upstream_kind = "gogs";
  std::string upstream_credential;  // a reference; default: file:<directory>/upstream-token
};

// Writes what is missing, never over what is there, and says which is which and what to do next. The result passes
// `config check`. Gives the exit code (gateway/base/exit_code.h).
int cmd_init(const InitOptions& options);

}  // namespace postern::app
