// `postern config check`, `postern reload`, `postern access explain`.
#pragma once

#include <string>

namespace postern::app {

// Each returns the exit code of the program (gateway/base/exit_code.h), having said on standard output what was found
// and on standard error what is wrong.

// Reads the configuration and says every mistake and warning. Resolves no secret: see doctor.
int cmd_config_check(const std::string& config_path);

// Checks the configuration, then asks the running gateway to read it again. `socket`: the gateway's Unix socket, else
// the first of [server] listen.
int cmd_reload(const std::string& config_path, const std::string& socket);

struct ExplainOptions {
  std::string config_path;
  std::string claims_file;  // a token's payload as JSON; "-": standard input
  std::string issuer;       // name of an [[issuer]], or "unix"; empty: the one whose `iss` the claims hold
  std::string gogs_user;    // instead of claims: a direct writer
  std::string repository;
  std::string ref;
  std::string verb;
  std::string address;
};
// Who the claims make a caller, each rule in order and why it did or did not decide, and the decision: 0 allowed,
// 1 denied or nobody.
int cmd_access_explain(const ExplainOptions& options);

}  // namespace postern::app
