// Settings that declare guardrails, and the reading of hosts.
#include "hooks/policy/guardrails.h"

#include <catch2/catch.hpp>

#include "hooks/policy/outbound.h"
#include "hooks/policy/settings.h"

using namespace postern::policy;

namespace {

std::string refused(std::string_view text) {
  const auto settings = parse_settings(text, {"required-policy"});
  REQUIRE_FALSE(settings);
  return settings.error().message;
}

// "host:port", or why there is none.
std::string host(std::string_view known, bool open = false) {
  const HostReading read = host_of(known, open);
  switch (read.unknown) {
    case Unknown::none: return read.host.name + ":" + read.host.port;
    case Unknown::named_value: return "named value";
    case Unknown::computed: return "computed";
    case Unknown::no_address: return "no address";
  }
  return "";
}

}  // namespace

TEST_CASE("guardrails are read from the settings") {
  const auto settings = parse_settings(R"(
gateways = ["v2", "self-hosted"]
allowed_hosts = ["api.contoso.com", "*.contoso.net:8443"]
[[required]]
policies = ["validate-jwt", "validate-azure-ad-token"]
scopes = "api"
sections = ["inbound"]
paths = ["apim/apis/**"]
conditional = true
why = "no API without a token"
[[forbidden]]
policies = "trace"
[external]
named_values = ["shared-*"]
tags = ["t"]
)");
  REQUIRE(settings);
  CHECK(gateway_names(settings->guardrails.gateways) == std::vector<std::string_view>{"v2", "self-hosted"});
  REQUIRE(settings->guardrails.allowed_hosts);
  CHECK(settings->guardrails.allowed_hosts->size() == 2);
  REQUIRE(settings->guardrails.required.size() == 1);
  const PolicyDemand& demand = settings->guardrails.required[0];
  CHECK(demand.policies == std::vector<std::string>{"validate-jwt", "validate-azure-ad-token"});
  CHECK(demand.is_about(Scope::api));
  CHECK_FALSE(demand.is_about(Scope::product));
  CHECK(demand.conditional);
  CHECK(demand.why == "no API without a token");
  CHECK(settings->external.named_values == std::vector<std::string>{"shared-*"});
  CHECK(settings->external.tags == std::vector<std::string>{"t"});
  CHECK(settings->guardrails_for("apim/apis/a/policy.xml").required.size() == 1);
  CHECK(settings->guardrails_for("apim/products/a/policy.xml").required.empty());
  CHECK(settings->guardrails_for("anywhere").forbidden.size() == 1);
}

TEST_CASE("every mistake in the settings names line and key and what is accepted") {
  CHECK(refused("allowed_host = []") ==
        "line 1: unknown key 'allowed_host'; accepted: severity, path, gateways, allowed_hosts, required, forbidden, "
        "external");
  CHECK(refused("\nallowed_hosts = [\"https://a.com/\"]") ==
        "line 2: 'https://a.com/' is no host; accepted: api.example.com, *.example.com, each with :port where one is "
        "meant");
  CHECK(refused("allowed_hosts = \"a.com\"") == "line 1: allowed_hosts is a list of strings");
  CHECK(refused("gateways = [\"basic\"]") ==
        "line 1: 'basic' is no gateway; accepted: classic, v2, consumption, self-hosted, workspace");
  CHECK(refused("[[forbidden]]\npolicies = [\"trase\"]") ==
        "line 2: there is no policy 'trase'; did you mean 'trace'?");
  CHECK(refused("[[forbidden]]\nscopes = [\"api\"]") == "line 1: policies is missing in [[forbidden]]");
  CHECK(refused("[[forbidden]]\npolicies = [\"trace\"]\nscopes = [\"apis\"]") ==
        "line 3: 'apis' is no scope; accepted: global, workspace, product, api, operation, resolver, fragment");
  CHECK(refused("[[required]]\npolicies = [\"trace\"]") ==
        "line 1: scopes is missing in [[required]]; accepted: global, workspace, product, api, operation");
  CHECK(refused("[[required]]\npolicies = [\"trace\"]\nscopes = [\"fragment\"]") ==
        "line 3: 'fragment' is no scope; accepted: global, workspace, product, api, operation");
  CHECK(refused("[[required]]\npolicies = [\"trace\"]\nscopes = [\"api\"]\nsections = [\"inbond\"]") ==
        "line 4: 'inbond' is no section; accepted: inbound, backend, outbound, on-error");
  CHECK(refused("[[required]]\npolicy = [\"trace\"]") ==
        "line 2: unknown key 'policy' in [[required]]; accepted: policies, scopes, sections, paths, conditional, why");
  CHECK(refused("[external]\nbackend = [\"a\"]") ==
        "line 2: unknown key 'backend' in [external]; accepted: named_values, fragments, backends, certificates, "
        "loggers, products, tags");
  CHECK(refused("[required]\npolicies = [\"trace\"]") == "line 1: required is a list of tables: [[required]]");
}

