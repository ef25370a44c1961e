// Result<T>: a value, or why there is none.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "gateway/base/error.h"

namespace postern {

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// For `return fail(ErrorCode::limit, "…");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message)});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

}  // namespace postern
