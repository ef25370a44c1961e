// The dispatcher: one POSIX shell script that core.hooksPath points to, under every hook name git knows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace postern::install {

// Absolute paths that the script carries. Nothing in its environment can change them.
struct DispatcherPaths {
  std::string program;  // postern-hook
  std::string bundle;
  std::string spool;
  std::string root;   // links resolved
  std::string pause;  // holds "<unix seconds> <text>" during a pause
};

// Every hook of githooks(5), of server and client: with core.hooksPath set, a name that is missing there is a hook of a
// repository that no longer runs.
std::span<const std::string_view> hook_names();

std::string dispatcher_script(const DispatcherPaths& paths);

// 'text' as one word of the shell.
std::string shell_quote(std::string_view text);

}  // namespace postern::install
