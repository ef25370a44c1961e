// Every rule, in the order of the documentation.
#pragma once

#include <span>
#include <string_view>

#include "hooks/policy/rule.h"

namespace postern::policy {

std::span<const Rule* const> rules();

// Null when there is no rule of that id.
const Rule* find_rule(std::string_view id);

}  // namespace postern::policy
