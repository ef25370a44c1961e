// Standard input of a hook: lines of commands.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hooks/receive/hook_call.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto commands = receive::parse_commands(text);
  if (!commands) {
    if (commands.error().message.empty()) std::abort();
    return 0;
  }
  for (const git::RefUpdate& command : *commands) {
    if (command.ref.empty() || command.ref.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
