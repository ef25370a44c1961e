// The JSON of the API (schema/openapi.yaml), both ways. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/store/store.h"

namespace postern::app {

json::Value push_json(const store::AcceptedPush& push, bool with_commits);
// The inverse, for clients of the API; invalid_input names the member.
Result<store::AcceptedPush> parse_push(const json::Value& value);

// {"id","chain","seq","hash","entry"}: the entry is the record's bytes, as they are.
std::string record_text(const store::AuditRecord& record);
// The inverse; invalid_input when it is none. The bytes are canonical again when the entry was.
Result<store::AuditRecord> parse_record(const json::Value& value);

json::Value deployment_json(const store::Deployment& deployment);
// Strict: unknown members, ids and states that are none are invalid_input.
Result<store::Deployment> parse_deployment(const json::Value& value);

}  // namespace postern::app
