// A server's certificate and its key, looked at before they are used.
#pragma once

#include <cstddef>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace postern::net {

constexpr std::size_t kTlsPemBytes = std::size_t{1} << 20;  // no chain of certificates and no key is larger

// When the first certificate of a PEM chain expires (RFC 5280 §4.1.2.5), once the key is known to be its own.
// invalid_input: one of them is not readable PEM, the key wants a passphrase, or they do not belong together.
Result<WallTime> tls_pair_expiry(std::string_view certificate_pem, const Secret& key_pem);

}  // namespace postern::net
