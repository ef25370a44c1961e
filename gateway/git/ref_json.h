// A command of a push as it stands in our JSON files and records.
#pragma once

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"

namespace postern::git {

// {"ref","old","new"}. A ref that is not UTF-8, which is_valid_ref_name() refuses, is written with \xNN for a reader's
// eyes and does not read back.
json::Value to_json(const RefUpdate& update);
// The inverse, other members are ignored; invalid_input when it is none, or no valid ref name.
Result<RefUpdate> parse_ref_update(const json::Value& value);

}  // namespace postern::git
