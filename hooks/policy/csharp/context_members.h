// The members of the `context` variable of policy expressions
// (learn.microsoft.com/azure/api-management/api-management-policy-expressions, "Context variable").
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace postern::policy {

struct ContextType;

// What can be compared with what.
enum class Scalar : std::uint8_t { none, text, number, boolean, character, null };

// A property or method. `type` is null where what follows is ordinary .NET.
struct ContextMember {
  std::string_view name;
  const ContextType* type = nullptr;  // of a method: what a call of it gives
  bool method = false;
  // Of a method: the arguments that its overloads take, separated by '|', a letter each: s string, n number, b bool,
  // c char, o some object, ? anything; '*' at the end: any number more of whatever comes. "*" alone is not judged.
  std::string_view takes = "*";
};

// A type of the context's tree. A closed one has exactly these members (and those of System.Object).
struct ContextType {
  std::string_view name;
  std::span<const ContextMember> members;
  bool closed = true;
  // Of a dictionary: the type of its elements, null where that is ordinary .NET.
  const ContextType* element = nullptr;
  Scalar scalar = Scalar::none;
  std::string_view instead = {};  // what to write when a member of it is wanted that it cannot have
  char index = '?';               // what stands between [ and ], a letter as in ContextMember::takes
};

// Whether an argument of this kind can stand where the letter is.
bool takes_argument(char letter, Scalar argument);
// Whether one of the overloads takes them all.
bool takes_arguments(std::string_view takes, std::span<const Scalar> arguments);

// The type of that name that is known here: string, bool, int, char, IResponse, IUrl and so on; null for others.
const ContextType* find_context_type(std::string_view name);

// The type of `context` itself.
const ContextType& context_type();

// The member of that name, or null.
const ContextMember* find_member(const ContextType& type, std::string_view name);
// The name that was probably meant: another letter case or a slip of one or two letters; empty when none is near.
std::string_view near_member(const ContextType& type, std::string_view name);

}  // namespace postern::policy
