// How a client presents its token: Bearer, or Basic with the token as the password, because git sends Basic.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/base/secret.h"
#include "gateway/identity/identity.h"

namespace postern::identity {

struct NoCredential {};
struct BearerCredential {
  std::string_view token;  // as it stands in the header's value
};
struct BasicCredential {
  std::string user;  // a hint that git's prompt asks for; never who somebody is
  Secret password;   // the token, or for passthrough the upstream's own password
};
// Refused reasons: "two_credentials", "unsupported_scheme", "malformed_credential".
using Credential = std::variant<NoCredential, BearerCredential, BasicCredential, Refused>;

inline constexpr std::size_t kMaxAuthorizationBytes = 32 * 1024;

// From the values of every Authorization header of a request, in any number. Two are refused even when they are equal
// (RFC 9110 §5.3 allows one; git sends two when `http.extraHeader` and a helper both have one).
Credential credential_of(std::span<const std::string_view> authorization_values);

// The token in it; empty for NoCredential and Refused. Valid while `credential` and the header's value live.
std::string_view token_in(const Credential& credential);

}  // namespace postern::identity
