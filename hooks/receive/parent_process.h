// The git process that runs a hook, seen through /proc.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace postern::receive {

// Value.
struct ParentProcess {
  std::vector<std::string> argv;
  std::string started;  // clock ticks since boot, as text: with the pid, it names one process
  pid_t pid = 0;

  // "receive-pack", "fetch", …: the git command, whether called as `git X` (options before it aside) or `git-X`; empty
  // for any other program.
  std::string git_command() const;
  std::string shown() const;  // argv on one printable line, shortened
};

Result<ParentProcess> read_process(pid_t pid);

// The git command in an argument vector; see ParentProcess.
std::string git_command_of(const std::vector<std::string>& argv);

}  // namespace postern::receive
