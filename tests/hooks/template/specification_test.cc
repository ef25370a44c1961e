// Specifications of APIs: OpenAPI in JSON and YAML, GraphQL, WSDL, WADL.
#include "hooks/template/specification.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "hooks/template/graphql.h"
#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

MemorySource tree_of(const std::map<std::string, std::string>& files) { return MemorySource(files); }

// "line:column message", or empty.
std::string graphql(std::string_view text) {
  const auto fault = find_graphql_fault(text);
  if (!fault) return {};
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(fault->begin), '\n');
  const std::size_t begin = text.rfind('\n', fault->begin == 0 ? 0 : fault->begin - 1);
  return fmt::format("{}:{} {}", line, fault->begin - (line == 1 ? 0 : begin + 1) + 1, fault->message);
}

std::string yaml(std::string_view text) {
  const auto fault = find_yaml_fault(text);
  return fault ? fmt::format("{}:{} {}", fault->line, fault->column, fault->message) : std::string();
}

Lines of_specification(const std::string& name, const std::string& text) {
  return findings(tree_of({{"a/apis/o/" + name, text}}));
}

}  // namespace

TEST_CASE("a GraphQL schema with everything that the grammar has is silent") {
  CHECK(graphql(R"("""
Doc { with "quotes" and \""" }
"""
schema @link(url: "x") { query: Query mutation: M }
directive @auth(requires: Role = ADMIN, list: [String!]! = ["a","b"]) repeatable on | OBJECT | FIELD_DEFINITION
extend type Query { a: Int }
interface Node implements A & B { id: ID! }
type Old implements A, B { a: Int }
type Older implements A B @x { a: Int }
union U = | A | B
union V @x
enum Role { ADMIN @deprecated(reason: "no") USER type input }
input I { a: Int = 1, b: [Float!] = [1.5e3, -2.0E-7], c: I2 = {x: {y: "z", n: null, l: []}} }
scalar Date @specifiedBy(url: "https://x")
type Query @key(fields: "id { x }") {
  # c {
  users(first: Int = 10 after: String = """block ) \""" x"""): [[User!]!] @auth(requires: USER)
  "s {" user(id: ID!): User,
  type: String
  input(type: Type, enum: [enum]): type!
  extend: Int
}
extend schema { subscription: S }
extend union U = C
extend enum Role { X }
type Empty
type Braces { }
)") == "");
  CHECK(graphql("\xef\xbb\xbf# only a comment") == "");
  CHECK(graphql("") == "");
  CHECK(graphql("query Q { a(b: {) }") == "");  // no schema: not judged
  CHECK(graphql("type A {\r\n  b: C\r\n}\r\n") == "");
}

TEST_CASE("a GraphQL schema that does not hold together is named where it breaks") {
  CHECK(graphql("tpye Query {\n  a: Int\n}").starts_with("1:1 'tpye' where a definition"));
  CHECK(graphql("type Query {\n  a Int\n}") == "2:5 'Int' where ':' is due");
  CHECK(graphql("type Query {\n  a: \n}") == "3:1 '}' where a type is due");
  CHECK(graphql("type Query {\n  a: [Int\n  b: Int\n}") == "2:6 '[' is never closed");
  CHECK(graphql("type Query {\n  a(b: Int: Int\n}") == "2:11 ':' where an argument's name is due");
  CHECK(graphql("type Query {\n  a: Int\n\ntype B {\n  c: Int\n}\n") ==
        "1:12 '{' is not closed before 'type' on line 4");
  CHECK(graphql("type Query {\n  a: Int\n") == "1:12 '{' is never closed");
  CHECK(graphql("type Query {\n  a: Int\n}\n}\n") == "4:1 '}' closes nothing");
  CHECK(graphql("enum E { A B ! }") == "1:14 '!' where an enum's value is due");
  CHECK(graphql("type A {\n  b: String = \"x\n}") == "2:13 '=' where a field's name is due");
  CHECK(graphql("input A {\n  b: String = \"x\n}") == "2:15 this string never ends");
  CHECK(graphql("\"\"\"\ntype A { b: C }") == "1:1 this block string never ends");
  CHECK(graphql("type A { b: C ; }") == "1:15 ';' has no meaning in a schema");
  CHECK(graphql("type A implements { b: C }") == "1:19 '{' where an interface's name is due");
  CHECK(graphql("union A = B | \ntype C { d: E }") != "");
  CHECK(graphql("directive auth on FIELD") == "1:11 'auth' where '@' is due");
  CHECK(graphql("type") == "1:4 the schema ends where a type's name is due");
}

TEST_CASE("a GraphQL schema of hostile depth and size is answered") {
  std::string deep = "input A { b: C = ";
  deep.append(100000, '[');
  CHECK(graphql(deep) == "");
  CHECK(graphql("type A { b: " + std::string(100000, '[')) == "");
  std::string wide = "type A {\n";
  for (int i = 0; i < 50000; ++i) wide += fmt::format("  f{}: Int\n", i);
  CHECK(graphql(wide + "}") == "");
  CHECK(graphql(wide) == "1:8 '{' is never closed");
}

TEST_CASE("YAML as editors and extractors write it is YAML") {
  CHECK(yaml("\xef\xbb\xbf# c\r\n---\r\nopenapi: 3.0.0   # c\r\ninfo:\r\n  title: \"a\r\n    b\"\r\n...\r\n") == "");
  CHECK(yaml("a:\n\t# a comment behind a tab\nb: {}\n\t\n") == "");
  CHECK(yaml("a: x\rb:\r  c: y\r") == "");
  CHECK(yaml("a: |\n  x\n  \ttabbed [ {\n    # text\n\n  y: \"\nb: >-\n  z '\n") == "");
  CHECK(yaml("x: &c\n  a: 1\ny:\n  <<: *c\n  b: !!binary aGk=\n  d: !own z\n") == "");
  CHECK(yaml("a: [\n") != "");
  CHECK(yaml("a:\n\tb: c\n") == "2:3 illegal map value");
}

TEST_CASE("YAML that a publisher takes and the library does not is let be") {
  CHECK(yaml("a: \"\\uD83D\\uDE00\"\nb: \"\\ud83d\"\n") == "");
  CHECK(yaml("a: 1\n\t\nb: 2\n\t\r\nc: 3\n") == "");
  CHECK(yaml("a:\n  \"" + std::string(1500, 'k') + "\": 1\n") == "");
  CHECK(yaml("a: {{title}}\nb:\n  - url: {{host}}/x\n") == "");
  CHECK(yaml("a: @@TOKEN@@\n") == "");
  CHECK(yaml("a: %TOKEN%\n") == "");
  CHECK(yaml("a: {{title}}\nb: 1\nc: d: e\n") != "");
}

TEST_CASE("JSON that a reader of YAML takes is a warning in a specification") {
  const Lines found = of_specification("specification.json", "{\"openapi\":\"3.0.1\",\n\"info\":{},\"paths\":{},}");
  REQUIRE(found.size() == 1);
  INFO(found[0]);
  CHECK(found[0].starts_with(
      "a/apis/o/specification.json:2:22 warning [artifact-json] not every publisher takes this JSON: "));
}

TEST_CASE("a YAML fault is told at its cause") {
  CHECK(yaml("a: b\né: 'x\nc: d\n") == "2:4 this quote never ends");
  CHECK(yaml("a:\n  - b\n  - \"x\n") == "3:5 this quote never ends");
  CHECK(yaml("a: b\nc: [x\nd: e\n") == "2:4 end of sequence flow not found");
  CHECK(yaml("a: b\nc: {x: y\nd: e\n") == "2:4 end of map flow not found");
  CHECK(yaml("a: b\nc\nd: e\n") == "2:1 illegal map value");
  CHECK(yaml("a:\n  get\n    b: c\n") == "2:3 illegal map value");
  CHECK(yaml("a: b\n   c: d\n") == "2:5 illegal map value");
  CHECK(yaml("a: 'x\n...\n") != "");
  CHECK(yaml("a: \"1.0\nb:\n  \"200\":\n    c: d\n") == "1:4 end of map not found");
  CHECK(yaml("a: \"x\" y\nb: c\n") == "1:8 end of map not found");
  CHECK(yaml("a: \"x\n  y\"\nb: 'it''s'\n") == "");
  CHECK(yaml("a: b\n...\n---\nc: |+\n  d\n\n") == "");
}

TEST_CASE("a quote or bracket that was lost is told where it opened") {
  CHECK(yaml("paths:\n  '/a/{b}:\n    get:\n      responses:\n        '200':\n          x: y\n").starts_with("2:3 "));
  CHECK(yaml("a: {title: t, version: \"1, summary: s}\nb:\n  c: d\n") == "1:24 this quote never ends");
  CHECK(yaml("a: \"long\n  text\"\nb: 'x\nc:\n  - 'y'\n").starts_with("3:4 "));
  CHECK(yaml("security:\n  - a: [ \n  - b: [ ]\n").starts_with("2:8 "));
}

TEST_CASE("a YAML key that stands twice is a warning at the second") {
  CHECK(of_specification("specification.yaml",
                         "openapi: 3.0.1\ninfo: {}\npaths:\n  /a: {}\n  /b: {}\n  /a: {put: {}}\n") ==
        Lines{"a/apis/o/specification.yaml:6:3 warning [artifact-yaml] the key '/a' stands a second time in this "
              "mapping"});
}

TEST_CASE("the top of an OpenAPI document is judged in YAML as in JSON") {
  const auto rule = [](std::string_view where, std::string_view what) {
    return Lines{fmt::format("a/apis/o/specification.{} [artifact-specification] {}", where, what)};
  };
  CHECK(of_specification("specification.yaml", "opnapi: 3.0.1\ninfo: {}\npaths: {}\n") ==
        rule("yaml:1:1 error", "neither 'openapi' nor 'swagger' stands at the top of this specification"));
  CHECK(of_specification("specification.yml", "- openapi\n") ==
        rule("yml:1:1 error", "this specification is no OpenAPI document: an object is due"));
  CHECK(of_specification("specification.json", "[]") ==
        rule("json:1:1 error", "this specification is no OpenAPI document: an object is due"));
  CHECK(of_specification("specification.yaml", "openapi: 3.0.1\ninfo: {}\npaths:\n- /a\n") ==
        rule("yaml:3:1 error", "'paths' is a list; an object is due"));
  CHECK(of_specification("specification.json", "{\"swagger\":\"2.0\",\n\"info\":{},\n\"paths\":\"x\"}") ==
        rule("json:3:1 error", "'paths' is a single value; an object is due"));
  CHECK(of_specification("specification.yaml", "openapi: 3.0.1\npaths: {}\n") ==
        rule("yaml:1:1 warning", "this specification has no 'info'"));
  CHECK(of_specification("specification.yaml", "info: {}\nopenapi: 3.0.1\n") ==
        rule("yaml:2:1 warning", "this specification has no 'paths', so no operation"));
  CHECK(of_specification("specification.yaml", "openapi: 3.1.0\ninfo: {}\nwebhooks: {}\n") == Lines{});
  CHECK(of_specification("specification.json", R"({"openapi":"3.1.0","info":{},"components":{}})") == Lines{});
}

TEST_CASE("WSDL and WADL begin with their own element") {
  CHECK(of_specification("specification.wsdl",
                         "<?xml version=\"1.0\"?>\n<!-- c -->\n<wsdl:definitions xmlns:wsdl=\"urn:x\" />\n") ==
        Lines{});
  CHECK(of_specification("specification.wadl", "\xef\xbb\xbf<application xmlns=\"urn:x\"></application>") == Lines{});
  CHECK(of_specification("specification.wsdl", "\n<w:definitons xmlns:w=\"urn:x\" />\n") ==
        Lines{"a/apis/o/specification.wsdl:2:2 error [artifact-specification] <w:definitons> where <definitions> is "
              "due"});
}

TEST_CASE("JSON that only strict readers refuse is a warning") {
  CHECK(of_specification("specification.json", R"({"openapi":"3.0.1","info":{},"paths":{"/a":{},"/a":{}}})") ==
        Lines{"a/apis/o/specification.json:1:50 warning [artifact-json] not every reader takes this JSON: duplicate "
              "member \"/a\""});
  CHECK(of_specification("specification.json", "{\"openapi\":\"3.0.1\",\"paths\":{},\n\"info\":{\"x\":\"\xe9\"}}") ==
        Lines{"a/apis/o/specification.json:2:1 warning [artifact-json] not every reader takes this JSON: the text is "
              "not UTF-8"});
  const Lines half = of_specification("specification.json",
                                      R"({"openapi":"3.0.1","info":{"x":"\ud83d","y":"\ud83d\ude00"},"paths":{}})");
  REQUIRE(half.size() == 1);
  CHECK(half[0].find("warning [artifact-json] not every reader takes this JSON") != std::string::npos);
}

TEST_CASE("an operation that its own artifact or a reference may bring is not missed") {
  const std::string policy = policy_with("<set-method>GET</set-method>");
  const std::string a = R"({"openapi":"3.0.1","info":{},"paths":{"/a":{"get":{"operationId":"a"}}}})";
  CHECK(findings(tree_of({{"a/apis/o/specification.json", a},
                          {"a/apis/o/operations/own/operationInformation.json", R"({"properties":{}})"},
                          {"a/apis/o/operations/own/policy.xml", policy}})) == Lines{});
  CHECK(findings(tree_of({{"a/apis/o/specification.yaml",
                           "openapi: 3.0.1\ninfo: {}\npaths:\n  /a:\n    get: {operationId: a}\n  /b:\n    $ref: x\n"},
                          {"a/apis/o/operations/b/policy.xml", policy}})) == Lines{});
  const std::string id(100, 'x');
  const std::string cut(80, 'x');
  CHECK(
      findings(tree_of({{"a/apis/o/specification.yaml",
                         fmt::format("openapi: 3.0.1\ninfo: {{}}\npaths: {{/a: {{get: {{operationId: {}}}}}}}\n", id)},
                        {"a/apis/o/operations/" + cut + "/policy.xml", policy}})) == Lines{});
  CHECK(findings(tree_of({{"a/apis/o/specification.json", a}, {"a/apis/o/operations/b/policy.xml", policy}})).size() ==
        1);
}

TEST_CASE("an API that is imported from an address needs no specification") {
  CHECK(findings(tree_of({{"a/apis/o/apiInformation.json",
                           R"({"properties":{"path":"o","format":"openapi-link","value":"https://x/o.json"}})"}})) ==
        Lines{});
}

TEST_CASE("values that readers turn into each other are warnings") {
  CHECK(
      findings(tree_of(
          {{"a/products/p/productInformation.json",
            R"({"properties":{"subscriptionRequired":"True","subscriptionsLimit":"5","displayName":"p"}})"}})) ==
      Lines{"a/products/p/productInformation.json:1:39 warning [artifact-shape] 'subscriptionRequired' is string; ARM "
            "takes true or false",
            "a/products/p/productInformation.json:1:67 warning [artifact-shape] 'subscriptionsLimit' is string; ARM "
            "takes a number"});
  CHECK(findings(tree_of({{"a/namedValues/n/namedValueInformation.json",
                           R"({"properties":{"displayName":"n","value":"","keyVault":{}}})"}})) == Lines{});
}

TEST_CASE("a WSDL as tools write it is no policy document") {
  CHECK(of_specification("specification.wsdl",
                         "\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<!-- c -->\r\n<w:definitions xmlns:w=\"x\">\r\n"
                         "<pattern value=\"\\w+@(\\w+\\.)+\"/><pattern value='@(a\"b'/><pattern value=\"@{[a-z]\"/>\r\n"
                         "<documentation>at @( home @{ return; <![CDATA[ <a> & ]]></documentation>\r\n"
                         "<set-body>@{ return </set-body></w:definitions>") == Lines{});
  CHECK(of_specification("specification.wsdl", "<!DOCTYPE d [ <!ENTITY a \"b\"> ]><definitions>&a;</definitions>") ==
        Lines{});
  CHECK(of_specification("specification.wsdl", std::string("\xff\xfe<\0d\0/\0>\0", 10)) ==
        Lines{"a/apis/o/specification.wsdl:1:1 warning [artifact-specification] this specification is in UTF-16; "
              "publishers read it as UTF-8"});
}

TEST_CASE("a reference in the default response is looked for and one in default data is not") {
  const std::string head =
      "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get:\n"
      "      operationId: a\n      responses:\n        '200': {description: d}\n        default:\n"
      "          $ref: '#/components/responses/";
  const std::string tail =
      "'\ncomponents:\n  responses:\n    Failure: {description: f}\n  schemas:\n    S:\n"
      "      default: {$ref: '#/nowhere'}\n";
  CHECK(of_specification("specification.yaml", head + "Failure" + tail) == Lines{});
  const Lines lost = of_specification("specification.yaml", head + "Failur" + tail);
  REQUIRE(lost.size() == 1);
  CHECK(lost.front().starts_with("a/apis/o/specification.yaml:10:17 "));
}
