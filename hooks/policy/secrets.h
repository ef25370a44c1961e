// What looks like a secret that was written down. Tuned to be silent rather than wrong: GUIDs, hashes, thumbprints,
// words, placeholders and base64 of text are none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::policy {

// A place that gives itself away by its form: connection strings, authorization values, JSON members, keys of known
// services, PEM and DER.
struct SecretHit {
  std::uint32_t begin = 0;  // bytes of what names it, never of the secret: its length stays unknown
  std::uint32_t end = 0;
  std::string_view what;  // "an account key"
};

// Linear.
std::vector<SecretHit> find_secrets(std::string_view text);

// Whether a header, variable, parameter or member of that name holds a secret: "x-functions-key", "clientSecret".
bool names_secret(std::string_view name);

// Whether a header of that name holds what a caller proves itself with: "Authorization", "Cookie", "x-functions-key".
bool is_secret_header(std::string_view name);

// Whether the value of such a name is one: random enough, and no placeholder.
bool looks_secret(std::string_view value);

// Whether the code of an expression, references not decoded, can hold a string that looks_secret(), or one that is a
// key by what it is given to. Much quicker than to read it.
bool may_hold_secret(std::string_view code);

// Whether the literal password of a policy is one: all but placeholders and examples.
bool is_written_password(std::string_view value);

// True when it is base64 of bytes that are no text.
bool is_binary_base64(std::string_view value);

}  // namespace postern::policy
