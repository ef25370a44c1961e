// What an organisation declares, over a whole tree; and what is told of artifacts without any declaration.
#include <fmt/core.h>

#include <catch2/catch.hpp>
#include <map>

#include "hooks/policy/settings.h"
#include "hooks/template/tree.h"

using namespace postern;
using namespace postern::tree;

namespace {

using Files = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

class Source final : public repo::FileSource {
 public:
  explicit Source(Files files) : files_(std::move(files)) {}
  Result<std::string> read(std::string_view path, std::size_t) const override {
    const auto at = files_.find(std::string(path));
    if (at == files_.end()) return fail(ErrorCode::not_found, "not there: " + std::string(path));
    return at->second;
  }
  Result<bool> exists(std::string_view path) const override { return files_.contains(std::string(path)); }
  Result<std::vector<std::string>> list(std::string_view directory) const override {
    std::vector<std::string> out;
    for (const auto& [path, text] : files_)
      if (directory.empty() || path.starts_with(std::string(directory) + "/")) out.push_back(path);
    return out;
  }

 private:
  Files files_;
};

std::string policy_with(const std::string& inbound) {
  return "<policies>\n  <inbound>\n    " + inbound + "\n  </inbound>\n</policies>\n";
}
const std::string kBase = "<base />";
const std::string kJwt = "<validate-jwt header-name=\"Authorization\" />";

// "path:line severity [rule] message" of the rules that `only` names, or of all.
Lines findings(const Files& files, const std::string& settings, const std::string& only,
               const TreeOptions& given = {}) {
  const auto parsed = policy::parse_settings(settings, {"*"});
  REQUIRE(parsed);
  TreeOptions options = given;
  declare(options, *parsed);
  const Source source(files);
  const auto found = check_tree(source, "a", options);
  REQUIRE(found);
  Lines out;
  for (const policy::Finding& one : *found)
    if (one.rule == only)
      out.push_back(fmt::format("{}:{} {} {}", one.path, one.line, to_string(one.severity), one.message));
  return out;
}

constexpr const char* kNeedsJwt =
    "[[required]]\npolicies = [\"validate-jwt\", \"validate-azure-ad-token\"]\nscopes = [\"api\"]\nsections = "
    "[\"inbound\"]\n";

Lines required(const Files& files, const TreeOptions& options = {}) {
  return findings(files, kNeedsJwt, "required-policy", options);
}

const std::string kNeeds = "needs <validate-jwt> or <validate-azure-ad-token> in inbound";

}  // namespace

TEST_CASE("an API has a required policy itself or by base") {
  const Files files{
      {"a/policy.xml", policy_with(kJwt)},
      {"a/apis/inherits/policy.xml", policy_with(kBase)},
      {"a/apis/bare/apiInformation.json", "{}"},
      {"a/apis/own/policy.xml", policy_with(kJwt)},
      {"a/apis/cut/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/empty/policy.xml", "<policies><outbound><base /></outbound></policies>"},
      {"a/products/p/policy.xml", policy_with("<set-method>GET</set-method>")},
  };
  CHECK(required(files) == Lines{"a/apis/cut/policy.xml:2 error api 'cut' " + kNeeds,
                                 "a/apis/empty/policy.xml:1 error api 'empty' " + kNeeds});
}

TEST_CASE("without a wider policy base brings nothing") {
  CHECK(required({{"a/apis/o/policy.xml", policy_with(kBase)}, {"a/apis/bare/apiInformation.json", "{}"}}) ==
        Lines{"a/apis/bare/apiInformation.json:1 error api 'bare' " + kNeeds,
              "a/apis/o/policy.xml:2 error api 'o' " + kNeeds});
}

TEST_CASE("a product's policy does not count for its APIs") {
  CHECK(
      required({{"a/products/p/policy.xml", policy_with(kJwt)}, {"a/apis/o/policy.xml", policy_with(kBase)}}).size() ==
      1);
}

