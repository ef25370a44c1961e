// Does the service still answer as it should?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/azure/credential.h"
#include "gateway/net/http_client.h"

namespace postern::deploy {

struct HealthProbe {
  std::string url;
  int expect = 200;
};

// Asks every probe until each has answered as expected; gateways take seconds to pick a policy up, so each is asked up
// to six times within half a minute. nullopt: healthy. Otherwise what the last answer was. An expected status beside
// 200 to 599 is never met. `wait` returning false ends it as unhealthy.
std::optional<std::string> check_health(net::HttpClient& http, const azure::Wait& wait,
                                        const std::vector<HealthProbe>& probes, const std::string& ca_file = {});

}  // namespace postern::deploy
