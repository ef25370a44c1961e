#include "hooks/policy/baseline.h"

#include "gateway/base/json.h"

namespace postern::policy {

Result<Baseline> parse_baseline(std::string_view text) {
  const Result<json::Value> value =
      json::parse(text, {.bytes = kBaselineMaxBytes, .depth = 16, .values = std::size_t{2000000}});
  if (!value) return fail(value.error());
  const std::int64_t* version = value->find_int("version");
  const json::Value* list = value->find("findings");
  if (version == nullptr || *version != 1 || list == nullptr || list->as_array() == nullptr) {
    return fail(ErrorCode::invalid_input, "not a baseline; expected {\"version\":1,\"findings\":[…]}");
  }
  Baseline baseline;
  for (const json::Value& entry : *list->as_array()) {
    const std::string* fingerprint = entry.find_string("fingerprint");
    if (fingerprint == nullptr) return fail(ErrorCode::invalid_input, "an entry has no fingerprint");
    baseline.insert(*fingerprint);
  }
  return baseline;
}

std::string baseline_text(const std::vector<Finding>& findings) {
  json::Array list;
  for (const Finding& finding : findings) {
    list.emplace_back(json::Object{{"path", json::Value(finding.path)},
                                   {"rule", json::Value(finding.rule)},
                                   {"message", json::Value(finding.message)},
                                   {"fingerprint", json::Value(finding.fingerprint)}});
  }
  return json::dump_pretty(
      json::Value(json::Object{{"version", json::Value(1)}, {"findings", json::Value(std::move(list))}}));
}

}  // namespace postern::policy
