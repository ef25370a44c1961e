// Where a policy document lives.
#pragma once

#include <string_view>

namespace postern::policy {

// `unknown` judges only what holds everywhere.
enum class Scope { global, workspace, product, api, operation, resolver, fragment, unknown };

std::string_view to_string(Scope scope);

}  // namespace postern::policy
