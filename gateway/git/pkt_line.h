// pkt-line framing (gitprotocol-common): four hex digits of length that count themselves, then the payload.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern::git {

inline constexpr std::size_t kPktMax = 65520;               // bytes of a packet, its length digits included
inline constexpr std::size_t kPktPayloadMax = kPktMax - 4;  // bytes of its payload
inline constexpr std::string_view kFlushPkt = "0000";

enum class PktKind : std::uint8_t { data, flush, delim, response_end };

// Value. The payload holds every byte as sent, NUL and final LF included.
struct Pkt {
  PktKind kind = PktKind::data;
  std::string payload;
  // The payload without one final LF: readers strip at most one.
  std::string_view line() const;
};

// Cuts a byte stream into packets, whatever the pieces it arrives in. Holds at most one packet.
class PktReader {
 public:
  // Takes bytes off the front of `input`, never beyond the end of a packet. The packet when it is whole; nullopt when
  // more input is needed (then `input` is empty). invalid_input: not a length, `0003`, longer than 65520; after an
  // error the reader must not be used again.
  Result<std::optional<Pkt>> next(std::string_view& input);
  // True between packets: an end of input here cuts nothing.
  bool at_boundary() const { return digits_ == 0; }

 private:
  std::array<char, 4> length_text_{};
  std::size_t digits_ = 0;
  std::size_t want_ = 0;  // payload bytes of the packet under way, once its length is known
  std::string payload_;
};

// One data packet appended to `out`; the payload must not exceed kPktPayloadMax.
void append_pkt(std::string& out, std::string_view payload);
// The payload in side-band packets of at most kPktMax; `band` is 1 (data), 2 (progress) or 3 (fatal).
void append_band(std::string& out, char band, std::string_view payload);

}  // namespace postern::git
