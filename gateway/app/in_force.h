// What is in force: configuration, rules, providers and secrets of one load. A request takes one pointer to it and uses
// it to its end; a reload swaps the pointer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/access/rules.h"
#include "gateway/base/glob.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/config/config.h"
#include "gateway/identity/jws.h"
#include "gateway/identity/providers.h"

namespace postern::app {

// Shared immutable.
struct InForce {
  config::Config config;
  std::shared_ptr<const access::AccessRules> rules;
  std::unique_ptr<identity::Providers> providers;
  std::vector<identity::SigningKey> ticket_keys;  // the first signs; never empty
  Secret upstream_token;                          // the shared one
  // "Basic …" with the token as user name: Gogs looks an unknown user name up as a token.
  Secret upstream_authorization;
  std::map<std::string, Secret, std::less<>> upstream_authorization_of;  // by identity
  std::vector<Glob> passthrough;

  // Until passthrough_until, and never for an enforced repository.
  bool passes_through(const git::RepoPath& repo, WallTime now) const;
  const Secret& upstream_authorization_for(std::string_view identity) const;
};

// Builds it: rules, providers, keys and credentials. The error names the section and the key, never a secret.
Result<std::shared_ptr<const InForce>> make_in_force(config::Config config, const Clock& clock,
                                                     identity::KeyRefresher& keys);

// What was read in `path`, checked whole. bad_usage carries every mistake, one line each. Warnings go to the log.
Result<std::shared_ptr<const InForce>> load_in_force(const std::string& path, const Clock& clock,
                                                     identity::KeyRefresher& keys);

}  // namespace postern::app
