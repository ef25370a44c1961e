// A root of bare repositories with the real dispatcher in front, real git, and tickets of a key made here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/access/bundle.h"
#include "gateway/access/rules.h"
#include "gateway/access/ticket.h"
#include "gateway/identity/jws.h"
#include "gateway/spool/spool.h"

namespace postern::test {

struct GitResult {
  int code = 0;
  std::string output;  // both streams
  bool has(std::string_view text) const { return output.find(text) != std::string::npos; }
};

// What of an honest push with its ticket is different.
struct TicketChange {
  std::function<void(access::Ticket&)> edit = {};
  const identity::SigningKey* key = nullptr;
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> more_options = {};
  bool force = false;
};

class PushWorld {
 public:
  PushWorld();
  ~PushWorld();
  PushWorld(const PushWorld&) = delete;
  PushWorld& operator=(const PushWorld&) = delete;

  // What the next publish() puts into the bundle. At first: platform/* is governed, enforced, direct writes refused,
  // and has apiops templates below "apim".
  access::HookBundle bundle;
  access::RuleSet rules;
  void publish();

  // A bare repository with Gogs-like stub hooks that write their name into <repository>/stubs.log.
  std::string add_repository(const std::string& name);
  std::string repository(const std::string& name) const { return root + "/" + name + ".git"; }
  // A working clone of that repository, made without any hook of ours.
  std::string clone(const std::string& name);

  void write(const std::string& clone, const std::string& path, const std::string& text) const;
  std::string commit(const std::string& clone, const std::string& message = "change") const;  // all files; the new id
  std::string rev(const std::string& directory, const std::string& name) const;

  // Runs git there, with the dispatcher in force and `environment` added.
  GitResult git(const std::string& directory, const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment = {}) const;
  // The same, with no dispatcher: what somebody does past everything.
  GitResult bare_git(const std::string& directory, const std::vector<std::string>& arguments) const;

  // `git push` of `refspecs` with a ticket for exactly these commands; every verb and path is granted unless `edit`
  // says otherwise.
  GitResult push(const std::string& clone, const std::string& name, const std::vector<std::string>& refspecs,
                 const TicketChange& change = {});
  // The ticket push() would send.
  access::Ticket ticket_for(const std::string& clone, const std::string& name,
                            const std::vector<std::string>& refspecs);
  std::string sign(const access::Ticket& ticket) const;
  // `git push` past the gateway, as the account `user` of Gogs (empty: as Gogs itself).
  GitResult direct_push(const std::string& clone, const std::string& name, const std::vector<std::string>& refspecs,
                        const std::string& user = "svc") const;

  std::optional<spool::Verdict> verdict(const std::string& id) const;
  // The one verdict that is neither known yet; null when there are none or several.
  std::vector<spool::Verdict> verdicts() const;
  std::string last_jti;

  std::string directory, root, hooks, bundle_directory, spool_directory;
  identity::SigningKey key;

 private:
  GitResult run(const std::string& directory, const std::vector<std::string>& arguments, bool with_hooks,
                const std::map<std::string, std::string>& environment) const;
};

}  // namespace postern::test
