// What names what: in policies, in the JSON of artifacts, in lists and folders of links.
#include <catch2/catch.hpp>

#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

using Files = std::map<std::string, std::string>;

Lines of(Files files, const TreeOptions& options = {}) { return findings(MemorySource(std::move(files)), options); }

TreeOptions deleting(std::set<std::string> paths) {
  TreeOptions options;
  options.extent = {false, {}, std::move(paths)};
  return options;
}

const std::string kApi = R"({"properties":{"path":"o","type":"soap"}})";
const std::string kProduct = R"({"properties":{"displayName":"p"}})";

}  // namespace

TEST_CASE("named values go by their display name") {
  const std::string user = policy_with("<set-header name=\"x\"><value>{{Key}}{{shown}}</value></set-header>");
  CHECK(of({{"a/policy.xml", user},
            {"a/namedValues/key/namedValueInformation.json", R"({"properties":{"displayName":"other"}})"},
            {"a/namedValues/n/namedValueInformation.json", R"({"properties":{"displayName":"SHOWN"}})"}}) ==
        Lines{"a/policy.xml:4:35 warning [missing-reference] named value 'Key' is not in this tree"});
  // Without a display name the folder's name is all there is.
  CHECK(of({{"a/policy.xml", user},
            {"a/namedValues/key/namedValueInformation.json", R"({"properties":{}})"},
            {"a/namedValues/shown/namedValueInformation.json", "not json"}})
            .size() == 2);  // that it is missing, and what is not JSON
}

TEST_CASE("a workspace sees its own names and the service's") {
  CHECK(of({{"a/workspaces/w/apis/o/policy.xml",
             policy_with("<include-fragment fragment-id=\"own\" /><include-fragment fragment-id=\"all\" />"
                         "<include-fragment fragment-id=\"none\" />")},
            {"a/workspaces/w/policy fragments/own/policy.xml", "<fragment></fragment>"},
            {"a/policy fragments/all/policy.xml", "<fragment></fragment>"}}) ==
        Lines{"a/workspaces/w/apis/o/policy.xml:4:112 warning [missing-reference] fragment 'none' is not in this "
              "tree"});
}

TEST_CASE("a logger that a change deletes and a policy still names is an error") {
  CHECK(
      of({{"a/policy.xml", policy_with("<log-to-eventhub logger-id=\"hub\">x</log-to-eventhub>")}},
         deleting({"loggers/hub/loggerInformation.json"})) ==
      Lines{"a/policy.xml:4:33 error [missing-reference] logger 'hub' is deleted by this change and still used here"});
}

