// What the static methods that policies call most give and take
// (learn.microsoft.com/dotnet/api, each type's page, all versions taken together).
#pragma once

#include <string_view>

#include "hooks/policy/csharp/context_members.h"

namespace postern::policy::csharp {

// The method of that name of the type, either of its names (string, String), or null where it is not judged.
const ContextMember* find_static_method(std::string_view type, std::string_view name);

}  // namespace postern::policy::csharp
