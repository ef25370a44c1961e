// Puts the dispatcher in place for a Gogs, looks after it, and takes it away again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/base/result.h"

namespace postern::install {

inline constexpr const char* kDefaultDirectory = "/etc/postern/hooks";
inline constexpr const char* kDefaultBundle = "/var/lib/postern/bundle";
inline constexpr const char* kDefaultSpool = "/var/spool/postern";
inline constexpr const char* kDefaultMaxInputSize = "2g";

// Value: what the command line of `install` says.
struct InstallOptions {
  std::string gogs_config;   // app.ini; or
  std::string repositories;  // ROOT
  std::string user;          // else RUN_USER of app.ini, else the owner of ROOT
  std::string directory = kDefaultDirectory;
  std::string bundle = kDefaultBundle;
  std::string spool = kDefaultSpool;
  std::string program;  // postern-hook; else the running program
  std::string max_input_size = kDefaultMaxInputSize;
  bool system = false;  // the system's git configuration instead of the user's
  bool trial = false;   // the dispatcher may be writable by the Gogs user; says so
};

// Value: what an installation remembers, in <directory>/install.json.
struct Installation {
  std::string root, user, directory, bundle, spool, program, max_input_size;
  bool system = false;
  bool trial = false;
  bool gogs = false;  // installed with --gogs-config: every repository must have Gogs' stubs
  std::vector<std::pair<std::string, std::optional<std::string>>> previous;  // git settings before us
};

using Say = std::function<void(const std::string& line)>;

// Everything that would make the hooks silently do less than they should; empty: all is well. Each entry names the
// thing and ends with what to do.
std::vector<std::string> examine(const Installation& installation);

// Each says what it did, line by line. bad_usage: an option that cannot be followed; denied: examine() found something.
Status install(const InstallOptions& options, const Say& say);
Status uninstall(const std::string& directory, const Say& say);
// True when nothing is wrong.
Result<bool> status(const std::string& directory, const Clock& clock, const Say& say);
// A recorded break-glass: until then every push passes and is recorded. At most seven days.
Status pause(const std::string& directory, WallTime until, const std::string& reason, const Clock& clock,
             const Say& say);
Status end_pause(const std::string& directory, const Clock& clock, const Say& say);
// Moves the marker of a repository that was renamed or transferred; `id` nullopt keeps the one it has.
Status rebind(const std::string& directory, const std::string& name, std::optional<std::int64_t> id, const Say& say);

Result<Installation> read_installation(const std::string& directory);

}  // namespace postern::install
