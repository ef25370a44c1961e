#include <fmt/core.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

TEST_CASE("a sound tree is silent") {
  const MemorySource source({
      {"a/policy.xml", policy_with("<set-header name=\"x\"><value>{{key}}</value></set-header>")},
      {"a/named values/nv-1/namedValueInformation.json",
       R"({"properties":{"displayName":"key","value":"v","secret":false}})"},
      {"a/policy fragments/auth/policy.xml", "<fragment><set-variable name=\"a\" value=\"b\" /></fragment>"},
      {"a/policy fragments/auth/policyFragmentInformation.json",
       "\xef\xbb\xbf{\"properties\":{\"description\":\"d\"}}"},
      {"a/apis/orders/policy.xml", policy_with("<include-fragment fragment-id=\"auth\" />")},
      {"a/apis/orders/apiInformation.json",
       R"({"properties":{"path":"orders","displayName":"Orders","protocols":["https"]}})"},
      {"a/apis/orders/specification.yaml",
       "openapi: 3.0.1\ninfo: {}\npaths:\n  /o:\n    get:\n      operationId: getOrders\n"},
      {"a/apis/orders/operations/getorders/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"readme.json", "not json"},
  });
  CHECK(findings(source) == Lines{});
}

TEST_CASE("artifacts that do not parse are named with their place") {
  const MemorySource source({
      {"a/products/p/productInformation.json", "{\n  \"properties\": {\"displayName\": \"p\",}\n}"},
      {"a/apis/o/specification.json", "{\"openapi\": }"},
      {"a/apis/y/specification.yaml", "paths:\n  /o: [\n"},
  });
  const Lines found = findings(source);
  REQUIRE(found.size() == 3);
  CHECK(found[0].starts_with("a/apis/o/specification.json:1:13 error [artifact-json] not JSON: "));
  CHECK(found[1].starts_with("a/apis/y/specification.yaml:2:7 error [artifact-yaml] not YAML: "));
  CHECK(found[2].starts_with("a/products/p/productInformation.json:2:37 error [artifact-json] not JSON: "));
}

TEST_CASE("properties have the types that ARM takes and placeholders are not judged") {
  const MemorySource source({
      {"a/products/p/productInformation.json",
       "{\"properties\": {\n \"subscriptionRequired\": \"yes\",\n \"approvalRequired\": \"{#APPROVAL#}\",\n \"state\": "
       "\"live\", \"displayName\": \"p\"}}"},
      {"a/backends/b/backendInformation.json", "[]"},
  });
  CHECK(findings(source) ==
        Lines{"a/backends/b/backendInformation.json:1:1 error [artifact-shape] array where an object is due",
              "a/products/p/productInformation.json:2:26 error [artifact-shape] 'subscriptionRequired' is string; ARM "
              "takes true or false",
              "a/products/p/productInformation.json:4:11 warning [artifact-shape] 'state' is \"live\""});
}

TEST_CASE("a property that ARM does not know and that is like one it does is told") {
  const MemorySource source({
      {"a/products/p/productInformation.json",
       "{\"properties\": {\"displayName\": \"p\",\n \"subscriptionRequred\": true,\n \"approvalrequired\": true,\n "
       "\"own\": 1}}"},
      {"a/apis/o/apiInformation.json",
       R"({"properties":{"path":"o","displayName":"O","display_name":"O","type":"websocket","isAgent":true}})"},
      {"a/backends/b/backendInformation.json",
       R"({"properties":{"url":"https://b.contoso.com","protocol":"http","titel":"b"}})"},
  });
  CHECK(
      findings(source) ==
      Lines{"a/backends/b/backendInformation.json:1:72 warning [artifact-shape] there is no 'titel' in a resource of "
            "this kind",
            "a/products/p/productInformation.json:2:25 warning [artifact-shape] there is no 'subscriptionRequred' in a "
            "resource of this kind"});
}

TEST_CASE("a file that only Git LFS knows and one of another kind are not judged") {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  const MemorySource source({
      {"a/apis/o/apiInformation.json", R"({"properties":{"path":"o"}})"},
      {"a/apis/o/specification.yaml", pointer},
      {"a/apis/p/apiInformation.json", R"({"properties":{"path":"p"}})"},
      {"a/apis/p/specification.json", pointer},
      {"a/apis/o/contactInformation.json", "// whoever\n{}"},
      {"a/backends/b/backendInformation.json",
       R"({"properties":{"type":"Pool","url":"","protocol":"","pool":{"services":[]}}})"},
  });
  CHECK(findings(source) == Lines{});
}

TEST_CASE("lists of links hold objects with names") {
  const MemorySource source({
      {"a/products/p/apis.json", "{\"name\": \"a\"}"},
      {"a/products/p/groups.json", "[\n \"developers\", {\"name\": \"guests\", \"scope\": \"service\"}, {}]"},
      {"a/products/p/tags.json", "null"},
      {"a/tags.json", "{}"},
      {"a/gateways/g/apis.json", "[]"},
  });
  CHECK(findings(source) ==
        Lines{"a/products/p/apis.json:1:1 error [artifact-shape] object where an array is due",
              "a/products/p/groups.json:2:2 warning [artifact-shape] string without a name; publishers pass it over",
              "a/products/p/groups.json:2:56 warning [artifact-shape] object without a name; publishers pass it over"});
}

TEST_CASE("an operation declares the parameters of its address once") {
  const auto operation = [](const std::string& url, const std::string& names) {
    return findings(MemorySource(std::map<std::string, std::string>{
        {"a/apis/o/operations/x/operationInformation.json",
         fmt::format(
             R"({{"properties":{{"displayName":"x","method":"GET","urlTemplate":"{}","templateParameters":{}}}}})", url,
             names)}}));
  };
  const std::string at = "a/apis/o/operations/x/operationInformation.json:1:63 warning [artifact-shape] ";
  CHECK(operation("/a/{id}/{*rest}?q={Q}", R"([{"name":"ID"},{"name":"q"}])") == Lines{});
  CHECK(operation("/a/*", "null") == Lines{});
  CHECK(operation("/a/{{name}}/{id}", "null") == Lines{});
  CHECK(operation("/a/{id}", "[]") == Lines{at + "the parameter 'id' of urlTemplate is not in templateParameters"});
  CHECK(operation("/a/{id}/{id}", R"([{"name":"id"}])") ==
        Lines{at + "the parameter 'id' stands twice in urlTemplate; ARM takes it once"});
}

TEST_CASE("the operations of every specification beside an API count") {
  const std::string spec =
      "{{\"openapi\":\"3.0.1\",\"info\":{{}},\"paths\":{{\"/a\":{{\"get\":{{\"operationId\":\"{}\"}}}}}}}}";
  std::map<std::string, std::string> files{
      {"a/apis/o/specification.json", fmt::format(fmt::runtime(spec), "old")},
      {"a/apis/o/specification.yaml", fmt::format(fmt::runtime(spec), "new")},
      {"a/apis/o/operations/old/policy.xml", policy_with("")},
      {"a/apis/o/operations/new/policy.xml", policy_with("")},
      {"a/apis/o/operations/new-2/policy.xml", policy_with("")},
      {"a/apis/o/operations/none/policy.xml", policy_with("")},
  };
  CHECK(findings(MemorySource(files)) ==
        Lines{"a/apis/o/operations/none/policy.xml:1:1 warning [unknown-operation] no operation of the API's "
              "specification is named 'none'"});
}

TEST_CASE("a placeholder that stands bare for a value is no fault of JSON") {
  const MemorySource source({
      {"a/products/p/productInformation.json",
       "{\"properties\": {\n \"subscriptionRequired\": #{REQUIRED}#,\n \"subscriptionsLimit\": ${limit},\n "
       "\"approvalRequired\": {#APPROVAL#}, \"terms\": \"#{ \", \"displayName\": $(name)}}"},
      {"a/products/q/productInformation.json", "{\"properties\": {\n \"subscriptionsLimit\": {{limit},\n}}"},
      {"a/products/q/apis.json", "[__API__, {{other}}]"},
  });
  const Lines found = findings(source);
  REQUIRE(found.size() == 2);
  CHECK(found[0].starts_with("a/products/p/productInformation.json:1:16 warning [artifact-shape] 'displayName'"));
  CHECK(found[1].starts_with("a/products/q/productInformation.json:2:25 error [artifact-json] not JSON: "));
}

TEST_CASE("the layout of Azure apiops 1 names folders by what is displayed") {
  const MemorySource source({
      {"a/products/R&D: all/productInformation.json", R"({"name":"rnd","properties":{"displayName":"R&D: all"}})"},
      {"a/products/R&D: all/apis.json", R"([{"name":"orders-api"},{"name":"gone"}])"},
      {"a/apis/Orders + more/apiVersionSet.json", R"({"name":"x","properties":{}})"},
      {"a/apis/Orders + more/v1/1/apiInformation.json", R"({"name":"orders-api","properties":{"path":"o"}})"},
      {"a/apis/Orders + more/v1/1/operations/Get an order/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/notes: old/notes.md", "x"},
  });
  CHECK(findings(source) ==
        Lines{"a/products/R&D: all/apis.json:1:32 warning [missing-artifact] API 'gone' is not in this tree"});
}

TEST_CASE("a file kept beside the one that publishers read is no misspelling of it") {
  const MemorySource source({
      {"a/apis/o/apiInformation.json", R"({"properties":{"path":"o"}})"},
      {"a/apis/o/apiInformation-old.json", "{"},
      {"a/apis/o/specification.yaml", "openapi: 3.0.1\ninfo: {}\npaths: {}\n"},
      {"a/apis/o/specification-v1.json", "{"},
      {"a/apis/p/specification-v1.json", "{"},
      {"a/products/p/tags/t/productTagInformation.json", "{}"},
      {"a/apis/o/customerInformation.json", "[1]"},
  });
  CHECK(findings(source) == Lines{"a/apis/p/specification-v1.json:1:1 warning [artifact-name] no publisher reads a "
                                  "file named 'specification-v1.json' here"});
}

TEST_CASE("what ARM needs and is not there is a warning") {
  const MemorySource source({
      {"a/apis/o/apiInformation.json", R"({"properties":{"displayName":"o","type":"websocket"}})"},
      {"a/apis/o/diagnostics/d/diagnosticInformation.json", R"({"properties":{}})"},
      {"a/backends/one/backendInformation.json", R"({"properties":{"url":null,"protocol":"http"}})"},
      {"a/backends/pool/backendInformation.json", R"({"properties":{"type":"Pool","pool":{"services":[]}}})"},
      // A link of a product to a group has no display name of its own, and an empty body says nothing at all.
      {"a/products/p/groups/g/groupInformation.json", R"({"properties":{}})"},
      {"a/groups/g/groupInformation.json", "{}"},
      {"a/workspaces/w/tags/t/tagInformation.json", R"({"properties":{}})"},
  });
  CHECK(
      findings(source) ==
      Lines{"a/apis/o/apiInformation.json:1:15 warning [artifact-shape] 'path' is missing; ARM takes no API without it",
            "a/apis/o/diagnostics/d/diagnosticInformation.json:1:15 warning [artifact-shape] 'loggerId' is missing; "
            "ARM takes no diagnostic without it",
            "a/backends/one/backendInformation.json:1:15 warning [artifact-shape] 'url' is missing; ARM takes no "
            "backend without it",
            "a/workspaces/w/tags/t/tagInformation.json:1:15 warning [artifact-shape] 'displayName' is missing; ARM "
            "takes no tag without it"});
}

TEST_CASE("names that ARM refuses or takes for one are named") {
  const MemorySource source({
      {"a/policy fragments/rate limit/policy.xml", "<fragment></fragment>"},
      {"a/apis/Orders/apiInformation.json", "{}"},
      {"a/apis/orders/apiInformation.json", "{}"},
      {"a/apis/what?/apiInformation.json", "{}"},
  });
  CHECK(findings(source) == Lines{"a/apis/orders/apiInformation.json:1:1 error [duplicate-name] 'apis/Orders' and "
                                  "'apis/orders' differ by letter case "
                                  "alone; to ARM they are one resource",
                                  "a/apis/what?/apiInformation.json:1:1 error [artifact-name] the name 'what?' holds "
                                  "'?'; ARM refuses it for apis",
                                  "a/policy fragments/rate limit/policy.xml:1:1 error [artifact-name] the name 'rate "
                                  "limit' holds more than letters, "
                                  "digits, '_' and '-' inside; ARM refuses it for policyFragments"});
}

TEST_CASE("a reference that leads nowhere is a warning unless it is declared or the tree keeps none of its kind") {
  const MemorySource source({
      {"a/policy.xml", policy_with("<set-backend-service backend-id=\"elsewhere\" /><set-header "
                                   "name=\"{{ky}}\"><value>{{out}}</value></set-header>")},
      {"a/namedValues/key/namedValueInformation.json", R"({"properties":{"displayName":"key"}})"},
  });
  TreeOptions options;
  options.external_named_values = {"ou*"};
  const Lines found = findings(source, options);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find(" warning [missing-reference] named value 'ky' is not in this tree") != std::string::npos);
}

TEST_CASE("what a change deletes and something still uses is an error where it is used") {
  const MemorySource source({
      {"a/apis/orders/policy.xml", policy_with("<include-fragment fragment-id=\"auth\" />")},
      {"a/apis/other/policy.xml", policy_with("<include-fragment fragment-id=\"unknown\" />")},
      {"a/policy fragments/log/policy.xml", "<fragment></fragment>"},
  });
  TreeOptions options;
  options.extent.whole = false;
  options.extent.deleted = {"policy fragments/auth/policy.xml"};
  CHECK(findings(source, options) == Lines{"a/apis/orders/policy.xml:4:36 error [missing-reference] fragment 'auth' is "
                                           "deleted by this change and still used here"});
}

TEST_CASE("only what changed is read when nothing is deleted") {
  const MemorySource source({
      {"a/apis/orders/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/other/policy.xml", policy_with("<include-fragment fragment-id=\"unknown\" />")},
      {"a/apis/other/apiInformation.json", "not json"},
  });
  TreeOptions options;
  options.extent.whole = false;
  options.extent.changed = {"apis/orders/policy.xml"};
  CHECK(findings(source, options) == Lines{});
  CHECK(source.reads == std::vector<std::string>{"a/apis/orders/policy.xml"});
}

TEST_CASE("fragments in a circle are named with the way round") {
  const MemorySource source({
      {"a/policy fragments/one/policy.xml", "<fragment>\n<include-fragment fragment-id=\"two\" />\n</fragment>"},
      {"a/policy fragments/two/policy.xml", "<fragment>\n<include-fragment fragment-id=\"one\" />\n</fragment>"},
  });
  const Lines found = findings(source);
  REQUIRE(found.size() == 1);
  CHECK(found[0] ==
        "a/policy fragments/two/policy.xml:2:32 error [fragment-cycle] fragments include each other in a circle: one "
        "-> two -> one");
}

TEST_CASE("an operation that the specification does not have is a warning") {
  const MemorySource source({
      {"a/apis/o/specification.json",
       R"({"openapi":"3.0.1","info":{},"paths":{"/a":{"get":{"operationId":"get-a"},"parameters":[]}}})"},
      {"a/apis/o/operations/getA/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/o/operations/get-b/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/o/operations/get-b/stray.xml", policy_with("<set-method>GET</set-method>")},
  });
  CHECK(findings(source) == Lines{"a/apis/o/operations/get-b/policy.xml:1:1 warning [unknown-operation] no operation "
                                  "of the API's specification is named "
                                  "'get-b'",
                                  "a/apis/o/operations/get-b/stray.xml:1:1 warning [stray-policy-file] a policy "
                                  "document under another name than "
                                  "policy.xml; no publisher deploys it as this policy"});
}

TEST_CASE("a file that cannot be read leaves the question open") {
  const std::map<std::string, std::string> files{{"a/apis/o/apiInformation.json", "unreadable"}};
  const MemorySource source(files);
  CHECK_FALSE(check_tree(source, "a", {}).has_value());
}

TEST_CASE("a named value that takes another display name breaks who uses the old one") {
  const std::string user = policy_with("<set-header name=\"x\"><value>{{key}}</value></set-header>");
  const MemorySource before({
      {"a/policy.xml", user},
      {"a/named values/n1/namedValueInformation.json", R"({"properties":{"displayName":"key","value":"1"}})"},
      {"a/named values/n2/namedValueInformation.json", R"({"properties":{"displayName":"other"}})"},
  });
  const MemorySource after({
      {"a/policy.xml", user},
      {"a/named values/n1/namedValueInformation.json", R"({"properties":{"displayName":"kee","value":"1"}})"},
      {"a/named values/n2/namedValueInformation.json", R"({"properties":{"displayName":"other"}})"},
  });
  const TreeOptions options = change_of(before, {"named values/n1/namedValueInformation.json"});
  CHECK(findings(after, options) ==
        Lines{"a/policy.xml:4:35 error [missing-reference] named value 'key' is deleted by this change and still used "
              "here"});
}

TEST_CASE("another value under the same display name reads no policy") {
  const MemorySource before({
      {"a/policy.xml", policy_with("<set-header name=\"x\"><value>{{key}}</value></set-header>")},
      {"a/namedValues/n1/namedValueInformation.json", R"({"properties":{"displayName":"key","value":"1"}})"},
  });
  const MemorySource after({
      {"a/policy.xml", policy_with("<set-header name=\"x\"><value>{{key}}</value></set-header>")},
      {"a/namedValues/n1/namedValueInformation.json", R"({"properties":{"displayName":"key","value":"2"}})"},
  });
  CHECK(findings(after, change_of(before, {"namedValues/n1/namedValueInformation.json"})) == Lines{});
  CHECK(std::find(after.reads.begin(), after.reads.end(), "a/policy.xml") == after.reads.end());
}

TEST_CASE("a change that closes a circle of fragments is named where it does and an old circle is not") {
  const std::string one = "<fragment>\n<include-fragment fragment-id=\"two\" />\n</fragment>";
  const std::string two = "<fragment>\n<include-fragment fragment-id=\"Three\" />\n</fragment>";
  const std::string three = "<fragment>\n<include-fragment fragment-id=\"one\" />\n</fragment>";
  const MemorySource open({
      {"a/policy fragments/one/policy.xml", one},
      {"a/policy fragments/two/policy.xml", two},
      {"a/policy fragments/Three/policy.xml", "<fragment></fragment>"},
  });
  const MemorySource closed({
      {"a/policy fragments/one/policy.xml", one},
      {"a/policy fragments/two/policy.xml", two},
      {"a/policy fragments/Three/policy.xml", three},
  });
  CHECK(findings(closed, change_of(open, {"policy fragments/Three/policy.xml"})) ==
        Lines{"a/policy fragments/Three/policy.xml:2:32 error [fragment-cycle] fragments include each other in a "
              "circle: Three -> one -> two -> Three"});
  CHECK(findings(closed, change_of(closed, {"policy fragments/one/policy.xml"})) == Lines{});
}

TEST_CASE("a change that brings a second spelling of a name is told as the whole tree tells it") {
  const MemorySource before({
      {"a/apis/orders/apiInformation.json", "{}"},
      {"a/apis/orders/operations/get/policy.xml", policy_with("<set-method>GET</set-method>")},
  });
  const MemorySource after({
      {"a/apis/orders/apiInformation.json", "{}"},
      {"a/apis/orders/operations/get/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/orders/operations/GET/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/Orders/apiInformation.json", "{}"},
  });
  const Lines whole = findings(after);
  CHECK(whole.size() == 2);
  CHECK(findings(after, change_of(before, {"apis/orders/operations/GET/policy.xml",
                                           "apis/Orders/apiInformation.json"})) == whole);
  // Both stood there before: whoever edits a file in one of them did not write this.
  CHECK(findings(after, change_of(after, {"apis/orders/apiInformation.json"})) == Lines{});
}

TEST_CASE("a specification that loses an operation names the policy that stood for it") {
  const std::string policy = policy_with("<set-method>GET</set-method>");
  const MemorySource before({
      {"a/apis/o/specification.json",
       R"({"openapi":"3.0.1","info":{},"paths":{"/a":{"get":{"operationId":"get-a"},"put":{"operationId":"put-a"}}}})"},
      {"a/apis/o/operations/get-a/policy.xml", policy},
      {"a/apis/o/operations/old/policy.xml", policy},
  });
  const MemorySource after({
      {"a/apis/o/specification.json",
       R"({"openapi":"3.0.1","info":{},"paths":{"/a":{"put":{"operationId":"put-a"}}}})"},
      {"a/apis/o/operations/get-a/policy.xml", policy},
      {"a/apis/o/operations/old/policy.xml", policy},
  });
  CHECK(findings(after, change_of(before, {"apis/o/specification.json"})) ==
        Lines{"a/apis/o/operations/get-a/policy.xml:1:1 warning [unknown-operation] no operation of the API's "
              "specification is named 'get-a'"});
}

TEST_CASE("a reference reads nothing but the file that refers and what it names") {
  std::map<std::string, std::string> files{
      {"a/apis/orders/policy.xml", policy_with("<set-header name=\"x\"><value>{{key-7}}</value></set-header>")}};
  for (int i = 0; i < 50; ++i) {
    files[fmt::format("a/namedValues/key-{}/namedValueInformation.json", i)] = "{}";
    files[fmt::format("a/apis/api-{}/policy.xml", i)] = policy_with("<set-method>GET</set-method>");
  }
  const MemorySource source(files);
  CHECK(findings(source, change_of(source, {"apis/orders/policy.xml"})) == Lines{});
  CHECK(source.reads ==
        std::vector<std::string>{"a/apis/orders/policy.xml", "a/namedValues/key-7/namedValueInformation.json"});
}

TEST_CASE("what the JSON of an artifact names by its id exists in the tree") {
  const std::string api = R"({"properties":{"path":"o","type":"websocket","apiVersionSetId":"/apiVersionSets/%"}})";
  const auto api_with = [&](std::string_view set) {
    std::string text = api;
    return text.replace(text.find('%'), 1, set);
  };
  const MemorySource source({
      {"a/apis/o/apiInformation.json", api_with("odrers")},
      {"a/apis/o;rev=2/apiInformation.json", api_with("ORDERS")},
      {"a/version sets/orders/versionSetInformation.json",
       R"({"properties":{"displayName":"Orders","versioningScheme":"Segment"}})"},
      {"a/products/p/productInformation.json", R"({"properties":{"displayName":"p"}})"},
      {"a/products/p/apis/x/productApiInformation.json", R"({"properties":{"apiId":"/apis/o;rev=1"}})"},
      {"a/products/p/apis/y/productApiInformation.json", R"({"properties":{"apiId":"/apis/gone"}})"},
      {"a/products/p/groups/d/productGroupInformation.json", R"({"properties":{"groupId":"/groups/Developers"}})"},
      {"a/groups/own/groupInformation.json", R"({"properties":{"displayName":"own"}})"},
      {"a/subscriptions/s/subscriptionInformation.json", R"({"properties":{"scope":"/apis","displayName":"s"}})"},
      {"a/backends/b/backendInformation.json", R"({"properties":{"pool":{"services":[{"id":"/backends/none"}]}}})"},
      {"a/diagnostics/d/diagnosticInformation.json", R"({"properties":{"loggerId":"/loggers/elsewhere"}})"},
  });
  CHECK(findings(source) ==
        Lines{"a/apis/o/apiInformation.json:1:64 warning [missing-artifact] version set 'odrers' is not in this tree",
              "a/backends/b/backendInformation.json:1:42 warning [missing-artifact] backend 'none' is not in this tree",
              "a/products/p/apis/y/productApiInformation.json:1:24 warning [missing-artifact] API 'gone' is not in "
              "this tree"});
}

TEST_CASE("an artifact that a change deletes and another names is an error there") {
  const MemorySource source({
      {"a/apis/o/apiInformation.json",
       R"({"properties":{"type":"soap","apiVersionSetId":"/subscriptions/x/service/s/apiVersionSets/orders"}})"},
      {"a/apis/other/apiInformation.json", R"({"properties":{"type":"soap","apiVersionSetId":"/apiVersionSets/no"}})"},
  });
  TreeOptions options;
  options.extent.whole = false;
  options.extent.deleted = {"version sets/orders/versionSetInformation.json"};
  const Lines found = findings(source, options);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("a/apis/o/apiInformation.json:1:48 error [missing-artifact] version set 'orders' is deleted by "
                      "this change") == 0);
}

