// API Management behind Azure Resource Manager.
#pragma once

#include <memory>
#include <string>

#include "gateway/azure/token_cache.h"
#include "gateway/base/clock.h"
#include "gateway/net/http_client.h"
#include "hooks/deploy/target.h"

namespace postern::deploy {

struct ArmSettings {
  std::string endpoint = "https://management.azure.com";
  std::string audience = "https://management.azure.com/";
  std::string ca_file;  // empty: the system's
  std::string service;  // ARM id, "/subscriptions/…/service/NAME"
  std::string api_version = "2024-05-01";
};

// The audience of the cloud that `endpoint` belongs to; the public cloud's for an endpoint that is none of Azure's.
std::string arm_audience(std::string_view endpoint);

// `http`, `tokens` and `clock` must outlive it. `wait` sleeps between polls; false ends the operation as a
// wait-failure.
std::unique_ptr<DeploymentTarget> arm_target(net::HttpClient& http, azure::TokenCache& tokens, const Clock& clock,
                                             azure::Wait wait, ArmSettings settings);

}  // namespace postern::deploy
