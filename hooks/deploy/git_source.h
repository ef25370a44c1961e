// A repository behind a git server, kept as a bare repository of our own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/secret.h"
#include "hooks/deploy/source.h"

namespace postern::deploy {

struct GitSourceSettings {
  std::string directory;                              // of the bare repository; made when it is not there
  std::string url;                                    // "http://127.0.0.1:3000/platform/policies.git"
  std::string path = "/usr/local/bin:/usr/bin:/bin";  // where git is
  std::chrono::milliseconds ls_deadline{20000};
  std::chrono::milliseconds fetch_deadline{300000};
};

// Runs `git` without any configuration of the machine or the user. The credential ("user:password", or a Gogs token,
// which goes as user name) is handed to git over a pipe and is in neither its arguments nor its environment. Replace
// refs and grafts are not followed.
std::unique_ptr<Source> git_source(GitSourceSettings settings, std::optional<Secret> credential);

}  // namespace postern::deploy
