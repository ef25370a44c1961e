#include "hooks/policy/address.h"

#include <algorithm>
#include <array>
#include <string>

#include "gateway/base/encoding.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {

std::string_view fault_of_url(std::string_view url) {
  if (url.find_first_of(" \t\r\n") != std::string_view::npos) return "holds white space";
  const std::size_t colon = url.find(':');
  const std::string scheme = ascii_lower(url.substr(0, colon));
  const bool has_scheme = colon != std::string_view::npos && colon > 0 &&
                          scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-") == std::string::npos;
  if (!has_scheme || scheme == "localhost") return "begins with no scheme";
  constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "ws", "wss"};
  if (std::find(kSchemes.begin(), kSchemes.end(), scheme) == kSchemes.end())
    return is_alike(scheme, "http") || is_alike(scheme, "https") ? "begins with a scheme that is misspelt" : "";
  return url.substr(colon).starts_with("://") && url.size() > colon + 3 ? "" : "names no host";
}

bool is_ip_address(std::string_view text) {
  if (std::count(text.begin(), text.end(), ':') >= 2)
    return text.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos;
  int parts = 0;
  while (true) {
    const std::string_view part = text.substr(0, text.find('.'));
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string_view::npos) return false;
    int number = 0;
    for (const char c : part) number = number * 10 + (c - '0');
    if (number > 255) return false;
    ++parts;
    if (part.size() == text.size()) return parts == 4;
    text.remove_prefix(part.size() + 1);
  }
}

bool is_http_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace postern::policy