TEST_CASE("a required policy counts where it always runs") {
  const auto one = [](const std::string& inbound) {
    return required({{"a/apis/o/policy.xml", policy_with(inbound)}}).size();
  };
  const std::string when = "<choose><when condition=\"@(context.Api.Id == &quot;a&quot;)\">" + kJwt + "</when>";
  CHECK(one(when + "</choose>") == 1);
  CHECK(one(when + "<otherwise><set-method>GET</set-method></otherwise></choose>") == 1);
  CHECK(one(when + "<otherwise><validate-azure-ad-token tenant-id=\"t\" /></otherwise></choose>") == 1);
  CHECK(one(when + "<otherwise>" + kJwt + "</otherwise></choose>") == 0);
  CHECK(one("<limit-concurrency key=\"a\" max-count=\"2\">" + kJwt + "</limit-concurrency>") == 0);
  CHECK(findings({{"a/apis/o/policy.xml", policy_with(when + "</choose>")}},
                 std::string(kNeedsJwt) + "conditional = true\n", "required-policy") == Lines{});
}

TEST_CASE("a required policy may come from a fragment") {
  Files files{
      {"a/apis/o/policy.xml", policy_with("<include-fragment fragment-id=\"Auth\" />")},
      {"a/policy fragments/auth/policy.xml", "<fragment><include-fragment fragment-id=\"inner\" /></fragment>"},
      {"a/policyFragments/inner/policy.xml", "<fragment>" + kJwt + "</fragment>"},
  };
  CHECK(required(files) == Lines{});
  files["a/policyFragments/inner/policy.xml"] = "<fragment><set-method>GET</set-method></fragment>";
  CHECK(required(files) == Lines{"a/apis/o/policy.xml:2 error api 'o' " + kNeeds});
  files.erase("a/policyFragments/inner/policy.xml");
  CHECK(required(files) == Lines{"a/apis/o/policy.xml:2 warning api 'o' " + kNeeds});
}

TEST_CASE("an operation must not drop what its API must have") {
  const Files files{
      {"a/apis/o/policy.xml", policy_with(kJwt)},
      {"a/apis/o/operations/get/policy.xml", policy_with(kBase)},
      {"a/apis/o/operations/put/policy.xml", policy_with("<set-method>PUT</set-method>")},
      {"a/apis/p/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/p/operations/get/policy.xml", policy_with("<set-method>GET</set-method>")},
  };
  CHECK(required(files) == Lines{"a/apis/o/operations/put/policy.xml:2 error operation 'put' " + kNeeds,
                                 "a/apis/p/policy.xml:2 error api 'p' " + kNeeds});
}

TEST_CASE("workspaces stand between an API and the service") {
  CHECK(required({{"a/policy.xml", policy_with(kJwt)},
                  {"a/workspaces/w/policy.xml", policy_with("<set-method>GET</set-method>")},
                  {"a/workspaces/w/apis/o/policy.xml", policy_with(kBase)}})
            .size() == 1);
  CHECK(required({{"a/policy.xml", policy_with(kJwt)},
                  {"a/workspaces/w/policy.xml", policy_with(kBase)},
                  {"a/workspaces/w/apis/o/policy.xml", policy_with(kBase)}}) == Lines{});
}

TEST_CASE("each product needs a limit and the service a policy of its own") {
  const std::string settings =
      "[[required]]\npolicies = [\"rate-limit\", \"rate-limit-by-key\"]\nscopes = [\"product\"]\nwhy = \"no unlimited "
      "product\"\n[[required]]\npolicies = \"cors\"\nscopes = \"global\"\n";
  CHECK(findings({{"a/products/p/productInformation.json", "{}"},
                  {"a/products/q/policy.xml", policy_with("<rate-limit calls=\"1\" renewal-period=\"60\" />")}},
                 settings, "required-policy") ==
        Lines{"a/policy.xml:1 error the service needs <cors>",
              "a/products/p/productInformation.json:1 error product 'p' needs <rate-limit> or <rate-limit-by-key>: no "
              "unlimited product"});
}