TEST_CASE("specifications are there and their brackets and tags close") {
  const MemorySource source({
      {"a/apis/a/apiInformation.json", R"({"properties":{"path":"a"}})"},
      {"a/apis/b/apiInformation.json", R"({"properties":{"path":"b","type":"graphql"}})"},
      {"a/apis/b/specification.graphql",
       "\"\"\" not a { bracket \"\"\"\ntype Query {\n  # nor ) this\n  a(b: String = \"}\"): [Int]\n"},
      {"a/apis/c/apiInformation.json", R"({"properties":{"path":"c","type":"soap"}})"},
      {"a/apis/c/specification.wsdl", "<definitions>\n  <types>\n</definitions>\n"},
      {"a/apis/d/apiInformation.json", R"({"properties":{"path":"d"}})"},
      {"a/apis/d/specification.json", "{}"},
      {"a/apis/e/apiInformation.json", R"({"properties":{"path":"e"}})"},
      {"a/apis/e/operations/get/operationInformation.json", R"({"properties":{"method":"GET"}})"},
  });
  CHECK(findings(source) ==
        Lines{"a/apis/a/apiInformation.json:1:1 warning [artifact-specification] this API has neither a specification "
              "nor operations",
              "a/apis/b/specification.graphql:2:12 error [artifact-specification] '{' is never closed",
              "a/apis/c/specification.wsdl:2:3 error [artifact-specification] <types> is never closed "
              "before </definitions> on line 3",
              "a/apis/d/specification.json:1:1 error [artifact-specification] neither 'openapi' nor 'swagger' stands "
              "at the top of this specification"});
}

