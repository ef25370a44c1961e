#include "gateway/git/pkt_line.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gateway/base/encoding.h"

namespace postern::git {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_length(std::string& out, std::size_t length) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[(length >> shift) & 0xf];
}

}  // namespace

std::string_view Pkt::line() const {
  std::string_view text = payload;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

Result<std::optional<Pkt>> PktReader::next(std::string_view& input) {
  while (digits_ < 4) {
    if (input.empty()) return std::nullopt;
    length_text_[digits_++] = input.front();
    input.remove_prefix(1);
    if (digits_ < 4) continue;
    std::size_t length = 0;
    for (const char c : length_text_) {
      const int value = hex_value(c);
      if (value < 0) {
        return fail(ErrorCode::invalid_input,
                    "pkt-line length '" + printable({length_text_.data(), 4}) + "' is not four hex digits");
      }
      length = length * 16 + static_cast<std::size_t>(value);
    }
    if (length < 3) {
      digits_ = 0;
      constexpr std::array kSpecial{PktKind::flush, PktKind::delim, PktKind::response_end};
      return Pkt{kSpecial[length], {}};
    }
    if (length == 3) return fail(ErrorCode::invalid_input, "pkt-line length 0003 is not allowed");
    if (length > kPktMax) {
      return fail(ErrorCode::invalid_input,
                  "pkt-line length " + std::to_string(length) + " exceeds " + std::to_string(kPktMax));
    }
    want_ = length - 4;
    payload_.clear();
  }
  const std::size_t take = std::min(want_ - payload_.size(), input.size());
  payload_.append(input.substr(0, take));
  input.remove_prefix(take);
  if (payload_.size() < want_) return std::nullopt;
  digits_ = 0;
  return Pkt{PktKind::data, std::exchange(payload_, {})};
}

void append_pkt(std::string& out, std::string_view payload) {
  assert(payload.size() <= kPktPayloadMax);
  append_length(out, payload.size() + 4);
  out += payload;
}

void append_band(std::string& out, char band, std::string_view payload) {
  constexpr std::size_t kBandMax = kPktPayloadMax - 1;
  do {
    const std::string_view part = payload.substr(0, kBandMax);
    append_length(out, part.size() + 5);
    out += band;
    out += part;
    payload.remove_prefix(part.size());
  } while (!payload.empty());
}

}  // namespace postern::git