TEST_CASE("a change is asked only about what it could have broken") {
  Files files{
      {"a/policy.xml", policy_with(kBase)},
      {"a/apis/broken/policy.xml", policy_with("<set-method>GET</set-method>")},
      {"a/apis/inherits/policy.xml", policy_with(kBase)},
      {"a/apis/o/policy.xml", policy_with(kBase)},
  };
  Files before = files;
  before["a/policy.xml"] = policy_with(kJwt);
  const Source old(before);
  TreeOptions options;
  options.extent.whole = false;
  options.before = &old;
  options.extent.changed = {"policy.xml"};
  // The API that was broken before is nobody's of this change.
  CHECK(required(files, options) == Lines{"a/apis/inherits/policy.xml:2 error api 'inherits' " + kNeeds,
                                          "a/apis/o/policy.xml:2 error api 'o' " + kNeeds});
  options.extent.changed = {"apis/o/policy.xml"};
  CHECK(required(files, options) == Lines{"a/apis/o/policy.xml:2 error api 'o' " + kNeeds});
}

TEST_CASE("addresses of artifacts and of named values lead to allowed hosts") {
  const std::string hosts = "allowed_hosts = [\"*.contoso.com\"]\n";
  const auto url = [](const std::string& text) {
    return policy_with("<set-backend-service base-url=\"" + text + "\" />");
  };
  const auto value = [](const std::string& display, const std::string& text) {
    return "{\"properties\":{\"displayName\":\"" + display + "\",\"value\":\"" + text + "\"}}";
  };
  const Files files{
      {"a/apis/bad/policy.xml", url("https://{{bad-host}}/x")},
      {"a/apis/good/policy.xml", url("https://{{good-host}}/x")},
      {"a/apis/hidden/policy.xml", url("{{hidden}}")},
      {"a/apis/i/apiInformation.json", "{\"properties\":{\n\"serviceUrl\":\"https://example.net\"}}"},
      {"a/apis/whole/policy.xml", url("{{good-url}}/more")},
      {"a/backends/b/backendInformation.json", "{\"properties\":{\n\n\"url\":\"http://contoso.com.example.net\"}}"},
      {"a/backends/fabric/backendInformation.json", "{\"properties\":{\"url\":\"fabric:/app/service\"}}"},
      {"a/backends/pool/backendInformation.json", "{\"properties\":{\"type\":\"Pool\",\"pool\":{}}}"},
      {"a/named values/1/namedValueInformation.json", value("Bad-Host", "contoso.com.example.net")},
      {"a/named values/2/namedValueInformation.json", value("good-host", "api.contoso.com")},
      {"a/named values/3/namedValueInformation.json", "{\"properties\":{\"displayName\":\"hidden\",\"secret\":true}}"},
      {"a/named values/4/namedValueInformation.json", value("good-url", "https://api.contoso.com")},
  };
  CHECK(findings(files, hosts, "artifact-host") ==
        Lines{"a/apis/bad/policy.xml:3 error base-url of <set-backend-service> leads to 'contoso.com.example.net:443', "
              "which is no allowed host",
              "a/apis/hidden/policy.xml:3 warning the host of base-url of <set-backend-service> comes from named value "
              "'hidden', whose value is not in this tree; whether it is allowed cannot be seen",
              "a/apis/i/apiInformation.json:2 error serviceUrl leads to 'example.net:443', which is no allowed host",
              "a/backends/b/backendInformation.json:3 error url leads to 'contoso.com.example.net:80', which is no "
              "allowed host"});
  CHECK(findings(files, "", "artifact-host") == Lines{});

  // Another value leads a document elsewhere that the change does not touch.
  TreeOptions options;
  options.extent.whole = false;
  options.extent.changed = {"named values/1/namedValueInformation.json"};
  CHECK(findings(files, hosts, "artifact-host", options).size() == 2);
}

TEST_CASE("a backend without certificate checks is told") {
  CHECK(
      findings(
          {{"a/backends/b/backendInformation.json",
            "{\"properties\":{\"tls\":{\n\"validateCertificateChain\":false,\n\"validateCertificateName\":true}}}"}},
          "", "tls-validation-off") ==
      Lines{"a/backends/b/backendInformation.json:2 warning 'validateCertificateChain' is false: the gateway talks to "
            "whoever answers in the backend's place"});
}

