#include <catch2/catch.hpp>

#include "gateway/base/glob.h"
#include "gateway/config/config.h"
#include "gateway/config/known_names.h"
#include "gateway/config/values.h"
#include "tests/gateway/access/rules_support.h"

using namespace postern;
using namespace postern::config;
using postern::access::test::kPreamble;

namespace {

Files in_memory(std::map<std::string, std::string> texts) {
  auto shared = std::make_shared<std::map<std::string, std::string>>(std::move(texts));
  return {.read = [shared](const std::string& path) -> Result<std::string> {
            const auto found = shared->find(path);
            if (found == shared->end())
              return fail(ErrorCode::not_found, "opening " + path + ": No such file or directory");
            return found->second;
          },
          .list = [shared](const std::string& pattern) -> Result<std::vector<std::string>> {
            std::vector<std::string> found;
            for (const auto& [path, text] : *shared) {
              if (Glob(pattern).matches(path)) found.push_back(path);
            }
            return found;
          }};
}

Config config_of(std::string_view text) {
  auto loaded = access::test::load(text);
  if (!loaded) throw std::runtime_error(loaded.error().text());
  return std::move(loaded->config);
}

}  // namespace

TEST_CASE("what is left out has the defaults of the reference") {
  const Config config = config_of("");
  CHECK(config.gateway);
  REQUIRE(config.server.listen.size() == 2);
  CHECK(config.server.listen[0].text() == "127.0.0.1:8080");
  CHECK(config.server.listen[1].text() == "unix:/run/postern/gateway.sock");
  REQUIRE(config.server.trusted_proxies.size() == 2);
  CHECK(config.server.trusted_proxies[1].to_string() == "::1/128");
  CHECK(config.upstream.kind == UpstreamConfig::Kind::gogs);
  CHECK(config.upstream.hook_timeout == std::chrono::minutes(10));
  CHECK(config.store.url == "sqlite:/var/lib/postern/postern.db");
  CHECK(config.tickets.bundle == "/var/lib/postern/bundle");
  CHECK(config.tickets.spool == "/var/spool/postern");
  CHECK(config.tickets.lifetime == std::chrono::hours(6));
  CHECK(config.tickets.limits.blob_bytes == 16ULL << 20);
  CHECK(config.tickets.limits.direct_deadline_seconds == 50);
  CHECK(config.audit.retention_days == 400);
  CHECK_FALSE(config.deploy.has_value());
}

TEST_CASE("the whole reference is read") {
  const Config config = config_of(R"(
[[issuer]]
name = "entra"
issuer = "https://login.microsoftonline.com/t/v2.0"
audiences = ["api://postern", "postern"]
algorithms = ["RS256", "EdDSA"]
clock_skew = "30s"
max_token_age = "2h"
name_claim = "preferred_username"
jwks_url = "https://login.microsoftonline.com/t/keys"
ca_file = "ca.pem"
[[identity]]
name = "alice"
kind = "human"
issuer = "entra"
match = { oid = "a" }
clients = ["cli"]
gogs_user = "Alice"
upstream = "file:alice-token"
[[governed]]
repos = ["Platform/*"]
mode = "observe"
direct = "authorize"
[[grant]]
name = "g"
to = ["alice"]
repos = ["Platform/Policies"]
verbs = ["read", "write"]
refs = ["refs/heads/Main"]
paths = ["Apis/**"]
until = 2027-01-01T02:00:00+02:00
from = ["10.0.0.0/8"]
[[environment]]
name = "prod"
mode = "apply"
repo = "Platform/Policies"
ref = "refs/heads/main"
service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x/"
credential = "client-secret:keyvault:vault/name/v1"
client_id = "c"
tenant = "t"
max_deletes = 3
approvals = { agents = 2, default = 1, by = ["alice"] }
overrides = "configuration.prod.yaml"
health = [{ get = "https://api.example.com/status" }]
[deploy]
store = "sqlite:deploy.db"
gateway = "unix:gateway.sock"
git_url = "http://127.0.0.1:3000/"
git_credential = "env:GIT"
poll = "5s"
)");
  REQUIRE(config.issuers.size() == 1);
  CHECK(config.issuers[0].algorithms == std::vector{identity::Algorithm::RS256, identity::Algorithm::EdDSA});
  CHECK(config.issuers[0].clock_skew == std::chrono::seconds(30));
  CHECK(config.issuers[0].max_token_age == std::chrono::hours(2));
  CHECK(config.issuers[0].ca_file == "/etc/postern/ca.pem");
  CHECK(config.upstream.credential_of.at("alice").text() == "file:/etc/postern/alice-token");
  CHECK(config.rules.identities[0].gogs_user == "alice");
  const auto& grant = config.rules.grants.at(0);
  CHECK(grant.repos == std::vector<std::string>{"platform/policies"});
  CHECK(grant.refs == std::vector<std::string>{"refs/heads/Main"});
  CHECK(grant.paths == std::vector<std::string>{"Apis/**"});
  CHECK(to_rfc3339(*grant.until) == "2027-01-01T00:00:00.000Z");
  CHECK(grant.verbs == std::vector{access::Verb::read, access::Verb::create, access::Verb::update});
  const auto& environment = config.environments.at(0);
  CHECK(environment.mode == EnvironmentConfig::Mode::apply);
  CHECK(environment.repo == "platform/policies");
  CHECK(environment.service.ends_with("/service/x"));
  CHECK(environment.credential == "client-secret");
  CHECK(environment.client_secret->text() == "keyvault:vault/name/v1");
  CHECK(environment.kinds == std::vector<std::string>{"policy", "fragment"});
  CHECK(environment.approvals.agents == 2);
  CHECK(environment.approvals.default_ == 1);
  CHECK(environment.health.at(0).expect == 200);
  REQUIRE(config.deploy.has_value());
  CHECK(config.deploy->store == "sqlite:/etc/postern/deploy.db");
  CHECK(config.deploy->gateway == "unix:/etc/postern/gateway.sock");
  CHECK(config.deploy->git_url == "http://127.0.0.1:3000");
  CHECK(config.deploy->arm_endpoint == "https://management.azure.com");
  CHECK(config.deploy->poll == std::chrono::seconds(5));
}

