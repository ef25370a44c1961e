#include "gateway/git/pkt_line.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::git;

namespace {

std::string frame(std::string_view payload) {
  std::string out;
  append_pkt(out, payload);
  return out;
}

}  // namespace

TEST_CASE("packets are the same in whatever pieces they come") {
  const std::string stream = frame("one\n") + "0000" + frame("") + "0001" + "0002" + frame(std::string("a\0b", 3));
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    PktReader reader;
    std::vector<Pkt> seen;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      std::string_view input = std::string_view(stream).substr(at, piece);
      for (;;) {
        auto pkt = reader.next(input);
        REQUIRE(pkt.has_value());
        if (!*pkt) break;
        seen.push_back(std::move(**pkt));
      }
      CHECK(input.empty());
    }
    REQUIRE(seen.size() == 6);
    CHECK(seen[0].payload == "one\n");
    CHECK(seen[0].line() == "one");
    CHECK(seen[1].kind == PktKind::flush);
    CHECK((seen[2].kind == PktKind::data && seen[2].payload.empty()));
    CHECK(seen[3].kind == PktKind::delim);
    CHECK(seen[4].kind == PktKind::response_end);
    CHECK(seen[5].payload == std::string("a\0b", 3));
    CHECK(reader.at_boundary());
  }
}

TEST_CASE("a reader never takes bytes beyond the packet") {
  PktReader reader;
  const std::string stream = "0000PACKrest";
  std::string_view input = stream;
  CHECK(reader.next(input)->value().kind == PktKind::flush);
  CHECK(input == "PACKrest");
}

TEST_CASE("a packet length in upper case is read") {
  PktReader reader;
  const std::string stream = "000A123456";
  std::string_view input = stream;
  CHECK(reader.next(input)->value().payload == "123456");
}

TEST_CASE("what is no packet length is refused") {
  for (const char* text : {"0003", "fff1", "ffff", "00 5x", "-001", "+005", "0x05", "zzzz", "PACK"}) {
    PktReader reader;
    std::string_view input = text;
    CHECK_FALSE(reader.next(input).has_value());
  }
}

TEST_CASE("only one final line end is stripped") {
  CHECK(Pkt{PktKind::data, "a\n\n"}.line() == "a\n");
  CHECK(Pkt{PktKind::data, "a"}.line() == "a");
}

TEST_CASE("a long band is cut into packets of the largest size") {
  std::string out;
  append_band(out, 2, std::string(70000, 'x'));
  PktReader reader;
  std::string_view input = out;
  const Pkt first = **reader.next(input);
  const Pkt second = **reader.next(input);
  CHECK(first.payload.size() == kPktPayloadMax);
  CHECK(first.payload[0] == 2);
  CHECK(second.payload.size() == 70000 - (kPktPayloadMax - 1) + 1);
  CHECK(input.empty());
}
