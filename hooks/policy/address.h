// The form of addresses that a request is sent to.
#pragma once

#include <string_view>

namespace postern::policy {

// Why `url` is no address of a request, as the end of a sentence ("begins with no scheme"); empty where it may be one.
// What a deployment fills in yet must be left out before. Schemes that are not known and not alike to http pass.
std::string_view fault_of_url(std::string_view url);

// Four numbers up to 255 with dots between, or what may be IPv6: hexadecimal digits with at least two colons.
bool is_ip_address(std::string_view text);

// A name that a header or method may have (RFC 9110 §5.6.2: token).
bool is_http_token(std::string_view text);

}  // namespace postern::policy
