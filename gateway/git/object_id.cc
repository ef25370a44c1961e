#include "gateway/git/object_id.h"

#include "gateway/base/encoding.h"

namespace postern::git {

Result<ObjectId> ObjectId::parse(std::string_view hex) {
  if (hex.size() != 40 && hex.size() != 64) {
    return fail(ErrorCode::invalid_input,
                "object id has " + std::to_string(hex.size()) + " characters; SHA-1 has 40, SHA-256 has 64");
  }
  for (const char c : hex) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit) return fail(ErrorCode::invalid_input, "object id holds '" + printable({&c, 1}) + "', not a hex digit");
  }
  return ObjectId(ascii_lower(hex));
}

}  // namespace postern::git
