// The names of schema/rules.json: the configuration is checked against them without the hooks' code.
#pragma once

#include <string>
#include <vector>

namespace postern::config {

// Value.
struct KnownNames {
  std::vector<std::string> rules;    // ids of policy rules
  std::vector<std::string> layouts;  // of artifact trees
  std::vector<std::string> kinds;    // of resources that an environment may own
};

// Read once, at the first call; safe from any thread.
const KnownNames& known_names();

}  // namespace postern::config
