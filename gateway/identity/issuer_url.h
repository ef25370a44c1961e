// The URLs of issuers, judged by their text alone.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern::identity {

// Value: the pieces of an https: or http: URL that decide where it leads.
struct IssuerUrl {
  bool https = false;
  std::string authority;  // host[:port], lower case, as written otherwise
};

// invalid_input unless it is an absolute https: or http: URL of at most 2048 printable ASCII bytes with neither
// user:password@, fragment, backslash nor an empty host.
Result<IssuerUrl> parse_issuer_url(std::string_view text);

// Where the discovery document of an issuer is (OpenID Connect Discovery 1.0 §4): the path is appended, and a trailing
// slash of the issuer goes.
std::string discovery_url(std::string_view issuer);

}  // namespace postern::identity
