#include "hooks/policy/csharp/static_members.h"

#include <algorithm>
#include <vector>

namespace postern::policy::csharp {
namespace {

struct StaticMethod {
  std::string_view types;  // separated by blanks
  std::string_view name;
  std::string_view gives;  // as find_context_type() knows it; empty where that is ordinary .NET
  std::string_view takes;  // as in ContextMember
};

constexpr std::string_view kString = "string String";
constexpr std::string_view kNumbers =
    "int long short byte double decimal float Int32 Int64 Int16 Byte Double Decimal Single UInt32 UInt64 UInt16";

constexpr StaticMethod kMethods[] = {
    {kString, "IsNullOrEmpty", "bool", "s"},
    {kString, "IsNullOrWhiteSpace", "bool", "s"},
    {kString, "Join", "string", "s*|c*"},
    {kString, "Format", "string", "s*|o?*"},
    {kString, "Concat", "string", "*"},
    {kString, "Equals", "bool", "??|???"},
    {kString, "Compare", "int", "??*"},
    {kString, "CompareOrdinal", "int", "ss|snsnn"},
    {kNumbers, "Parse", "int", "s|s?|s??"},
    {kNumbers, "TryParse", "bool", "s?|s??|s???"},
    {"bool Boolean", "Parse", "bool", "s"},
    {"bool Boolean", "TryParse", "bool", "s?"},
    {"char Char", "IsDigit", "bool", "c|sn"},
    {"char Char", "IsLetter", "bool", "c|sn"},
    {"char Char", "IsLetterOrDigit", "bool", "c|sn"},
    {"char Char", "IsUpper", "bool", "c|sn"},
    {"char Char", "IsLower", "bool", "c|sn"},
    {"char Char", "IsWhiteSpace", "bool", "c|sn"},
    {"char Char", "ToUpper", "char", "c|c?"},
    {"char Char", "ToLower", "char", "c|c?"},
    {"Convert", "ToBase64String", "string", "o|o?|onn|onn?"},
    {"Convert", "FromBase64String", "", "s"},
    {"Convert", "ToInt16", "int", "?|??"},
    {"Convert", "ToInt32", "int", "?|??"},
    {"Convert", "ToInt64", "int", "?|??"},
    {"Convert", "ToDouble", "int", "?|??"},
    {"Convert", "ToDecimal", "int", "?|??"},
    {"Convert", "ToBoolean", "bool", "?|??"},
    {"Convert", "ToString", "string", "?|??"},
    {"Guid", "NewGuid", "", ""},
    {"Guid", "Parse", "", "s|s?"},
    {"Guid", "TryParse", "bool", "s?|s??"},
    {"DateTime", "Parse", "", "s|s?|s??"},
    {"DateTime", "TryParse", "bool", "s?|s??|s???"},
    {"DateTimeOffset", "Parse", "", "s|s?|s??"},
    {"TimeSpan", "Parse", "", "s|s?"},
    {"TimeSpan", "FromDays", "", "n*"},
    {"TimeSpan", "FromHours", "", "n*"},
    {"TimeSpan", "FromMinutes", "", "n*"},
    {"TimeSpan", "FromSeconds", "", "n*"},
    {"TimeSpan", "FromMilliseconds", "", "n*"},
    {"JObject", "Parse", "", "s|s?"},
    {"JArray", "Parse", "", "s|s?"},
    {"JToken", "Parse", "", "s|s?"},
    {"JObject", "FromObject", "", "?|??"},
    {"JArray", "FromObject", "", "?|??"},
    {"JToken", "FromObject", "", "?|??"},
    {"JsonConvert", "SerializeObject", "string", "?|??*"},
    {"JsonConvert", "DeserializeObject", "", "s*"},
    {"XElement", "Parse", "", "s|s?"},
    {"XDocument", "Parse", "", "s|s?"},
    {"Regex", "IsMatch", "bool", "ss|ss?|ss??|sn"},
    {"Regex", "Match", "", "ss|ss?|ss??"},
    {"Regex", "Matches", "", "ss|ss?|ss??"},
    {"Regex", "Replace", "string", "ss?*"},
    {"Regex", "Split", "", "ss|ss?|ss??"},
    {"Regex", "Escape", "string", "s"},
    {"Regex", "Unescape", "string", "s"},
    {"Uri", "EscapeDataString", "string", "s"},
    {"Uri", "EscapeUriString", "string", "s"},
    {"Uri", "UnescapeDataString", "string", "s"},
    {"BitConverter", "ToString", "string", "o|on|onn"},
    {"Math", "Max", "int", "nn"},
    {"Math", "Min", "int", "nn"},
    {"Math", "Pow", "int", "nn"},
    {"Math", "Abs", "int", "n"},
    {"Math", "Floor", "int", "n"},
    {"Math", "Ceiling", "int", "n"},
    {"Math", "Round", "int", "n|n?|n??"},
};

bool names_type(std::string_view types, std::string_view type) {
  while (!types.empty()) {
    const std::size_t end = std::min(types.find(' '), types.size());
    if (types.substr(0, end) == type) return true;
    types.remove_prefix(std::min(end + 1, types.size()));
  }
  return false;
}

// The same as ContextMember: built when the first expression asks.
const std::vector<ContextMember>& members() {
  static const std::vector<ContextMember> all = [] {
    std::vector<ContextMember> out;
    for (const StaticMethod& each : kMethods)
      out.push_back({each.name, find_context_type(each.gives), true, each.takes});
    return out;
  }();
  return all;
}

}  // namespace

const ContextMember* find_static_method(std::string_view type, std::string_view name) {
  const auto* const found = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const StaticMethod& each) {
    return each.name == name && names_type(each.types, type);
  });
  return found == std::end(kMethods) ? nullptr : &members()[static_cast<std::size_t>(found - std::begin(kMethods))];
}

}  // namespace postern::policy::csharp