TEST_CASE("an artifact without properties is told where ARM needs some") {
  const MemorySource source({
      {"a/backends/b/backendInformation.json", "{\n  \"propertys\": {\"url\": \"https://b.example\"}\n}"},
      {"a/tags/t/apis/o/tagApiInformation.json", "{\"name\": \"o\"}"},
      {"a/policy fragments/f/policyFragmentInformation.json", "{\"id\": \"f\"}"},
  });
  CHECK(findings(source) == Lines{"a/backends/b/backendInformation.json:1:1 warning [artifact-shape] 'properties' is "
                                  "missing; ARM takes no backend without it"});
}

TEST_CASE("what stands inside of an artifact has the form that ARM asks for") {
  const MemorySource source({
      {"a/backends/b/backendInformation.json",
       "{\"properties\": {\"protocol\": \"http\",\n\"url\": \"htps://b.example\"}}"},
      {"a/backends/n/backendInformation.json",
       "{\"properties\": {\"protocol\": \"http\",\n\"url\": \"b.example:8080/x\"}}"},
      {"a/backends/s/backendInformation.json",
       "{\"properties\": {\"protocol\": \"http\",\n\"url\": \"fabric:/app/service\"}}"},
      {"a/backends/v/backendInformation.json", "{\"properties\": {\"protocol\": \"http\",\n\"url\": \"__URL__\"}}"},
      {"a/backends/p/backendInformation.json",
       "{\"properties\": {\"type\": \"Pool\", \"pool\": {\"services\": [{\"id\": \"/backends/b\",\n\"weight\": "
       "500}]}}}"},
      {"a/version sets/v/versionSetInformation.json",
       "{\"properties\": {\"displayName\": \"v\", \"versioningScheme\": \"Header\"}}"},
      {"a/diagnostics/d/diagnosticInformation.json",
       "{\"properties\": {\"loggerId\": \"x\",\n\"verbosity\": \"informaton\",\n\"sampling\": {\"percentage\": 150}}}"},
      {"a/named values/n/namedValueInformation.json",
       "{\"properties\": {\"value\": \"v\",\n\"displayName\": \"a b\"}}"},
      {"a/tags/t/tagInformation.json", "{\"properties\": {\"displayName\": \"\"}}"},
  });
  CHECK(findings(source) ==
        Lines{"a/backends/b/backendInformation.json:2:8 warning [artifact-shape] 'url' begins with a scheme that is "
              "misspelt: \"htps://b.example\"",
              "a/backends/n/backendInformation.json:2:8 warning [artifact-shape] 'url' begins with no scheme: "
              "\"b.example:8080/x\"",
              "a/backends/p/backendInformation.json:2:11 warning [artifact-shape] 'weight' is a number from 0 to 100",
              "a/diagnostics/d/diagnosticInformation.json:2:14 warning [artifact-shape] 'verbosity' is "
              "\"informaton\"",
              "a/diagnostics/d/diagnosticInformation.json:3:28 warning [artifact-shape] 'percentage' is a number from "
              "0 to 100",
              "a/named values/n/namedValueInformation.json:2:16 warning [artifact-shape] the display name of a named "
              "value has letters, digits, '.', '-' and '_'",
              "a/tags/t/tagInformation.json:1:32 warning [artifact-shape] 'displayName' is empty; ARM takes no tag "
              "without it",
              "a/version sets/v/versionSetInformation.json:1:16 warning [artifact-shape] 'versionHeaderName' is "
              "missing; versions by header need it"});
}

