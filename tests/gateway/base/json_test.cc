#include "gateway/base/json.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

using namespace postern;

TEST_CASE("values remember where they stood") {
  const std::string text = R"({"a": [1, -2.5e1 ,true], "b":"x\"y", "c" : null})";
  const json::Value value = json::parse(text).value();
  const auto at = [&](const json::Value& v) { return text.substr(v.span.begin, v.span.end - v.span.begin); };
  CHECK(at(value) == text);
  CHECK(at(*value.find("a")) == "[1, -2.5e1 ,true]");
  CHECK(at((*value.find("a")->as_array())[0]) == "1");
  CHECK(at((*value.find("a")->as_array())[1]) == "-2.5e1");
  CHECK(at((*value.find("a")->as_array())[2]) == "true");
  CHECK(at(*value.find("b")) == R"("x\"y")");
  CHECK(at(*value.find("c")) == "null");
}

TEST_CASE("what two readers could understand differently is refused") {
  CHECK_FALSE(json::parse(R"({"iss":1,"iss":2})").has_value());
  CHECK_FALSE(json::parse(R"({"iss":1,"\u0069ss":2})").has_value());
  CHECK_FALSE(json::parse("\xef\xbb\xbf{}").has_value());
  CHECK_FALSE(json::parse("{} {}").has_value());
  CHECK_FALSE(json::parse(R"("\ud800")").has_value());
  CHECK_FALSE(json::parse("\"\xff\"").has_value());
  CHECK_FALSE(json::parse("[1,]").has_value());
  CHECK_FALSE(json::parse("").has_value());
  CHECK_FALSE(json::parse("NaN").has_value());
  CHECK(json::parse(R"([{"a":1},{"a":2}])").has_value());
}

TEST_CASE("a name that stands twice is refused wherever it stands in a large object") {
  for (const int twice : {0, 1, 22, 23, 24, 25, 60, 98}) {
    std::string text = "{";
    for (int i = 0; i < 99; ++i) text += fmt::format("\"n{}\":{{\"n{}\":1}},", i, i);
    CHECK(json::parse(text + "\"n99\":1}"));
    const Result<json::Value> value = json::parse(text + fmt::format("\"n{}\":1}}", twice));
    REQUIRE_FALSE(value);
    CHECK(value.error().message.ends_with(fmt::format("duplicate member \"n{}\"", twice)));
  }
}

TEST_CASE("repeated names are kept where that is asked for and the first one is found") {
  const json::Value value = json::parse(R"({"a":1,"a":2})", {.repeated_names = true}).value();
  CHECK(value.as_object()->size() == 2);
  CHECK(*value.find_int("a") == 1);
}

TEST_CASE("limits are named") {
  std::string deep(10000, '[');
  CHECK(json::parse(deep).error().code == ErrorCode::limit);
  CHECK(json::parse("[1,2,3]", {.values = 3}).error().message.find("more than 3 values") != std::string::npos);
  CHECK(json::parse("[1,2,3]", {.bytes = 3}).error().code == ErrorCode::limit);
}

TEST_CASE("a fault is named with its line and column") {
  CHECK(json::parse("{\n  \"a\": x}").error().message == "JSON, line 2 column 8: unexpected 'x'");
  CHECK(json::parse("{\"é\": \"a\",}").error().message == "JSON, line 1 column 11: unexpected '}'");
  CHECK(json::parse("{\"a\": 1").error().message == "JSON, line 1 column 7: the text ends too early");
  CHECK(json::parse("[tru]").error().message == "JSON, line 1 column 5: unexpected ']'");
}

TEST_CASE("numbers keep their kind") {
  CHECK(*json::parse("9007199254740993").value().as_int() == 9007199254740993);
  CHECK(json::parse("1e400").has_value() == false);
  CHECK(json::parse("1.0").value().as_double() != nullptr);
  CHECK(json::parse("18446744073709551615").value().as_int() == nullptr);
}

TEST_CASE("a dump reads back as the same value") {
  const std::string text = R"({"a":[1,2.5,true,null],"b":"x\"\\\n\u0001é"})";
  const json::Value value = json::parse(text).value();
  CHECK(json::dump(value) == text);
  CHECK(json::parse(json::dump_pretty(value)).value() == value);
}
