// What the hook reads of the gateway: hook.json, rules.json, the push options of a ticket, and what a ticket says. The
// payload of a ticket is signed here, so that its reader is reached.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/bundle.h"
#include "gateway/access/ticket.h"
#include "gateway/base/json.h"
#include "gateway/identity/jws.h"

using namespace postern;
using namespace postern::access;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void hook_json(std::string_view text) {
  const Result<HookBundle> bundle = hook_bundle_from_json(text);
  if (!bundle) return must(!bundle.error().message.empty());
  const std::string once = hook_bundle_to_json(*bundle);
  const Result<HookBundle> again = hook_bundle_from_json(once);
  must(again && hook_bundle_to_json(*again) == once);
}

void options(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty() && list.size() < 100) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    list.push_back((text.front() == '+' ? std::string(kTicketOption) : std::string()) +
                   std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto found = collect_ticket(list);
  if (!found || !*found) return;
  // What was put together travels again, in one option or in pieces.
  const auto again = collect_ticket(ticket_options(**found));
  must(again && *again && **again == **found);
}

void payload(std::string_view text) {
  static const identity::SigningKey key = *identity::SigningKey::generate_ed25519();
  static const std::vector<identity::PublicKey> keys = {key.public_key()};
  const Result<json::Value> value = json::parse(text);
  if (!value) return;
  const Result<std::string> jws = identity::sign_jws("postern-ticket+jwt", *value, key);
  if (!jws) return;
  const Result<Ticket> ticket = open_ticket(*jws, keys);
  if (!ticket) return must(!ticket.error().message.empty());
  for (const unsigned index : ticket->use) must(index < ticket->grants.size());
  const Result<std::string> again = sign_ticket(*ticket, key);
  if (!again) return;
  const Result<Ticket> back = open_ticket(*again, keys);
  must(back && *back == *ticket);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: hook_json(text); break;
    case 1: (void)rules_from_json(text); break;
    case 2: options(text); break;
    default: payload(text); break;
  }
  return 0;
}
