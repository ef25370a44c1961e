// What went wrong, when something could not be done or found out.
//
// Denied, not mine and rule broken are answers and have types of their own; an Error means "I could not find out", and
// in this product that is a no.
#pragma once

#include <string>
#include <string_view>

namespace postern {

// The closed set of kinds a caller may branch on. Never branch on the text.
enum class ErrorCode {
  invalid_input,  // bytes from outside that are not what they must be
  bad_usage,      // a command line or a configuration that cannot be followed
  not_found,      // looked, and it is not there
  conflict,       // it is there already, or it changed meanwhile
  denied,         // the system or a peer refused us
  limit,          // larger, deeper or longer than we take
  timeout,
  unavailable,  // a peer that should answer does not
  io,
  corrupt,  // what we wrote ourselves no longer reads back
  unsupported,
  internal,  // a bug of ours
};

std::string_view to_string(ErrorCode code);

// Value. `message` names the place, the thing and the accepted alternatives, in one line, and never holds a secret.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

// The same error seen from further out: "opening /x: No such file". Keeps the code.
Error in_context(std::string_view doing, Error error);

// An Error from errno, with what was being done.
Error errno_error(std::string_view doing, int errnum);

}  // namespace postern
