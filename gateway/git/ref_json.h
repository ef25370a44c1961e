// A command of a push as it stands in our JSON files and records.
#pragma once

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"

namespace postern::git {

// {"ref","old","new"}. A ref that is no is_ref_text() is written, and reads back, with \xNN where it is none, and cut;
// no valid name has a backslash or is that long, so it is never taken for another.
json::Value to_json(const RefUpdate& update);
// The inverse, other members are ignored; invalid_input when it is none, or no is_ref_text().
Result<RefUpdate> parse_ref_update(const json::Value& value);

}  // namespace postern::git
