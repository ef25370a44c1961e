#include "gateway/git/ref_update.h"

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern::git {

std::string command_digest(std::span<const RefUpdate> commands) {
  Sha256Stream digest;
  for (const RefUpdate& command : commands) {
    digest.update(command.old_id.hex());
    digest.update(" ");
    digest.update(command.new_id.hex());
    digest.update(" ");
    digest.update(command.ref);
    digest.update("\n");
  }
  const Sha256 sum = digest.finish();
  return hex_encode(as_view(sum));
}

bool is_ref_text(std::string_view ref) {
  return !ref.empty() && ref.size() <= kRefTextMax && is_utf8(ref) &&
         std::none_of(ref.begin(), ref.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_valid_ref_name(std::string_view ref) {
  constexpr std::size_t kRefMax = 4096;
  if (!ref.starts_with("refs/") || ref.size() > kRefMax || !is_utf8(ref)) return false;
  std::string_view rest = ref.substr(5);
  std::size_t components = 0;
  for (;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    ++components;
    if (component.empty() || component.front() == '.' || component.ends_with(".lock")) return false;
    if (component.find("..") != std::string_view::npos || component.find("@{") != std::string_view::npos) return false;
    for (const char c : component) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == 0x7f) return false;
      if (std::string_view("~^:?*[\\").find(c) != std::string_view::npos) return false;
    }
    if (slash == std::string_view::npos) {
      return components >= 2 && component.back() != '.';
    }
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace postern::git
