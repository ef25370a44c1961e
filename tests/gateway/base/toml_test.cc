#include "gateway/base/toml.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

using namespace postern;

namespace {

TomlValue parsed(std::string_view text) {
  auto table = parse_toml(text);
  REQUIRE(table.has_value());
  return *std::move(table);
}

}  // namespace

TEST_CASE("each TOML type keeps its value and its line") {
  const TomlValue root =
      parsed("flag = true\nnumber = -7\nhalf = 0.5\n\ntext = \"a\\tb\"\nlist = [1,\n  \"two\"]\n[table]\nkey = 1\n");
  REQUIRE(root.find("flag") != nullptr);
  CHECK(root.find("flag")->boolean);
  CHECK(root.find("number")->integer == -7);
  CHECK(root.find("half")->is(TomlType::floating));
  REQUIRE(root.find("text")->as_string() != nullptr);
  CHECK(*root.find("text")->as_string() == "a\tb");
  CHECK(root.find("text")->line == 5);
  REQUIRE(root.find("list")->items.size() == 2);
  CHECK(root.find("list")->items[1].line == 7);
  REQUIRE(root.find("table")->find("key") != nullptr);
  CHECK(root.find("table")->members[0].line == 9);
  CHECK(root.find("absent") == nullptr);
}

TEST_CASE("the four kinds of TOML times are told apart") {
  const TomlValue root =
      parsed("a = 2027-01-31T07:05:09.25-01:30\nb = 2027-01-31T07:05:09\nc = 2027-01-31\nd = 07:05:09\n");
  CHECK(root.find("a")->is(TomlType::offset_date_time));
  CHECK(root.find("a")->text == "2027-01-31T07:05:09.250-01:30");
  CHECK(root.find("b")->is(TomlType::local_date_time));
  CHECK(root.find("c")->is(TomlType::local_date));
  CHECK(root.find("c")->text == "2027-01-31");
  CHECK(root.find("d")->is(TomlType::local_time));
}

TEST_CASE("an array of TOML tables keeps the line of each table") {
  const TomlValue root = parsed("[[grant]]\nname = \"a\"\n\n[[grant]]\nname = \"b\"\n");
  const TomlValue* grants = root.find("grant");
  REQUIRE(grants != nullptr);
  REQUIRE(grants->items.size() == 2);
  CHECK(grants->items[0].line == 1);
  CHECK(grants->items[1].line == 4);
}

TEST_CASE("what is no TOML names its line and quotes no control character") {
  for (const std::string_view text : {"a = 1\na = 2\n", "a = 1\nb = \"\x01\"\n", "a = 1\nb = [\x1b\n"}) {
    const auto table = parse_toml(text);
    REQUIRE_FALSE(table.has_value());
    CHECK(table.error().line == 2);
    CHECK(table.error().message.find_first_of("\x01\x1b") == std::string::npos);
  }
}

TEST_CASE("TOML nested beyond all measure is refused and not followed") {
  const auto table = parse_toml("a = " + std::string(100000, '['));
  CHECK_FALSE(table.has_value());
}
