// Configuration files of publishers.
#include <catch2/catch.hpp>

#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

const std::string kNamed = R"({"properties":{"displayName":"api-key","secret":true}})";

Lines with(const std::string& path, const std::string& text) {
  return findings(MemorySource({{"top/a/named values/api-key/namedValueInformation.json", kNamed},
                                {"top/a/backends/Orders/backendInformation.json",
                                 R"({"properties":{"url":"https://o.contoso.com","protocol":"http"}})"},
                                {path, text}}),
                  {}, "top/a");
}

}  // namespace

TEST_CASE("a configuration file that is no YAML is an error wherever publishers are given it") {
  for (const char* path :
       {"configuration.prod.yaml", "top/configuration.extractor.yaml", "top/a/configuration.x.yml"}) {
    CAPTURE(path);
    CHECK(with(path, "namedValues:\n  - name: api-key\n    properties: [\n") ==
          Lines{std::string(path) + ":3:17 error [override-file] not YAML: end of sequence flow not found"});
  }
  CHECK(with("other/configuration.prod.yaml", "apis: [\n") == Lines{});
  CHECK(with("top/settings.yaml", "apis: [\n") == Lines{});
  // Another program's.
  CHECK(with("configuration.yaml", "{{ if .x }}\na: [\n{{ end }}\n") == Lines{});
}

TEST_CASE("tokens of a pipeline in a configuration file are no fault") {
  CHECK(with("configuration.prod.yaml",
             "apimServiceName: {#SERVICE#}\nnamedValues:\n  - name: api-key\n    properties:\n      value: {#[KEY]#}\n"
             "      displayName: #{NAME}#\n  - name: {#OTHER#}\n") == Lines{});
}

TEST_CASE("an override whose name is like that of an artifact and not it is told") {
  CHECK(with("configuration.prod.yaml",
             "namedValues:\n  - name: api-kye\n    properties: { value: x }\n  - name: elsewhere\nbackends:\n"
             "  - name: orders\n") ==
        Lines{"configuration.prod.yaml:2:11 warning [override-file] no artifact in namedValues is named 'api-kye'; "
              "publishers pass this override over",
              "configuration.prod.yaml:6:11 warning [override-file] no artifact in backends is named 'orders'; "
              "publishers pass this override over"});
  // Both stand there: one of them is for another tree.
  CHECK(with("configuration.prod.yaml", "namedValues:\n  - name: api-kye\n  - name: api-key\n") == Lines{});
  // Azure/apiops 1 named folders by what is displayed.
  CHECK(findings(MemorySource({{"a/products/Orders API/productInformation.json",
                                R"({"name":"orders-api","properties":{"displayName":"Orders API"}})"},
                               {"configuration.yaml", "products:\n  - name: orders-api\n"}})) == Lines{});
  // What the extractor is to take is another matter, and so are sections that nobody knows.
  CHECK(with("configuration.extractor.yaml", "namedValues:\n  - api-kye\nbackends: [ { name: orders } ]\n") == Lines{});
  CHECK(with("configuration.prod.yaml", "namedValues: { name: api-kye }\nthings: [ { name: api-kye } ]\n- x") !=
        Lines{});
  CHECK(with("configuration.prod.yaml", "namedValues:\n  - api-kye\nthings: [ { name: api-kye } ]\n") == Lines{});
}

TEST_CASE("a named value that an override gives its display name is there") {
  const auto with_override = [](const std::string& text) {
    return findings(MemorySource(
                        {{"a/policy.xml", policy_with("<set-header name=\"x\"><value>{{Other}}</value></set-header>")},
                         {"a/named values/api-key/namedValueInformation.json", kNamed},
                         {"configuration.prod.yaml", text}}))
        .size();
  };
  CHECK(with_override("namedValues:\n  - name: api-key\n    properties:\n      displayName: \"other\" # x\n") == 0);
  CHECK(with_override("namedValues: [{name: api-key, properties: {displayName: other}}]\n") == 0);
  CHECK(with_override("namedValues:\n  - name: other\n    properties:\n      displayName: another\n") == 1);
}

TEST_CASE("a change is asked only about a configuration file that it changes") {
  const MemorySource before({{"a/policy.xml", policy_with("")}, {"configuration.prod.yaml", "apis: [\n"}});
  CHECK(findings(MemorySource({{"a/policy.xml", policy_with("")}, {"configuration.prod.yaml", "apis: [\n"}}),
                 change_of(before, {"policy.xml"})) == Lines{});
  CHECK(findings(MemorySource({{"a/policy.xml", policy_with("")}, {"configuration.prod.yaml", "apiNames: [\n"}}),
                 change_of(before, {"policy.xml"})) ==
        Lines{"configuration.prod.yaml:1:11 error [override-file] not YAML: end of sequence flow not found"});
}
