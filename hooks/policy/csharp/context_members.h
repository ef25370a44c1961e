// The members of the `context` variable of policy expressions
// (learn.microsoft.com/azure/api-management/api-management-policy-expressions, "Context variable").
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace postern::policy {

struct ContextType;

// What can be compared with what.
enum class Scalar : std::uint8_t { none, text, number, boolean, null };

// A property or method. `type` is null where what follows is ordinary .NET.
struct ContextMember {
  std::string_view name;
  const ContextType* type = nullptr;  // of a method: what a call of it gives
  bool method = false;
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
};

// The type of that name that is known here: string, bool, int, IResponse, IUrl and so on; null for others.
const ContextType* find_context_type(std::string_view name);

// The type of `context` itself.
const ContextType& context_type();

// The member of that name, or null.
const ContextMember* find_member(const ContextType& type, std::string_view name);
// The name that was probably meant: another letter case or a slip of one or two letters; empty when none is near.
std::string_view near_member(const ContextType& type, std::string_view name);

}  // namespace postern::policy
