// The provider for peers of a Unix socket.
#pragma once

#include "gateway/identity/providers.h"

namespace postern::identity {

std::unique_ptr<IdentityProvider> make_unix_peer_provider();

}  // namespace postern::identity
