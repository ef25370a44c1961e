// Refusals of callers nobody knows, counted instead of listed: a flood of them must not fill the disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/entry.h"
#include "gateway/base/clock.h"
#include "gateway/base/guarded.h"

namespace postern::audit {

// The address that refusals are counted under: IPv4 whole, IPv6 by its /64, IPv4 in IPv6 as IPv4; anything else as it
// is, made printable.
std::string aggregate_address(std::string_view address);

// Thread-safe. Holds at most `max_addresses` addresses a minute; further ones share the address "others".
class RefusalAggregator {
 public:
  explicit RefusalAggregator(std::size_t max_addresses = 1024) : max_addresses_(max_addresses) {}

  // `reason` is a stable id of ours ("no_credential", "unknown_issuer", …).
  void note(std::string_view address, std::string_view reason, WallTime now);
  // One entry per address for each minute that is over at `now`, oldest first; they are the caller's to append.
  std::vector<AuditEntry> take_closed(WallTime now);
  // Everything, the running minute too; at stop.
  std::vector<AuditEntry> take_all();

 private:
  struct Count {
    std::int64_t total = 0;
    std::map<std::string, std::int64_t, std::less<>> reasons;
    WallTime first{}, last{};
  };
  using Minute = std::chrono::sys_time<std::chrono::minutes>;
  using Counts = std::map<Minute, std::map<std::string, Count, std::less<>>>;
  static AuditEntry entry_of(Minute minute, const std::string& address, const Count& count);

  std::size_t max_addresses_;
  Guarded<Counts> counts_;
};

}  // namespace postern::audit