TEST_CASE("a comma that was lost at the end of a line is told there") {
  const MemorySource source({
      {"a/tags/t/tagInformation.json", "{\n  \"name\": \"t\"\n  \"properties\": {\"displayName\": \"t\"}\n}"},
      {"a/tags/u/tagInformation.json", "{\n  \"properties\": {\"displayName\" \"t\"}\n}"},
  });
  const Lines found = findings(source);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == "a/tags/t/tagInformation.json:2:14 error [artifact-json] not JSON: ',' is missing here");
  CHECK_THAT(found[1], Catch::Contains("not JSON: unexpected"));
}

TEST_CASE("a specification of no version of OpenAPI and a misspelt part of one are told") {
  const MemorySource source({
      {"a/apis/o/apiInformation.json", R"({"properties":{"path":"o"}})"},
      {"a/apis/o/specification.yaml", "openapi: 4.0.0\ninfo: {}\nx-own: 1\npaths: {}\n"},
      {"a/apis/p/apiInformation.json", R"({"properties":{"path":"p"}})"},
      {"a/apis/p/specification.yaml", "openapi: 3.1.0\ninfo: {}\npath: {}\ncomponents: {}\n"},
  });
  CHECK(findings(source) ==
        Lines{"a/apis/o/specification.yaml:1:1 warning [artifact-specification] there is no openapi 4.0.0",
              "a/apis/p/specification.yaml:3:1 warning [artifact-specification] 'path' is no part of OpenAPI"});
}

