// Secrets of Azure Key Vault, read by name.
#pragma once

#include <string>
#include <string_view>

#include "gateway/azure/token_cache.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/http_client.h"

namespace postern::azure {

// Reads `keyvault:VAULT/NAME[/VERSION]` (what stands after "keyvault:") with a token for https://vault.azure.net.
// bad_usage: not such a reference; not_found: no such secret (or soft-deleted); denied: no right, firewall, or the
// newest version is disabled; unavailable: throttled or down. Thread-safe.
Result<Secret> read_key_vault_secret(net::HttpClient& http, TokenCache& tokens, std::string_view reference);

}  // namespace postern::azure
