// How issuers' documents and keys are fetched: identity's Fetch over an HttpClient.
#pragma once

#include "gateway/identity/key_set.h"
#include "gateway/net/http_client.h"

namespace postern::net {

// `client` outlives what is returned. A host that no configuration names must not be private (HttpRequest::
// allow_private_hosts); "file:/absolute/path" reads that file.
identity::Fetch make_issuer_fetch(HttpClient& client);

}  // namespace postern::net
