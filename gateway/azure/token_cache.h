// Azure access tokens, kept while they are fresh.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/azure/credential.h"

namespace postern::azure {

// Guarded resource, thread-safe. One acquisition per audience at a time; other callers wait for it. A token counts as
// fresh until 5 minutes before its end; it is renewed at half of a lifetime above 2 hours (or when the issuer said),
// and when that fails the old one serves on until its end. A failure is remembered for 1 to 5 seconds, because Entra
// throttles identical failing requests. Tokens live in memory only.
class TokenCache {
 public:
  TokenCache(std::unique_ptr<Credential> credential, const Clock& clock)
      : credential_(std::move(credential)), clock_(clock) {}

  Result<Secret> token(const std::string& audience);
  // A peer refused the token although we thought it fresh: the next call asks anew.
  void drop(const std::string& audience);
  std::string describe() const { return credential_->describe(); }

 private:
  struct Entry {
    Secret value;
    MonoTime renew_at{};
    MonoTime ends_at{};
    MonoTime silent_until{};  // after a failure
    Error failure;
    bool failed = false;
    bool asking = false;
  };

  std::unique_ptr<Credential> credential_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::map<std::string, Entry> entries_;
};

}  // namespace postern::azure