TEST_CASE("a deployer of its own host needs no gateway sections") {
  const auto loaded = load("/etc/postern/postern.toml", in_memory({{"/etc/postern/postern.toml", R"([deploy]
git_url = "https://git.example.com"
)"}}));
  REQUIRE(loaded);
  CHECK_FALSE(loaded->config.gateway);
}

TEST_CASE("included files add rules and their mistakes name them") {
  const std::string main = "include = [\"rules.d/*.toml\"]\n" + std::string(kPreamble);
  const std::string rules = R"([[identity]]
name = "w"
kind = "workload"
issuer = "unix"
match = { uid = 7 }
)";
  auto loaded = load("/etc/postern/postern.toml", in_memory({{"/etc/postern/postern.toml", main},
                                                             {"/etc/postern/rules.d/a.toml", rules},
                                                             {"/etc/postern/rules.d/ignored.txt", "not toml"}}));
  REQUIRE(loaded);
  CHECK(loaded->config.rules.identities.at(0).origin.file == "/etc/postern/rules.d/a.toml");
  loaded =
      load("/etc/postern/postern.toml",
           in_memory({{"/etc/postern/postern.toml", main}, {"/etc/postern/rules.d/a.toml", rules + "oops = 1\n"}}));
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().errors.at(0).text() ==
        "/etc/postern/rules.d/a.toml:6: [[identity]] w: oops: is no known key; accepted: name, kind, issuer, match, "
        "match_glob, clients, sponsor, gogs_user, upstream");
}

TEST_CASE("an included file holds rules and nothing else") {
  const std::string main = "include = [\"extra.toml\"]\n" + std::string(kPreamble);
  for (const char* text : {"[server]\nlisten = []\n", "include = [\"more.toml\"]\n", "[[issuer]]\nname = \"x\"\n",
                           "[[templates]]\n", "[[environment]]\n", "[deploy]\n", "[[grants]]\n"}) {
    const auto loaded = load("/etc/postern/postern.toml",
                             in_memory({{"/etc/postern/postern.toml", main}, {"/etc/postern/extra.toml", text}}));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().errors.at(0).file == "/etc/postern/extra.toml");
    CHECK(loaded.error().errors.at(0).message.find("accepted there: identity, group, role, governed, grant, deny") !=
          std::string::npos);
  }
}

