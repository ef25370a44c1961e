#include "gateway/base/error.h"

#include <system_error>

namespace postern {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input: return "invalid_input";
    case ErrorCode::bad_usage: return "bad_usage";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::denied: return "denied";
    case ErrorCode::limit: return "limit";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::io: return "io";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

Error in_context(std::string_view doing, Error error) {
  return {error.code, std::string(doing) + ": " + error.message};
}

Error errno_error(std::string_view doing, int errnum) {
  ErrorCode code = ErrorCode::io;
  switch (errnum) {
    case ENOENT: code = ErrorCode::not_found; break;
    case EEXIST: code = ErrorCode::conflict; break;
    case EACCES:
    case EPERM: code = ErrorCode::denied; break;
    case ETIMEDOUT: code = ErrorCode::timeout; break;
    case ECONNREFUSED:
    case ECONNRESET: code = ErrorCode::unavailable; break;
    default: break;
  }
  return {code, std::string(doing) + ": " + std::generic_category().message(errnum)};
}

}  // namespace postern
