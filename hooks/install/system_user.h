// What another user of the machine may do, and programs run as that user.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"

namespace postern::install {

// Value: an account of the machine.
struct SystemUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

Result<SystemUser> find_user(const std::string& name);
Result<SystemUser> find_user(uid_t uid);

// access(2) as that user: the kernel's answer, groups and mount options included. `mode`: R_OK, W_OK, X_OK. internal
// when we are neither root nor that user.
Result<bool> may_access(const SystemUser& user, const std::string& path, int mode);

struct ProgramResult {
  int exit_code = 0;
  std::string output;  // standard output
};
// Runs a program found on PATH as that user, with its HOME (ours, when it is ourselves) and nothing else of our
// environment but PATH.
Result<ProgramResult> run_as(const SystemUser& user, const std::vector<std::string>& argv);

}  // namespace postern::install
