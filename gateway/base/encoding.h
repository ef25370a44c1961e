// Text encodings. The decoders are strict: what has two spellings has one here.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern {

std::string hex_encode(std::string_view bytes);               // lower case
Result<std::string> hex_decode(std::string_view text);        // either case, even length
std::string base64_encode(std::string_view bytes);            // RFC 4648 §4, padded
Result<std::string> base64_decode(std::string_view text);     // §4, padded, unused bits zero
std::string base64url_encode(std::string_view bytes);         // RFC 4648 §5, unpadded (RFC 7515 §2)
Result<std::string> base64url_decode(std::string_view text);  // §5, unpadded, unused bits zero
std::string percent_encode(std::string_view bytes);           // everything but RFC 3986 unreserved
Result<std::string> percent_decode(std::string_view text);    // "%zz" is invalid_input; '+' stays
bool is_utf8(std::string_view bytes);                         // RFC 3629: no surrogates, no overlong forms
std::string as_utf8(std::string_view bytes);                  // U+FFFD for each byte that is no UTF-8
std::string ascii_lower(std::string_view text);               // A-Z only

// `text` fit for one line on a terminal or in a log: control characters, DEL, marks of writing direction and invalid
// UTF-8 become \xNN.
std::string printable(std::string_view text, std::size_t max_bytes = 512);

}  // namespace postern
