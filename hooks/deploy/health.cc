#include "hooks/deploy/health.h"

#include <fmt/core.h>

#include <array>

namespace postern::deploy {

using namespace std::chrono_literals;

std::optional<std::string> check_health(net::HttpClient& http, const azure::Wait& wait,
                                        const std::vector<HealthProbe>& probes, const std::string& ca_file) {
  static constexpr std::array kPauses = {1000ms, 2000ms, 4000ms, 8000ms, 15000ms};
  for (const HealthProbe& probe : probes) {
    for (std::size_t attempt = 0;; ++attempt) {
      net::HttpRequest request;
      request.url = probe.url;
      request.ca_file = ca_file;
      auto response = http.send(request);
      if (response && response->status == probe.expect) break;
      const std::string seen = response ? fmt::format("answered {}", response->status) : response.error().message;
      if (attempt >= kPauses.size() || !wait(kPauses[attempt])) {
        return fmt::format("GET {}: expected {}, {}", probe.url, probe.expect, seen);
      }
    }
  }
  return std::nullopt;
}

}  // namespace postern::deploy