TEST_CASE("the order of included files means nothing") {
  const std::string first = "include = [\"a.toml\", \"b.toml\"]\n" + std::string(kPreamble);
  const std::string second = "include = [\"b.toml\", \"a.toml\"]\n" + std::string(kPreamble);
  const std::string a = "[[identity]]\nname = \"x\"\nkind = \"workload\"\nissuer = \"unix\"\nmatch = { uid = 1 }\n";
  const std::string b = "[[grant]]\nname = \"g\"\nto = [\"x\"]\nrepos = [\"o/r\"]\nverbs = [\"read\"]\n";
  const auto digest = [&](const std::string& main) {
    auto loaded = load("/p.toml", in_memory({{"/p.toml", main}, {"/a.toml", a}, {"/b.toml", b}}));
    REQUIRE(loaded);
    return (*access::AccessRules::make(loaded->config.rules))->digest();
  };
  CHECK(digest(first) == digest(second));
}

TEST_CASE("a file that cannot be read is a mistake like any other") {
  const auto loaded = load("/nowhere/postern.toml");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().text() ==
        "error: /nowhere/postern.toml: cannot be read: opening /nowhere/postern.toml: No such file or directory");
}

TEST_CASE("durations and sizes need their unit") {
  CHECK(*parse_duration("50s") == std::chrono::seconds(50));
  CHECK(*parse_duration("10m") == std::chrono::minutes(10));
  CHECK(*parse_duration("6h") == std::chrono::hours(6));
  CHECK(*parse_duration("250ms") == std::chrono::milliseconds(250));
  CHECK(*parse_duration("400d") == std::chrono::hours(9600));
  for (const char* text : {"", "10", "s", "-1s", "+1s", "1.5h", " 1s", "1s ", "1S", "99999999999999999999s", "1h30m"}) {
    CHECK_FALSE(parse_duration(text));
  }
  CHECK(*parse_size("16MiB") == 16ULL << 20);
  CHECK(*parse_size("1GiB") == 1ULL << 30);
  CHECK(*parse_size("512B") == 512);
  for (const char* text : {"", "16", "16MB", "16 MiB", "-1B", "1TiB", "18446744073709551615GiB"})
    CHECK_FALSE(parse_size(text));
}

TEST_CASE("a URL without protection is accepted for loopback and IMDS alone") {
  for (const char* text :
       {"http://127.0.0.1:3000", "http://127.9.9.9", "http://localhost:80", "http://[::1]:3000", "https://x.y"}) {
    CHECK(parse_url(text, {}));
  }
  for (const char* text :
       {"http://git.example.com", "http://10.0.0.1", "http://localhost.evil.com", "http://127.0.0.1.evil.com",
        "http://127.0.0.1@evil.com", "http://[::2]", "http://0.0.0.0", "http://169.254.169.254", "http://2130706433"}) {
    CHECK_FALSE(parse_url(text, {}));
  }
  CHECK(parse_url("http://169.254.169.254", {.path_allowed = true, .imds_allowed = true}));
  CHECK(*parse_url("https://x.y/", {}) == "https://x.y");
  for (const char* text : {"", "https://", "https:///x", "https://a b", "https://x?y", "https://x#y", "https://u@x",
                           "https://x:0x50", "https://x:99999", "HTTPS://x", "javascript:alert(1)", "https://x\\y"}) {
    CHECK_FALSE(parse_url(text, {}));
  }
}

TEST_CASE("paths are made absolute and lose their dots") {
  CHECK(*parse_path("a/b", "/etc/postern") == "/etc/postern/a/b");
  CHECK(*parse_path("../x", "/etc/postern") == "/etc/x");
  CHECK(*parse_path("/a/./b//c/", "/etc") == "/a/b/c");
  CHECK_FALSE(parse_path("", "/etc"));
  CHECK_FALSE(parse_path("..", "/etc"));
}

TEST_CASE("a mistaken name is answered with the one that was meant") {
  const std::vector<std::string> names{"listen", "external_url", "trusted_proxies"};
  CHECK(nearest("listten", names) == "listen");
  CHECK(nearest("external-url", names) == "external_url");
  CHECK(nearest("LISTEN", names) == "listen");
  CHECK(nearest("colour", names).empty());
}

TEST_CASE("the names of the schema are there") {
  CHECK(known_names().rules.size() > 20);
  CHECK(known_names().layouts == std::vector<std::string>{"apiops", "loose"});
  CHECK_FALSE(known_names().kinds.empty());
}
