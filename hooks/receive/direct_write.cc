#include "hooks/receive/direct_write.h"

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "hooks/receive/parent_process.h"

namespace postern::receive {

std::string direct_write_id(const HookCall& call, const Located& at, std::string_view what) {
  const Result<ParentProcess> parent = read_process(call.git_pid);
  const std::string process = parent ? parent->started : hex_encode(random_bytes(16));
  const Sha256 sum =
      sha256(std::to_string(call.git_pid) + "\n" + process + "\n" + at.directory + "\n" + std::string(what));
  return "direct-" + hex_encode(as_view(sum)).substr(0, 32);
}

access::BundleKeys keys_needed(const Environment& environment) {
  return environment.find("GIT_PUSH_OPTION_0") != nullptr ? access::BundleKeys::read : access::BundleKeys::leave;
}

bool is_pull_head(std::string_view ref) {
  constexpr std::string_view kPrefix = "refs/pull/";
  constexpr std::string_view kSuffix = "/head";
  if (!ref.starts_with(kPrefix) || !ref.ends_with(kSuffix) || ref.size() <= kPrefix.size() + kSuffix.size()) {
    return false;
  }
  const std::string_view number = ref.substr(kPrefix.size(), ref.size() - kPrefix.size() - kSuffix.size());
  return number.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace postern::receive
