// What makes a finding the same finding after lines have moved.
#pragma once

#include <string_view>
#include <vector>

#include "hooks/policy/finding.h"

namespace postern::policy {

// Fills the fingerprints of one file's findings, which must be sorted: path, rule, the line's text without its white
// space, and which of its like in the file this is.
void add_fingerprints(std::vector<Finding>& findings, std::string_view text);

}  // namespace postern::policy
