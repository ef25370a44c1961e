#include "gateway/net/response_parser.h"

#include <catch2/catch.hpp>

namespace postern::net {
namespace {

// The body of `text` read in pieces of `piece` bytes, or "error: …".
std::string read(std::string_view text, std::size_t piece, bool ends = true) {
  ResponseParser parser;
  std::string body;
  while (!text.empty() && !parser.body_done()) {
    std::string_view input = text.substr(0, piece);
    const std::size_t given = input.size();
    if (!parser.head_done()) {
      Result<bool> whole = parser.feed_head(input);
      if (!whole) return "error: " + whole.error().message;
    }
    while (parser.head_done() && !input.empty() && !parser.body_done()) {
      Result<std::string_view> part = parser.feed_body(input);
      if (!part) return "error: " + part.error().message;
      body.append(*part);
    }
    text.remove_prefix(given - input.size());
  }
  if (ends) {
    if (Status whole = parser.finish(); !whole) return "error: " + whole.error().message;
  }
  return std::to_string(parser.response().status) + " " + body;
}

TEST_CASE("answers are read the same in whatever pieces they come") {
  const std::vector<std::pair<std::string, std::string>> answers{
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "200 hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "200 0123456789"},
      {"HTTP/1.1 200\r\n\r\nuntil the end", "200 until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 until the end"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204 "},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "304 "},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "2\r\n\r\nok",
       "200 ok"},
      {"HTTP/1.1 500 Oops\r\nX:\r\nContent-Length: 0\r\n\r\n", "500 "},
  };
  for (const auto& [text, expected] : answers) {
    INFO(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{1000}}) {
      CHECK(read(text, piece) == expected);
    }
  }
}

TEST_CASE("the header fields of an answer are found by their names in lower case") {
  ResponseParser parser;
  std::string_view first(
      "HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nX-A: 1\r\nx-a: 2\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(*parser.feed_head(first));
  CHECK(parser.response().header("content-type") == "text/plain");
  CHECK(parser.response().header("x-a") == "1");
  CHECK(parser.response().header("x-empty") == "");
  CHECK_FALSE(parser.response().header("x-b"));
  CHECK(parser.response().fields.size() == 5);
}

TEST_CASE("nothing of one answer shows in the next of its connection") {
  ResponseParser parser;
  const std::string first =
      "HTTP/1.0 404 No\r\nX-A: " + std::string(5000, 'a') + "\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nno";
  std::string_view input = first;
  REQUIRE(*parser.feed_head(input));
  CHECK(*parser.feed_body(input) == "no");
  CHECK(parser.response().length == 2U);
  parser.restart(false);
  CHECK_FALSE(parser.head_done());
  CHECK_FALSE(parser.body_done());
  CHECK(parser.response().fields.empty());
  input = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  REQUIRE(*parser.feed_head(input));
  CHECK(parser.response().chunked);
  CHECK(parser.response().keep_alive);
  CHECK_FALSE(parser.response().length);
  CHECK_FALSE(parser.response().header("x-a"));
}

TEST_CASE("answers that two readers could frame differently are errors") {
  const std::vector<std::string> answers{
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a" + std::string(1, '\0') + "b\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
      "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n",
  };
  for (const std::string& text : answers) {
    INFO(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) CHECK(read(text, piece).starts_with("error: "));
  }
}

TEST_CASE("an answer that is cut short is an error") {
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 1000).starts_with("error: "));
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 1000).starts_with("error: "));
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Len", 1000).starts_with("error: "));
}

TEST_CASE("a head without an end is cut off") {
  CHECK(read("HTTP/1.1 200 OK\r\nX: " + std::string(40000, 'x'), 100).starts_with("error: "));
  CHECK(read("HTTP/1.1 200 OK\r\nX: " + std::string(40000, 'x') + "\r\n\r\n", 100000).starts_with("error: "));
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  CHECK(read(many + "\r\n", 100000).starts_with("error: "));
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(read(interim, 100000).starts_with("error: "));
}

TEST_CASE("a connection is kept only when its answer says where it ends") {
  const auto keeps = [](std::string_view text) {
    ResponseParser parser;
    REQUIRE(parser.feed_head(text).value());
    return parser.response().keep_alive;
  };
  CHECK(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: foo, Close\r\n\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\n\r\n"));
  CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CHECK(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
}

}  // namespace
}  // namespace postern::net
