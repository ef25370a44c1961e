// The .NET types that a policy expression can name, and the names of their members
// (learn.microsoft.com/azure/api-management/api-management-policy-expressions, "Framework types allowed in policy
// expressions", and the .NET reference of each type).
//
// What is here can be wrong in one direction only: a member that APIM refuses may be listed. So a name that is not
// here is a mistake, and a name that is here may still be one.
#pragma once

#include <span>
#include <string_view>

namespace postern::policy::csharp {

// A type by its simple name, without type arguments. Every string is static.
struct DotnetType {
  std::string_view name;
  // Its static members and constants, separated by blanks; empty where a use through the type is not judged.
  std::string_view statics;
  // The members of its instances, those of its bases included where no other entry has them.
  std::string_view members;
};

// The type of that simple name, or null.
const DotnetType* find_dotnet_type(std::string_view name);
// The names of all types of the table.
std::span<const std::string_view> dotnet_type_names();

// Whether `name` is a static member of the type; true where that is not judged.
bool has_static_member(const DotnetType& type, std::string_view name);
std::string_view near_static_member(const DotnetType& type, std::string_view name);

// Whether System.Linq, Newtonsoft.Json.Linq or APIM gives a method of that name to types that have none.
bool is_extension_method(std::string_view name);

// Whether any type, static or namespace of the tables has a member of that name.
bool is_dotnet_member(std::string_view name);
std::string_view near_dotnet_member(std::string_view name);

// The first part of a namespace that can be written out: System, Newtonsoft, Microsoft.
bool is_root_namespace(std::string_view name);

}  // namespace postern::policy::csharp
