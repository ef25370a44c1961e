// A head that is accepted is read back the same from what is sent upstream, and the pack begins where it began.
#include <cstdint>
#include <cstdlib>

#include "gateway/git/command_list.h"

using namespace postern::git;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  PushHeadParser parser;
  std::string_view input = body;
  const auto state = parser.feed(input);
  if (!state || *state == PushHeadParser::State::more) return 0;
  if (parser.head_bytes() + input.size() != body.size()) std::abort();
  if (*state == PushHeadParser::State::refused) {
    if (parser.refusals().size() != parser.request().commands.size()) std::abort();
    return 0;
  }
  const std::vector<std::string> added{"postern-ticket=x"};
  const bool probe = parser.request().is_probe;
  const std::string head = write_push_head(parser.request(), probe ? std::vector<std::string>{} : added);
  PushHeadParser again;
  std::string_view rest = head;
  const auto second = again.feed(rest);
  if (!second || *second != PushHeadParser::State::complete || !rest.empty()) std::abort();
  if (again.request().commands != parser.request().commands) std::abort();
  if (again.request().is_probe != probe) std::abort();
  if (!probe && again.request().options.size() != parser.request().options.size() + 1) std::abort();
  for (const RefUpdate& command : again.request().commands) {
    if (!is_valid_ref_name(command.ref)) std::abort();
  }
  return 0;
}
