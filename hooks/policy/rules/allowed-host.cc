// Rule allowed-host: requests go only to hosts that the organisation allows.
#include <fmt/core.h>

#include "hooks/policy/outbound.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  const auto& hosts = s.options.guardrails.allowed_hosts;
  if (!hosts) return;
  for (const Address& address : list_addresses(s.document, s.model)) {
    const HostReading read = host_of(address.known, address.open);
    if (read.unknown != Unknown::none || is_allowed(*hosts, read.host)) continue;
    r.add(address.range,
          fmt::format("{} leads to '{}:{}', which is no allowed host", address.where, shown(read.host.name, 120),
                      shown(read.host.port, 8)),
          allowed_text(*hosts));
  }
}

}  // namespace

extern const Rule k_allowed_host;
const Rule k_allowed_host = {
    .id = "allowed-host",
    .severity = Severity::error,
    .summary = "Requests go only to hosts that the organisation allows.",
    .why =
        "A policy can send whatever it sees to any address. With allowed_hosts in the settings, the addresses of "
        "set-backend-service, send-request, send-one-way-request, proxy, openid-config and the data sources of "
        "resolvers lead only there. Silent without that setting.",
    .bad = "<set-backend-service base-url=\"https://paste.example.net/orders\" />",
    .good = "<set-backend-service base-url=\"https://orders.contoso.com\" /> with allowed_hosts = [\"*.contoso.com\"]",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
