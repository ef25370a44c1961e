// What an OpenAPI document says of itself and does not keep.
#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "hooks/template/specification.h"
#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

Lines of(const std::string& name, const std::string& text) {
  return findings(MemorySource(std::map<std::string, std::string>{{"a/apis/o/" + name, text}}));
}

Lines yaml(const std::string& below) { return of("specification.yaml", "openapi: 3.0.1\ninfo: {}\n" + below); }

constexpr std::string_view kFile = "a/apis/o/specification.yaml:";

std::string reference_at(std::string_view place, std::string_view what) {
  return fmt::format("{}{} warning [openapi-reference] {}", kFile, place, what);
}

std::string operation_at(std::string_view place, std::string_view what) {
  return fmt::format("{}{} warning [openapi-operation] {}", kFile, place, what);
}

}  // namespace

TEST_CASE("a reference that leads nowhere is told once where it stands first") {
  CHECK(yaml("paths:\n  /a:\n    get:\n      responses:\n        '200': { $ref: '#/components/schemas/Oder' }\n"
             "        '400': { $ref: \"#/components/schemas/Oder\" }\ncomponents:\n  schemas:\n    Order: {}\n") ==
        Lines{reference_at("7:24",
                           "'#/components/schemas/Oder' leads to nothing in this specification, here and 1 more "
                           "times")});
  CHECK(of("specification.json",
           "{\"swagger\":\"2.0\",\"info\":{},\"paths\":{\"/a\":{\n\"get\":{\"schema\":{\"$ref\":\"#/definitions/"
           "X\"}}}}}") ==
        Lines{"a/apis/o/specification.json:2:25 warning [openapi-reference] '#/definitions/X' leads to nothing in this "
              "specification"});
}

