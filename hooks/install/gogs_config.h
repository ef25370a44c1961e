// What `install` reads from Gogs' app.ini.
#pragma once

#include <string>

#include "gateway/base/result.h"

namespace postern::install {

// Value.
struct GogsConfig {
  std::string root;      // [repository] ROOT, absolute
  std::string run_user;  // RUN_USER; empty when not set
};

// invalid_input: no ROOT, or a relative one (only Gogs knows what it is relative to).
Result<GogsConfig> parse_gogs_config(const std::string& text);

// The value of core.hooksPath in a git configuration file's text; empty when it has none. Includes are not followed.
std::string local_hooks_path(const std::string& text);
// True when a remote of that configuration is a mirror: Gogs' mirrors have no stub hooks.
bool is_mirror_config(const std::string& text);

}  // namespace postern::install
