// Gogs' app.ini, and the configuration file of a repository, which its writers may have shaped.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "hooks/install/gogs_config.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Result<install::GogsConfig> config = install::parse_gogs_config(text);
  if (config) {
    if (!config->root.starts_with('/') || config->root.find('\n') != std::string::npos) std::abort();
  } else if (config.error().message.empty()) {
    std::abort();
  }
  if (install::local_hooks_path(text).find('\n') != std::string::npos) std::abort();
  (void)install::is_mirror_config(text);
  return 0;
}
