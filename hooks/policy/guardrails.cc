#include "hooks/policy/guardrails.h"

#include <algorithm>

#include "gateway/base/encoding.h"

namespace postern::policy {
namespace {

constexpr std::string_view kGateways[] = {"classic", "v2", "consumption", "self-hosted", "workspace"};

}  // namespace

std::optional<HostPattern> HostPattern::parse(std::string_view text) {
  HostPattern out;
  out.text_ = text;
  std::string rest = ascii_lower(text);
  // The port of an IPv6 address stands behind its bracket.
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    out.port_ = rest.substr(colon + 1);
    rest.resize(colon);
    if (out.port_.empty() || out.port_.size() > 5 || out.port_.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
  }
  if (rest.starts_with("*.")) {
    out.below_ = true;
    rest.erase(0, 2);
  }
  if (rest.empty() || rest.starts_with('.') || rest.ends_with('.')) return std::nullopt;
  const std::string_view allowed =
      bracket == std::string::npos ? "abcdefghijklmnopqrstuvwxyz0123456789-_." : "abcdef0123456789:.[]";
  if (rest.find_first_not_of(allowed) != std::string::npos) return std::nullopt;
  out.host_ = std::move(rest);
  return out;
}

bool HostPattern::matches(std::string_view host, std::string_view port) const {
  if (!port_.empty() && port != port_) return false;
  if (!below_) return host == host_;
  return host.size() > host_.size() + 1 && host.ends_with(host_) && host[host.size() - host_.size() - 1] == '.';
}

bool PolicyDemand::is_about(std::string_view path) const {
  return paths.empty() || std::any_of(paths.begin(), paths.end(), [&](const Glob& glob) { return glob.matches(path); });
}

bool PolicyDemand::is_about(Scope scope) const {
  return scopes.empty() || std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::vector<std::string_view> gateway_names(std::uint8_t bits) {
  std::vector<std::string_view> out;
  for (unsigned i = 0; i < std::size(kGateways); ++i)
    if ((bits & (1U << i)) != 0) out.push_back(kGateways[i]);
  return out;
}

std::uint8_t gateway_bit(std::string_view name) {
  for (unsigned i = 0; i < std::size(kGateways); ++i)
    if (kGateways[i] == name) return static_cast<std::uint8_t>(1U << i);
  return 0;
}

}  // namespace postern::policy