TEST_CASE("certificates are asked for once the settings declare some") {
  const Files files{
      {"a/policy.xml", policy_with("<authentication-certificate certificate-id=\"mine\" />")},
      {"a/backends/b/backendInformation.json",
       R"({"properties":{"url":"https://x","protocol":"http","credentials":{"certificateIds":["/x/certificates/theirs"]}}})"}};
  CHECK(of(files) == Lines{});
  TreeOptions options;
  options.external_certificates = {"their*"};
  CHECK(of(files, options) ==
        Lines{"a/policy.xml:4:49 warning [missing-reference] certificate 'mine' is not in this tree"});
  options.external_certificates = {"min*"};
  CHECK(of(files, options) == Lines{"a/backends/b/backendInformation.json:1:85 warning [missing-artifact] certificate "
                                    "'theirs' is not in this tree"});
}

TEST_CASE("lists of links name what is there") {
  CHECK(of({{"a/apis/o/apiInformation.json", kApi},
            {"a/apis/o/tags.json", "[{\"name\":\"t\"},\n{\"name\":\"none\"}]"},
            {"a/tags/t/tagInformation.json", kProduct},
            {"a/products/p/productInformation.json", kProduct},
            {"a/products/p/apis.json", "[{\"name\":\"O;rev=2\"},\n {\"name\":\"gone\"}]"},
            {"a/products/p/groups.json", R"([{"name":"developers"},{"name":"Guests"},"{#[GROUP]#}"])"},
            {"a/gateways/g/apis.json", R"([{"name":"o"},{"name":"none"}])"}}) ==
        Lines{"a/apis/o/tags.json:2:9 warning [missing-artifact] tag 'none' is not in this tree",
              "a/gateways/g/apis.json:1:23 warning [missing-artifact] API 'none' is not in this tree",
              "a/products/p/apis.json:2:10 warning [missing-artifact] API 'gone' is not in this tree"});
}

TEST_CASE("a folder of a link leads to what it is called after unless its body says otherwise") {
  CHECK(of({{"a/apis/o/apiInformation.json", kApi},
            {"a/apis/o/tags/none/tagInformation.json", "{}"},
            {"a/tags/t/tagInformation.json", kProduct},
            {"a/tags/t/apis/o/tagApiInformation.json", "{}"},
            {"a/products/p/productInformation.json", kProduct},
            {"a/products/p/apis/65a1/productApiInformation.json", R"({"properties":{"apiId":"/x/apis/O"}})"},
            {"a/products/p/apis/lost/productApiInformation.json", R"({"properties":{}})"},
            {"a/products/p/groups/administrators/productGroupInformation.json", "{}"}}) ==
        Lines{"a/apis/o/tags/none/tagInformation.json:1:1 warning [missing-artifact] tag 'none' is not in this tree",
              "a/products/p/apis/lost/productApiInformation.json:1:1 warning [missing-artifact] API 'lost' is not in "
              "this tree"});
}

TEST_CASE("named values in backends and loggers exist") {
  CHECK(
      of({{"a/namedValues/n/namedValueInformation.json", R"({"properties":{"displayName":"host"}})"},
          {"a/backends/b/backendInformation.json",
           R"({"properties":{"url":"https://{{ host }}/{{path}}","protocol":"http"}})"},
          {"a/loggers/l/loggerInformation.json",
           R"({"properties":{"loggerType":"azureEventHub","credentials":{"k":"{{Logger-Credentials--65a0b1c2d3e4f5a6b7c8d9e1}}"}}})"}}) ==
      Lines{"a/backends/b/backendInformation.json:1:22 warning [missing-artifact] named value 'path' is not in this "
            "tree"});
}

TEST_CASE("what is declared external is missed nowhere") {
  TreeOptions options;
  options.external_products = {"core-*"};
  options.external_tags = {"*"};
  options.external_loggers = {"central"};
  CHECK(of({{"a/subscriptions/s/subscriptionInformation.json",
             R"({"properties":{"scope":"/products/core-1","displayName":"s"}})"},
            {"a/subscriptions/t/subscriptionInformation.json",
             R"({"properties":{"scope":"/products/own","displayName":"t"}})"},
            {"a/products/p/productInformation.json", kProduct},
            {"a/products/p/tags.json", R"([{"name":"anything"}])"},
            {"a/loggers/l/loggerInformation.json", R"({"properties":{"loggerType":"azureMonitor"}})"},
            {"a/diagnostics/d/diagnosticInformation.json", R"({"properties":{"loggerId":"/loggers/central"}})"}},
           options) == Lines{"a/subscriptions/t/subscriptionInformation.json:1:24 warning [missing-artifact] product "
                             "'own' is not in this tree"});
}

TEST_CASE("what a change deletes is an error in the lists and folders that still name it") {
  const Files files{{"a/products/p/apis.json", R"([{"name":"o"}])"},
                    {"a/gateways/g/apis/O/gatewayApiInformation.json", "{}"},
                    {"a/apis/x/tags.json", R"([{"name":"t"}])"},
                    {"a/subscriptions/s/subscriptionInformation.json", R"({"properties":{"scope":"/apis/o"}})"}};
  CHECK(
      of(files, deleting({"apis/o/apiInformation.json", "apis/o/specification.json", "tags/t/tagInformation.json"})) ==
      Lines{"a/apis/x/tags.json:1:10 error [missing-artifact] tag 't' is deleted by this change and still named here",
            "a/gateways/g/apis/O/gatewayApiInformation.json:1:1 error [missing-artifact] API 'O' is deleted by this "
            "change and still named here",
            "a/products/p/apis.json:1:10 error [missing-artifact] API 'o' is deleted by this change and still named "
            "here",
            "a/subscriptions/s/subscriptionInformation.json:1:24 error [missing-artifact] API 'o' is deleted by this "
            "change and still named here"});
  // Another revision, or any other file of it, keeps it.
  Files left = files;
  left["a/apis/o;rev=2/apiInformation.json"] = kApi;
  CHECK(of(left, deleting({"apis/o/apiInformation.json"})) == Lines{});
}

TEST_CASE("what goes in one workspace is not missed in another") {
  CHECK(of({{"a/workspaces/w2/apis/o/policy.xml", policy_with("<include-fragment fragment-id=\"f\" />")},
            {"a/workspaces/w1/apis/o/policy.xml", policy_with("<include-fragment fragment-id=\"f\" />")}},
           deleting({"workspaces/w1/policyFragments/f/policy.xml"})) ==
        Lines{"a/workspaces/w1/apis/o/policy.xml:4:36 error [missing-reference] fragment 'f' is deleted by this change "
              "and still used here"});
}

TEST_CASE("a fragment without its text is a warning") {
  CHECK(of({{"a/policyFragments/f/policyFragmentInformation.json", R"({"properties":{"description":"d"}})"}}) ==
        Lines{"a/policyFragments/f/policyFragmentInformation.json:1:15 warning [artifact-shape] this fragment has no "
              "policy.xml, and so no text"});
  CHECK(of({{"a/policyFragments/f/policyFragmentInformation.json", R"({"properties":{"value":"<fragment />"}})"}}) ==
        Lines{});
}
