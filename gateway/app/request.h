// One request on its way through the gate, and the answers that every part of the gate gives alike.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/app/in_force.h"
#include "gateway/audit/entry.h"
#include "gateway/base/clock.h"
#include "gateway/base/ip_address.h"
#include "gateway/git/repo_path.h"
#include "gateway/identity/identity.h"
#include "gateway/net/server.h"

namespace postern::app {

// Lives in its handler's frame; the shard's thread alone uses it.
struct Request {
  std::shared_ptr<net::Exchange> exchange;
  std::shared_ptr<const InForce> in_force;
  std::string id;  // X-Request-Id
  WallTime now{};
  std::string from;                  // address of the client, or "unix"
  std::optional<IpAddress> address;  // none for a Unix socket
  identity::Identity who;            // once identified
  // The client's own Authorization, to be sent on unchanged: passthrough. nullopt: the brokered credential. Empty:
  // passthrough without a credential.
  std::optional<std::string> own_authorization;

  const access::AccessRules& rules() const { return *in_force->rules; }
};

// An entry about this request: who, from, when and its id.
audit::AuditEntry make_entry(const Request& request, audit::EntryKind kind, const git::RepoPath* repo = nullptr);

// The headers every answer carries.
net::HeaderList common_headers(const Request& request, std::string_view content_type);
// `text/plain`, which git prints as `remote:` lines.
void answer_text(Request& request, int status, std::string_view text, net::HeaderList more = {});
// One text for absent and forbidden.
void answer_not_found(Request& request);
// "Your token is bad or missing": the only 401. Basic stands first, since git asks for nothing else.
void answer_unauthorized(Request& request, std::string_view advice);
// What could not be found out: 503, which leaves a client's stored credential alone.
void answer_unavailable(Request& request, std::string_view what);

}  // namespace postern::app