TEST_CASE("a host pattern means one host or all below it") {
  CHECK(HostPattern::parse("a.com")->matches("a.com", "443"));
  CHECK_FALSE(HostPattern::parse("a.com")->matches("b.a.com", "443"));
  CHECK(HostPattern::parse("*.a.com")->matches("c.b.a.com", "443"));
  CHECK_FALSE(HostPattern::parse("*.a.com")->matches("a.com", "443"));
  CHECK_FALSE(HostPattern::parse("*.a.com")->matches("ba.com", "443"));
  CHECK(HostPattern::parse("A.com:8443")->matches("a.com", "8443"));
  CHECK_FALSE(HostPattern::parse("a.com:8443")->matches("a.com", "443"));
  CHECK(HostPattern::parse("[::1]:8080")->matches("[::1]", "8080"));
  for (const char* none : {"", "*", "*.", "a.*.com", "a/b", "https://a", "a.com:", "a.com:x", ".a", "a@b", "a b"}) {
    CAPTURE(none);
    CHECK_FALSE(HostPattern::parse(none));
  }
}

TEST_CASE("hosts are read as the one who sends the request reads them") {
  CHECK(host("https://a.com") == "a.com:443");
  CHECK(host("HTTP://A.Com.:8080/x") == "a.com:8080");
  CHECK(host("http://a.com/https://b.com") == "a.com:80");
  CHECK(host("https://a.com@b.com/") == "b.com:443");
  CHECK(host("https://a.com:80@b.com:81/") == "b.com:81");
  CHECK(host("https://b.com\\@a.com/") == "b.com:443");
  CHECK(host("https://b.com#@a.com") == "b.com:443");
  CHECK(host("https://b.com?@a.com") == "b.com:443");
  CHECK(host("https://[::1]:8080/") == "[::1]:8080");
  CHECK(host("https:///a.com/") == "no address");
  CHECK(host("https://a%2ecom/") == "no address");
  CHECK(host("https://a\t.com/") == "no address");
  CHECK(host("/relative") == "no address");
  CHECK(host("https:a.com") == "no address");
  CHECK(host("https://a.com", true) == "computed");
  CHECK(host("https://a.com/", true) == "a.com:443");
  CHECK(host("", true) == "computed");
  CHECK(host("https://{{h}}/") == "named value");
  CHECK(host("{{url}}/a") == "named value");
  CHECK(host("https://a.com/{{path}}") == "a.com:443");
  CHECK(host("https://a.com{{more}}/") == "named value");
  CHECK(host("https://${h}.a.com/{{p}}") == "computed");
}

TEST_CASE("what named values bring is put in its place") {
  const auto value = [](std::string_view name) -> std::optional<std::string> {
    if (name == "host") return "b.com";
    return std::nullopt;
  };
  CHECK(with_values("https://{{host}}/{{other}}", value) == "https://b.com/{{other}}");
  CHECK(with_values("{{ host }}", value) == "{{ host }}");
  const auto found = list_named_addresses(
      "<policies><inbound><set-backend-service base-url=\"@(\"https://{{host}}/\" + 1)\" /></inbound></policies>");
  REQUIRE(found.size() == 1);
  CHECK(found[0].known == "https://{{host}}/");
  CHECK(found[0].open);
}
