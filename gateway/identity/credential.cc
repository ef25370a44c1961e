#include "gateway/identity/credential.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"

namespace postern::identity {
namespace {

constexpr std::array<bool, 256> kToken68 = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

// token68 of RFC 9110 §11.2; what a comma-joined second credential or a stray blank is not.
bool is_token68(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return kToken68[static_cast<unsigned char>(c)]; });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Refused malformed(std::string_view what) { return {"malformed_credential", std::string(what)}; }

Credential basic(std::string_view encoded) {
  Result<std::string> text = base64_decode(encoded);
  if (!text) return malformed("the Basic credential is not padded base64 (RFC 7617)");
  const Secret plain(std::move(*text));
  const std::string_view pair = plain.reveal();
  const std::size_t colon = pair.find(':');
  if (colon == std::string_view::npos) return malformed("the Basic credential has no colon between user and password");
  if (has_control(pair)) return malformed("the Basic credential holds a control character");
  return BasicCredential{std::string(pair.substr(0, colon)), Secret(std::string(pair.substr(colon + 1)))};
}

}  // namespace

Credential credential_of(std::span<const std::string_view> authorization_values) {
  if (authorization_values.empty()) return NoCredential{};
  if (authorization_values.size() > 1) {
    return Refused{"two_credentials",
                   "the request has more than one Authorization header; use either http.extraHeader or a helper"};
  }
  std::string_view value = authorization_values.front();
  if (value.size() > kMaxAuthorizationBytes) return malformed("the Authorization header is longer than 32 KiB");
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  const std::size_t blank = value.find(' ');
  const std::string scheme = ascii_lower(value.substr(0, blank));
  if (scheme != "bearer" && scheme != "basic") {
    return Refused{"unsupported_scheme",
                   "send the token as Bearer, or as the password of Basic; DPoP, Negotiate and others are not taken"};
  }
  std::string_view rest = blank == std::string_view::npos ? std::string_view() : value.substr(blank);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  if (!is_token68(rest)) return malformed("after the scheme there must be exactly one credential");
  if (scheme == "basic") return basic(rest);
  return BearerCredential{rest};
}

std::string_view token_in(const Credential& credential) {
  if (const auto* bearer = std::get_if<BearerCredential>(&credential)) return bearer->token;
  if (const auto* basic = std::get_if<BasicCredential>(&credential)) return basic->password.reveal();
  return {};
}

}  // namespace postern::identity
