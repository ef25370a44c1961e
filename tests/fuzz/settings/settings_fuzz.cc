// postern-policy.toml of a repository: any text is settings, or an error that says where.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hooks/policy/check.h"
#include "hooks/policy/settings.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<policy::Settings> settings = policy::parse_settings(text, {});
  if (!settings) {
    if (settings.error().message.empty()) std::abort();
    return 0;
  }
  // A document that touches what settings speak of.
  policy::CheckOptions options;
  options.severity = settings->levels_for("apis/a/policy.xml");
  options.guardrails = settings->guardrails_for("apis/a/policy.xml");
  options.scope = policy::Scope::api;
  (void)policy::check_policy("apis/a/policy.xml",
                             "<policies><inbound><base /><set-backend-service base-url=\"https://a.example.com/\" />"
                             "<set-backend-service base-url=\"@(context.Request.Url.Host)\" /></inbound></policies>",
                             options);
  return 0;
}
