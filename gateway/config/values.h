// The values that configuration texts stand for. Internal to this folder; pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace postern::config {

// Every error's message says what is accepted and never quotes what may be a secret.

Result<std::chrono::milliseconds> parse_duration(std::string_view text);  // "50s", "10m", "6h", "30d", "250ms"
Result<std::uint64_t> parse_size(std::string_view text);                  // "16MiB", "64KiB", "1GiB", "4096B"
// `key_vault`: whether whoever reads this key has an identity to ask Key Vault with; else that form is refused.
Result<SecretRef> parse_secret_ref(std::string_view text, const std::string& base_directory, bool key_vault = false);
Result<Listen> parse_listen(std::string_view text, const std::string& base_directory);
// An absolute path: `text` itself or below `base_directory`, without "." and "..".
Result<std::string> parse_path(std::string_view text, const std::string& base_directory);

// sqlite:PATH, its path made absolute.
Result<std::string> parse_store_url(std::string_view text, const std::string& base_directory);

struct UrlRule {
  bool path_allowed = true;  // beyond "/"
  bool imds_allowed = false;
};
// http or https with a host; http only for loopback hosts (and IMDS). No user, query or fragment. The answer has no
// trailing slash.
Result<std::string> parse_url(std::string_view text, UrlRule rule);

// Up to 64 letters, digits, - _ .
bool is_plain_name(std::string_view name);
// A path inside a repository, '/' between segments; "." is the whole of it.
bool is_repository_path(std::string_view path);

// The known name that `name` was probably meant to be; empty when none is near.
std::string nearest(std::string_view name, std::span<const std::string> known);
std::string join(std::span<const std::string> names);  // "a, b, c"

}  // namespace postern::config
