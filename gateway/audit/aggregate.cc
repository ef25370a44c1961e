#include "gateway/audit/aggregate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "gateway/base/encoding.h"

namespace postern::audit {
namespace {

constexpr std::size_t kMaxReasons = 16;  // per address and minute; our ids, so more would be a bug
constexpr std::string_view kOthers = "others";

}  // namespace

std::string aggregate_address(std::string_view address) {
  const std::string text(address);
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return printable(address, 64);
  char out[INET6_ADDRSTRLEN] = {};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    in_addr four{};
    std::memcpy(&four, six.s6_addr + 12, sizeof four);
    return ::inet_ntop(AF_INET, &four, out, sizeof out);
  }
  std::memset(six.s6_addr + 8, 0, 8);
  return std::string(::inet_ntop(AF_INET6, &six, out, sizeof out)) + "/64";
}

void RefusalAggregator::note(std::string_view address, std::string_view reason, WallTime now) {
  const std::string key = aggregate_address(address);
  const Minute minute = std::chrono::floor<std::chrono::minutes>(now);
  auto counts = counts_.lock();
  auto& addresses = (*counts)[minute];
  auto found = addresses.find(key);
  if (found == addresses.end()) {
    const bool full = addresses.size() >= max_addresses_;
    found = addresses.try_emplace(full ? std::string(kOthers) : key).first;
  }
  Count& count = found->second;
  if (count.total == 0) count.first = now;
  count.last = std::max(count.last, now);
  ++count.total;
  auto entry = count.reasons.find(reason);
  if (entry == count.reasons.end()) {
    const bool full = count.reasons.size() >= kMaxReasons;
    entry = count.reasons.try_emplace(std::string(full ? kOthers : reason)).first;
  }
  ++entry->second;
}

AuditEntry RefusalAggregator::entry_of(Minute minute, const std::string& address, const Count& count) {
  json::Object reasons;
  for (const auto& [reason, times] : count.reasons) reasons.emplace_back(reason, times);
  AuditEntry entry;
  entry.kind = EntryKind::auth_refused_aggregate;
  entry.at = count.last;
  entry.from = address;
  entry.detail = json::Object{{"minute", to_rfc3339(minute)},
                              {"count", count.total},
                              {"first", to_rfc3339(count.first)},
                              {"last", to_rfc3339(count.last)},
                              {"reasons", std::move(reasons)}};
  return entry;
}

std::vector<AuditEntry> RefusalAggregator::take_closed(WallTime now) {
  const Minute running = std::chrono::floor<std::chrono::minutes>(now);
  std::vector<AuditEntry> entries;
  auto counts = counts_.lock();
  for (auto minute = counts->begin(); minute != counts->end() && minute->first < running;) {
    for (const auto& [address, count] : minute->second) entries.push_back(entry_of(minute->first, address, count));
    minute = counts->erase(minute);
  }
  return entries;
}

std::vector<AuditEntry> RefusalAggregator::take_all() {
  std::vector<AuditEntry> entries;
  auto counts = counts_.lock();
  for (const auto& [minute, addresses] : *counts) {
    for (const auto& [address, count] : addresses) entries.push_back(entry_of(minute, address, count));
  }
  counts->clear();
  return entries;
}

}  // namespace postern::audit