TEST_CASE("references that lead somewhere or elsewhere or are data are silent") {
  CHECK(yaml(R"(paths:
  /a/{b}:
    get:
      parameters: [ { $ref: '#/components/parameters/b' } ]
      responses:
        '200': { $ref: '#/paths/~1a~1%7Bb%7D/get/responses/201' }
        '201': { $ref: 'other.yaml#/x' }
        '202': { $ref: '#/x-own/0' }
        '203': { $ref: '{{reference}}' }
        '204': { $ref: '#/components/schemas/{#NAME#}' }
        '205': { example: { $ref: '#/no' }, x-own: { $ref: '#/no' }, default: { $ref: '#/no' } }
components:
  parameters: { b: { name: b, in: path, required: true } }
  schemas:
    S: { properties: { $ref: { type: string } }, items: { $ref: '#/components/schemas/S' } }
x-own: [ {} ]
)") == Lines{});
}

TEST_CASE("a YAML document that refers to itself by anchors is walked once") {
  CHECK(yaml("paths: &p\n  /a: &a { get: *a, put: *p }\n") == Lines{});
  std::string bomb = "paths: {}\nx0: &x0 [ a ]\n";
  for (int i = 1; i < 60; ++i) bomb += fmt::format("x{0}: &x{0} [ *x{1}, *x{1} ]\n", i, i - 1);
  CHECK(yaml(bomb) == Lines{});
}

TEST_CASE("two paths that differ in the names of their parameters alone are one operation") {
  const std::string parameters =
      "      parameters:\n        - { name: id, in: path }\n        - { name: Id, in: path }\n";
  CHECK(yaml("paths:\n  /a/{id}:\n    get:\n      parameters: [ { name: id, in: path } ]\n  /a/{name}:\n    get:\n"
             "      parameters: [ { name: name, in: path } ]\n    put:\n      parameters: [ { name: name, in: path } "
             "]\n") ==
        Lines{operation_at("7:3",
                           "get '/a/{name}' and '/a/{id}' on line 4 are one operation: only the names of their "
                           "parameters differ")});
  CHECK(yaml("paths:\n  /a/{id}:\n    get:\n" + parameters + "  /A/{id}:\n    get:\n" + parameters + "  /a/{id}/b:\n" +
             "    get:\n" + parameters) == Lines{});
}

TEST_CASE("a parameter of a path is declared and one that is declared stands in the path") {
  CHECK(yaml("paths:\n  /a/{id}:\n    get: {}\n") ==
        Lines{operation_at("5:5", "get '/a/{id}' does not declare the parameter 'id' of its path")});
  CHECK(yaml("paths:\n  /a/{id}:\n    parameters:\n      - { name: ID, in: path }\n    get: {}\n    put: {}\n") ==
        Lines{});
  // The name that differs is the one to mend, wherever it is used.
  CHECK(yaml("paths:\n  /a/{id}:\n    parameters:\n      - { name: ident, in: path }\n    get: {}\n    put: {}\n") ==
        Lines{operation_at("6:17", "the path '/a/{id}' has no parameter 'ident'")});
  CHECK(yaml("paths:\n  /a:\n    get:\n      parameters:\n        - name: id\n          in: path\n") ==
        Lines{operation_at("7:17", "the path '/a' has no parameter 'id'")});
}

TEST_CASE("a path that several operations declare otherwise is the one to mend") {
  const std::string id = "      parameters: [ { name: id, in: path } ]\n";
  CHECK(yaml("paths:\n  /a/{ident}:\n    get:\n" + id + "    put:\n" + id) ==
        Lines{operation_at("4:3", "the path '/a/{ident}' has no parameter 'id'")});
}

TEST_CASE("parameters that cannot be read or belong to more than the path are not judged") {
  CHECK(yaml("paths:\n  /a/{id}:\n    get:\n      parameters: [ { $ref: 'x.yaml#/id' } ]\n") == Lines{});
  CHECK(yaml("paths:\n  /a/{*rest}:\n    get: {}\n  /b/*:\n    get: {}\n  '/c?q={q}':\n    get: {}\n") == Lines{});
  CHECK(
      yaml(
          "paths:\n  /a/{id:int}:\n    get:\n      parameters: [ { name: id, in: path } ]\n  /b{?q}:\n    get: {}\n") ==
      Lines{});
  CHECK(yaml("servers: [ { url: 'https://h/{tenant}' } ]\npaths:\n  /a:\n    get:\n      parameters:\n"
             "        - { name: tenant, in: path }\n") == Lines{});
  CHECK(yaml("paths:\n  /a/{{host}}/b:\n    get: {}\n  x-own:\n    get: {}\n  /c/{d}: { $ref: 'c.yaml' }\n") ==
        Lines{});
}

TEST_CASE("places in a text of one long line are found in time") {
  std::string text = R"({"openapi":"3.0.1","info":{},"paths":{)";
  for (int i = 0; i < 20000; ++i) text += fmt::format(R"("/a{0}":{{"get":{{"operationId":"o{0}"}}}},)", i);
  text += R"("/é":{"get":{"schema":{"$ref":"#/x"}}}}})";
  const std::optional<OpenApi> api = read_openapi_json(text);
  REQUIRE(api);
  CHECK(api->operation_ids.size() == 20000);
  REQUIRE(api->lost_references.size() == 1);
  CHECK(api->lost_references[0].at.line == 1);
  CHECK(api->lost_references[0].at.column == text.find("\"#/x\"") + 1 - 1);  // é is two bytes
}

TEST_CASE("a specification that lost all it refers to is told of it a hundred times") {
  std::string text = R"({"openapi":"3.0.1","info":{},"paths":{)";
  for (int i = 0; i < 3000; ++i) text += fmt::format(R"("/a{0}/{{id}}":{{"get":{{"x":{{"$ref":"#/b/c{0}"}}}}}},)", i);
  text += R"("/b":{}}})";
  const std::optional<OpenApi> api = read_openapi_json(text);
  REQUIRE(api);
  CHECK(api->lost_references.size() == 100);
  CHECK(api->broken_operations.size() == 100);
}