TEST_CASE("diagnostics that log bodies or credentials are told") {
  const std::string body = R"({"properties":{"frontend":{"request":{
"headers":["User-Agent","Authorization"],
"body":{"bytes":512}},
"response":{"headers":["Set-Cookie"],"dataMasking":{"headers":[{"value":"set-cookie","mode":"Hide"}]},"body":{"bytes":0}}}}})";
  CHECK(
      findings({{"a/diagnostics/applicationinsights/diagnosticInformation.json", body}}, "", "logged-content") ==
      Lines{"a/diagnostics/applicationinsights/diagnosticInformation.json:2 warning the frontend request's header "
            "'Authorization' goes into the log",
            "a/diagnostics/applicationinsights/diagnosticInformation.json:3 warning up to 512 bytes of every frontend "
            "request's body go into the log"});
}

TEST_CASE("secrets in artifacts are told and never shown") {
  const std::string key = "q8Zr2LxV7tNw4KfYb1Jm6PdHc3Gs9TeAu5Wi0Xo";
  const Files files{
      {"a/backends/b/backendInformation.json",
       "{\"properties\":{\"url\":\"https://b\",\"credentials\":{\n\"header\":{\"x-functions-key\":[\"" + key +
           "\"]}}}}"},
      {"a/backends/c/backendInformation.json",
       "{\"properties\":{\"url\":\"https://b\",\"credentials\":{\"header\":{\"x-functions-key\":[\"{{key}}\"]}}}}"},
      {"a/loggers/l/loggerInformation.json",
       "{\"properties\":{\"credentials\":{\n\n\"connectionString\":\"Endpoint=sb://a/;SharedAccessKeyName=s;"
       "SharedAccessKey=" +
           key + "=\"}}}"},
      {"a/named values/s/namedValueInformation.json",
       "{\"properties\":{\"displayName\":\"x\",\"secret\":true,\"value\":\"short\"}}"},
      {"a/named values/t/namedValueInformation.json",
       "{\"properties\":{\"displayName\":\"t\",\"secret\":true,\"value\":\"{#TOKEN#}\"}}"},
      {"a/named values/u/namedValueInformation.json",
       "{\"properties\":{\"displayName\":\"tenant\",\"value\":\"7d3c1f0e-52ab-4c8e-9f61-0a4be27d9913\"}}"},
  };
  CHECK(
      findings(files, "", "artifact-secret") ==
      Lines{"a/backends/b/backendInformation.json:2 warning the header 'x-functions-key' is written here in plain text",
            "a/loggers/l/loggerInformation.json:3 warning a shared access key is written here in plain text",
            "a/named values/s/namedValueInformation.json:1 warning the value of a secret named value is written here "
            "in plain text"});
  const Source source(files);
  const auto found = check_tree(source, "a", {});
  REQUIRE(found);
  for (const policy::Finding& one : *found)
    if (one.rule == "artifact-secret") CHECK(one.hides_source);
}

TEST_CASE("a limit per subscription needs a subscription") {
  const Files files{
      {"a/apis/open/apiInformation.json", "{\"properties\":{\"subscriptionRequired\":false}}"},
      {"a/apis/open/policy.xml", policy_with("<rate-limit calls=\"1\" renewal-period=\"60\" />")},
      {"a/apis/keyed/apiInformation.json", "{\"properties\":{\"subscriptionRequired\":true}}"},
      {"a/apis/keyed/policy.xml", policy_with("<rate-limit calls=\"1\" renewal-period=\"60\" />")},
  };
  CHECK(findings(files, "", "limit-without-subscription") ==
        Lines{"a/apis/open/policy.xml:3 warning <rate-limit> counts per subscription, and this API takes calls without "
              "one: they are not limited"});
}

TEST_CASE("what the settings declare external is missed by nobody") {
  const Files files{
      {"a/policy.xml", policy_with("<set-header name=\"x\"><value>{{out}}</value></set-header><log-to-eventhub "
                                   "logger-id=\"far\">m</log-to-eventhub>")},
      {"a/namedValues/key/namedValueInformation.json", R"({"properties":{"displayName":"key"}})"},
      {"a/loggers/near/loggerInformation.json", "{}"},
  };
  CHECK(findings(files, "", "missing-reference").size() == 2);
  CHECK(findings(files, "[external]\nnamed_values = [\"ou*\"]\nloggers = [\"far\"]\n", "missing-reference") == Lines{});
}
