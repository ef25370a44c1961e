// The commands of postern-deploy.
#pragma once

#include <string>

namespace postern::deploy {

// Value: what was asked for on the command line.
struct CommandLine {
  std::string command;  // run | plan | apply | adopt | status | retry | rollback
  std::string config;   // --config; empty: $POSTERN_CONFIG, then /etc/postern/postern.toml
  std::string environment;
  std::string commit;
  std::string tree;                                      // plan, apply: a directory instead of a commit
  std::string service;                                   // with tree: ARM id
  std::string credential;                                // with service
  std::string root;                                      // with tree and service: artifact root within the directory
  std::string arm_endpoint, arm_ca_file, imds_endpoint;  // with service
  bool json = false;
};

// Carries it out; the exit code (gateway/base/exit_code.h).
int run_command(const CommandLine& line);

}  // namespace postern::deploy
