#include "hooks/policy/bracket_place.h"

#include <catch2/catch.hpp>
#include <string>

#include "hooks/policy/check.h"

using namespace postern::policy;

namespace {

// "line message" of the only finding of a body that holds this block.
std::string told(const std::string& block) {
  const std::vector<Finding> findings =
      check_policy("p.xml", "<policies><inbound><base /><set-body>" + block + "</set-body></inbound></policies>", {});
  if (findings.size() != 1) return std::to_string(findings.size()) + " findings";
  return std::to_string(findings[0].line) + " " + findings[0].message;
}

}  // namespace

TEST_CASE("A brace that is missing is told where the lines say that it stood") {
  CHECK(told("@{\n  foreach (var x in new[] { 1 })\n    context.Trace(\"a\");\n  }\n  return As<int>(1);\n}") ==
        "2 '{' is missing here: the '}' of line 4 closes nothing");
  CHECK(told("@{\n  if (context.Tracing)\n\n    return 1;\n  }\n  return 2;\n}") ==
        "3 '{' is missing here: the '}' of line 5 closes nothing");
  CHECK(told("@{\n  if (context.Tracing) {\n    return 1;\n\n  return 2;\n}") ==
        "4 '}' is missing here: the '{' of line 2 is never closed");
  CHECK(told("@{\n  if (context.Tracing) {\n    return 1;\n  if (true) {\n    return 3;\n  }\n  return 2;\n}") ==
        "3 '}' is missing here: the '{' of line 2 is never closed");
}

TEST_CASE("A bracket that is missing in a statement over several lines is told on its line") {
  CHECK(told("@{\n  return new JObject(\n    new JProperty(\"a\", 1),\n    new JProperty(\"b\", 2,\n    new "
             "JProperty(\"c\", 3)\n"
             "  ).ToString();\n}") == "4 '(' in the expression is never closed");
  CHECK(told("@{\n  return string.Join(\",\",\n    context.Api.Id,\n    context.Api.Name;\n}") ==
        "4 ')' is missing here: the '(' of line 2 is never closed");
  CHECK(told("@{\n  return new JObject(\n    new JProperty(\"a\", 1)),\n    new JProperty(\"b\", 2)\n  "
             ").ToString();\n}") == "3 '(' is missing here: the ')' of line 5 closes nothing");
}

TEST_CASE("Text behind an expression is no bracket too many") {
  CHECK(told("@(1) and (2)").substr(0, 29) == "1 text follows the expression");
  CHECK(told("@(1) @(2)").substr(0, 29) == "1 text follows the expression");
}

TEST_CASE("Brackets that match have no place") {
  for (const char* code :
       {"return f(1, x => { return [2]; });", "for (var i = 0; i < 3; i++) { }", "", ";", "\"}\" + '{'"})
    CHECK_FALSE(find_bracket(code, '{', 0));
}
