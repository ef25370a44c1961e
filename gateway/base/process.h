// Child programs that end by themselves or are ended.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace postern {

// Value-like (move-only: it may hold a Secret).
struct ProcessRequest {
  std::vector<std::string> argv;                                 // argv[0] is looked up in PATH of `environment`
  std::vector<std::pair<std::string, std::string>> environment;  // the whole of it; nothing is inherited
  std::string directory;                                         // empty: ours
  std::string input;                                             // standard input; empty: /dev/null
  std::optional<Secret> descriptor3;                             // readable once at descriptor 3; at most 4096 bytes
  std::chrono::milliseconds deadline{60000};                     // then the whole process group is killed
  std::size_t max_output = std::size_t{4} << 20;                 // per stream; more is a limit error
};

struct ProcessResult {
  int exit_code = 0;  // 128 + signal when one ended it
  std::string output;
  std::string errors;
};

// Runs to the end. timeout when the deadline came first, limit when it said too much, unavailable when it cannot be
// started (not on PATH). The child runs in a process group of its own, dies with the calling thread, and inherits no
// descriptor but 0 to 3.
Result<ProcessResult> run_process(const ProcessRequest& request);

}  // namespace postern
