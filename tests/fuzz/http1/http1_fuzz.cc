// The upstream's answers, whole and in pieces: both readings must agree, and nothing may be read twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/net/response_parser.h"

namespace {

std::string read(std::string_view text, std::size_t piece) {
  postern::net::ResponseParser parser;
  std::string body;
  while (!text.empty() && !parser.body_done()) {
    std::string_view input = text.substr(0, piece);
    const std::size_t given = input.size();
    if (!parser.head_done() && !parser.feed_head(input)) return "error";
    while (parser.head_done() && !input.empty() && !parser.body_done()) {
      const postern::Result<std::string_view> part = parser.feed_body(input);
      if (!part) return "error";
      body.append(*part);
    }
    text.remove_prefix(given - input.size());
  }
  if (!parser.finish()) return "error";
  return std::to_string(parser.response().status) + ":" + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string whole = read(text, size + 1);
  if (read(text, 1) != whole || read(text, 7) != whole) std::abort();
  return 0;
}
