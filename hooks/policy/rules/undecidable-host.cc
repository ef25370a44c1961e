// Rule undecidable-host: hosts of outgoing requests can be read from the document.
#include <fmt/core.h>

#include "hooks/policy/outbound.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  if (!s.options.guardrails.allowed_hosts) return;
  for (const Address& address : list_addresses(s.document, s.model)) {
    switch (host_of(address.known, address.open).unknown) {
      case Unknown::none:
      case Unknown::named_value: break;  // the tree knows: artifact-host
      case Unknown::computed:
        r.add(address.range,
              fmt::format("the host of {} is computed; whether it is allowed cannot be seen", address.where),
              "begin with the constant \"https://host/\", or name a backend: backend-id");
        break;
      case Unknown::no_address:
        r.add(address.range,
              fmt::format("{} is no absolute address; whether its host is allowed cannot be seen", address.where),
              "write https://host/…");
        break;
    }
  }
}

}  // namespace

extern const Rule k_undecidable_host;
const Rule k_undecidable_host = {
    .id = "undecidable-host",
    .severity = Severity::warning,
    .summary = "Hosts of outgoing requests can be read from the document.",
    .why =
        "Where allowed_hosts is set, a host that an expression computes, or that a deployment placeholder brings, "
        "escapes it. A constant beginning such as \"https://host/\" + … is read. Make it an error in the settings "
        "where nothing may escape.",
    .bad = "<set-url>@(\"https://\" + context.Variables[\"host\"] + \"/hook\")</set-url>",
    .good = "<set-url>@(\"https://hooks.contoso.com/\" + context.RequestId)</set-url>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
