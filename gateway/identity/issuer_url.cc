#include "gateway/identity/issuer_url.h"

#include "gateway/base/encoding.h"

namespace postern::identity {

Result<IssuerUrl> parse_issuer_url(std::string_view text) {
  constexpr std::size_t kMaxBytes = 2048;
  const auto bad = [](std::string_view what) {
    return fail(ErrorCode::invalid_input, "URL: " + std::string(what) + "; an absolute https: URL is taken");
  };
  if (text.size() > kMaxBytes) return bad("longer than 2048 bytes");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '\\') {
      return bad("a blank, a control character, a backslash or one beyond ASCII");
    }
  }
  IssuerUrl url;
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = ascii_lower(text.substr(0, scheme_end == text.npos ? 0 : scheme_end));
  if (scheme != "https" && scheme != "http") return bad("another scheme");
  url.https = scheme == "https";
  std::string_view rest = text.substr(scheme_end + 3);
  if (rest.find('#') != rest.npos) return bad("a fragment in it");
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != authority.npos) return bad("a user in it");
  if (authority.empty() || authority.front() == ':') return bad("no host");
  url.authority = ascii_lower(authority);
  return url;
}

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

}  // namespace postern::identity
