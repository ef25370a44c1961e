// JSON of the API, from either side.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/app/api_json.h"
#include "gateway/app/audit_command.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)app::read_verify_keys(text);
  const Result<json::Value> value = json::parse(text);
  if (!value) return 0;
  // What was read once is written and read the same.
  if (const auto push = app::parse_push(*value)) {
    const json::Value once = app::push_json(*push, true);
    const auto again = app::parse_push(once);
    if (!again || app::push_json(*again, true) != once) std::abort();
  }
  if (const auto deployment = app::parse_deployment(*value)) {
    const json::Value once = app::deployment_json(*deployment);
    const auto again = app::parse_deployment(once);
    if (!again || app::deployment_json(*again) != once) std::abort();
  }
  (void)app::parse_record(*value);
  return 0;
}
