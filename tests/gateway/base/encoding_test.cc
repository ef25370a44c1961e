#include "gateway/base/encoding.h"

#include <catch2/catch.hpp>

#include "gateway/base/clock.h"

using namespace postern;

TEST_CASE("base64url refuses every second spelling") {
  CHECK(base64url_decode("").value().empty());
  CHECK(base64url_decode("-_8").value() == "\xfb\xff");
  CHECK_FALSE(base64url_decode("-_8=").has_value());
  CHECK_FALSE(base64url_decode("+/8").has_value());
  CHECK_FALSE(base64url_decode("-_9").has_value());  // unused bits set
  CHECK_FALSE(base64url_decode("A").has_value());
  CHECK_FALSE(base64url_decode("AA A").has_value());
  CHECK_FALSE(base64url_decode("AA?A").has_value());
}

TEST_CASE("each byte that is no UTF-8 becomes the replacement character") {
  CHECK(as_utf8("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(as_utf8("caf\xe9!") == "caf\xef\xbf\xbd!");
  CHECK(as_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
  CHECK(as_utf8("\xc3") == "\xef\xbf\xbd");
}

TEST_CASE("encoders and decoders undo each other") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    CHECK(base64url_decode(base64url_encode(part)).value() == part);
    CHECK(base64_decode(base64_encode(part)).value() == part);
    CHECK(hex_decode(hex_encode(part)).value() == part);
    CHECK(percent_decode(percent_encode(part)).value() == part);
  }
}

TEST_CASE("a truncated percent escape is refused") {
  CHECK_FALSE(percent_decode("%").has_value());
  CHECK_FALSE(percent_decode("%4").has_value());
  CHECK_FALSE(percent_decode("%zz").has_value());
  CHECK(percent_decode("%41").value() == "A");
}

TEST_CASE("UTF-8 is judged as RFC 3629 says") {
  CHECK(is_utf8("aé€😀"));
  CHECK_FALSE(is_utf8("\xc0\x80"));          // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_utf8("\xe2\x82"));          // cut
}

TEST_CASE("printable text moves no cursor") {
  CHECK(printable("a\x1b[31m\r\nb") == "a\\x1b[31m\\x0d\\x0ab");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(printable("\xff") == "\\xff");
  // What stands after these is shown before them, so a line reads as another: "main\u202etset" as "maintest".
  CHECK(printable("main\xe2\x80\xaetset") == "main\\xe2\\x80\\xaetset");
  for (const char* mark : {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
                           "\xe2\x81\xa6", "\xe2\x81\xa9"}) {
    CHECK(printable(mark).find(mark) == std::string::npos);
  }
  CHECK(printable("\xc2\xa0\xe2\x80\xa6\xd7\xa9\xe2\x81\xa5") == "\xc2\xa0\xe2\x80\xa6\xd7\xa9\xe2\x81\xa5");
}

TEST_CASE("times are written and read as RFC 3339") {
  const WallTime time = parse_rfc3339("2027-01-01T00:00:00Z").value();
  CHECK(to_rfc3339(time) == "2027-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(parse_rfc3339("2024-02-29T23:59:58.007Z").value()) == "2024-02-29T23:59:58.007Z");
  CHECK(to_rfc3339(WallTime()) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(WallTime() - std::chrono::milliseconds(1)) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(WallTime::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(WallTime::min()) == "0000-01-01T00:00:00.000Z");
  CHECK(parse_rfc3339("2027-01-01T02:00:00.5+02:00").value() == time + std::chrono::milliseconds(500));
  CHECK_FALSE(parse_rfc3339("2027-02-30T00:00:00Z").has_value());
  CHECK_FALSE(parse_rfc3339("2027-01-01").has_value());
  CHECK_FALSE(parse_rfc3339("2027-01-01T00:00:00Zx").has_value());
}
