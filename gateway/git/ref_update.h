// One command of a push.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/git/object_id.h"

namespace postern::git {

// Value: `ref` goes from `old_id` to `new_id`; zero means "is not there".
struct RefUpdate {
  ObjectId old_id = ObjectId::zero();
  ObjectId new_id = ObjectId::zero();
  std::string ref;
  bool is_create() const { return old_id.is_zero() && !new_id.is_zero(); }
  bool is_delete() const { return new_id.is_zero(); }
  bool operator==(const RefUpdate&) const = default;
};

// SHA-256 in lower-case hex over `old SP new SP ref LF` of each command, in the order sent: what a ticket is bound to.
std::string command_digest(std::span<const RefUpdate> commands);

// What stands for a ref in a record of ours: 1 to kRefTextMax bytes of UTF-8 without control characters. Wider than
// is_valid_ref_name(): a push past the gateway may name anything, and a record that cannot be read back would hide all
// else that it tells.
inline constexpr std::size_t kRefTextMax = 8192;
bool is_ref_text(std::string_view ref);

// git check-ref-format with at least two components, beginning "refs/"; one-level is never accepted.
bool is_valid_ref_name(std::string_view ref);

}  // namespace postern::git