TEST_CASE("a file or folder whose name is like the one a publisher reads is told") {
  const std::string tag = R"({"properties":{"displayName":"t"}})";
  const MemorySource source({
      {"a/tags/t/tagInformaton.json", tag},
      {"a/tags/u/tagInfo.json", tag},
      {"a/tags/v/notes.json", "{}"},
      {"a/group/g/groupInformation.json", R"({"properties":{"displayName":"g"}})"},
      {"a/group/h/groupInformation.json", R"({"properties":{"displayName":"h"}})"},
      {"a/scripts/x/policy.xml", "<project />"},
      {"a/apis/o/apiInformation.json", R"({"properties":{"path":"o","displayName":"O","type":"soap"}})"},
      {"a/apis/o/specificaton.yaml", "openapi: 3.0.1\n"},
  });
  CHECK(findings(source) ==
        Lines{"a/apis/o/specificaton.yaml:1:1 warning [artifact-name] no publisher reads a file named "
              "'specificaton.yaml' here",
              "a/group/g/groupInformation.json:1:1 warning [artifact-name] no publisher reads the folder 'group'",
              "a/tags/t/tagInformaton.json:1:1 warning [artifact-name] no publisher reads a file named "
              "'tagInformaton.json' here",
              "a/tags/u/tagInfo.json:1:1 warning [artifact-name] no publisher reads a file named 'tagInfo.json' here"});
}

TEST_CASE("a specification without apiInformation beside it is told where other APIs have one") {
  const std::string text = "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths: {}\n";
  const std::string other = R"({"properties": {"path": "p"}})";
  CHECK(findings(MemorySource({{"a/apis/o/specification.yaml", text}, {"a/apis/p/policy.xml", policy_with("")}})) ==
        Lines{});
  CHECK(findings(MemorySource({{"a/apis/o/specification.yaml", text},
                               {"a/apis/p/apiInformation.json", other},
                               {"a/apis/p/specification.yaml", text}})) ==
        Lines{"a/apis/o/specification.yaml:1:1 warning [artifact-specification] no apiInformation.json stands beside "
              "this specification"});
}
