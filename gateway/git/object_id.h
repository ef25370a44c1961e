// The name of a git object.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern::git {

// Value: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits. Only parse() and zero() make one, so two spellings of one
// object never meet.
class ObjectId {
 public:
  // Either case is accepted, as git's own reader does; invalid_input names the fault.
  static Result<ObjectId> parse(std::string_view hex);
  static ObjectId zero(std::size_t hex_digits = 40) { return ObjectId(std::string(hex_digits, '0')); }

  const std::string& hex() const { return hex_; }
  bool is_zero() const { return hex_.find_first_not_of('0') == std::string::npos; }
  auto operator<=>(const ObjectId&) const = default;

 private:
  explicit ObjectId(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

}  // namespace postern::git
