// What /-/metrics shows (Prometheus text exposition format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace postern::app {

// Thread-safe counters.
class Metrics {
 public:
  enum Counter {
    requests,
    unauthenticated,
    forbidden,
    advertisements,
    fetches,
    pushes_accepted,
    pushes_refused,
    pushes_failed,
    upstream_errors,
    kCount,
  };
  void add(Counter counter) { counts_[counter].fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t get(Counter counter) const { return counts_[counter].load(std::memory_order_relaxed); }
  std::string exposition() const;

 private:
  std::array<std::atomic<std::uint64_t>, kCount> counts_{};
};

}  // namespace postern::app
