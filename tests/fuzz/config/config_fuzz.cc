// A configuration text: whatever is in it, loading ends with a Config or with mistakes, and what loads makes rules.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const config::Files files{.read = [&](const std::string&) -> Result<std::string> { return text; },
                            .list = [](const std::string&) -> Result<std::vector<std::string>> {
                              return std::vector<std::string>{"/etc/postern/rules.d/a.toml"};
                            }};
  const auto loaded = config::load("/etc/postern/postern.toml", files);
  if (!loaded) {
    if (loaded.error().errors.empty()) std::abort();
    return 0;
  }
  std::vector<std::string> environments;
  for (const auto& environment : loaded->config.environments) environments.push_back(environment.name);
  const auto rules = access::AccessRules::make(loaded->config.rules, environments);
  if (!rules) std::abort();
  const std::string json = access::rules_to_json((*rules)->rule_set());
  const auto again = access::rules_from_json(json);
  if (!again || access::rules_to_json(*again) != json) std::abort();
  return 0;
}
