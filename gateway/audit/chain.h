// The hash chain under the audit log (schema/audit_log.md). Pure.
//
// One chain per gateway instance. Each record's hash covers the chain's id, its own number, the hash before it and its
// canonical bytes; so nothing in the middle can change or go unseen. What stands at the end is held by checkpoints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/digest.h"

namespace postern::audit {

// Value: a record as it is stored.
struct Record {
  std::string chain;     // 32 lower-case hex digits, random, made with the chain
  std::int64_t seq = 0;  // from 1, without holes
  Sha256 previous{};     // hash of seq - 1; genesis_hash() for the first
  Sha256 hash{};
  std::string bytes;  // canonical bytes of the entry
};

// Value: where a chain ends.
struct Head {
  std::string chain;
  std::int64_t seq = 0;  // 0: no record yet
  Sha256 hash{};
  bool operator==(const Head&) const = default;
};

Sha256 genesis_hash(std::string_view chain);
Sha256 record_hash(std::string_view chain, std::int64_t seq, const Sha256& previous, std::string_view bytes);

// Value: a chain that grows; not thread-safe.
class AuditChain {
 public:
  explicit AuditChain(std::string chain) : head_{chain, 0, genesis_hash(chain)} {}
  explicit AuditChain(Head head) : head_(std::move(head)) {}
  const Head& head() const { return head_; }
  // The next record; the head moves on.
  Record append(std::string bytes);

 private:
  Head head_;
};

}  // namespace postern::audit
