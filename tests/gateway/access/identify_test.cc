#include <catch2/catch.hpp>

#include "tests/gateway/access/rules_support.h"

using namespace postern;
using namespace postern::access;
using namespace postern::access::test;

namespace {

std::string name_of(const AccessRules& rules, const identity::VerifiedToken& presented) {
  const auto outcome = rules.identify(presented);
  if (const auto* identity = std::get_if<identity::Identity>(&outcome)) return identity->name;
  const auto& refusal = std::get<IdentifyRefusal>(outcome);
  std::string text = "!" + refusal.reason;
  for (const auto& name : refusal.names) text += " " + name;
  return text;
}

}  // namespace

TEST_CASE("every claim of a match must hold") {
  const auto rules = people_with("");
  CHECK(name_of(*rules, token(claims({{"oid", "s1"}, {"idtyp", "app"}}))) == "sync");
  CHECK(name_of(*rules, token(claims({{"oid", "s1"}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"oid", "s1"}, {"idtyp", "user"}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"oid", "S1"}, {"idtyp", "app"}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"oid", json::Value()}, {"idtyp", "app"}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"oid", json::Object{{"s1", "s1"}}}, {"idtyp", "app"}}))) == "!no_identity");
}

TEST_CASE("an array claim matches when it contains the value") {
  const auto rules = rules_of(R"(
[[issuer]]
name = "idp"
issuer = "https://idp.example.com"
audiences = ["postern"]
[[identity]]
name = "w"
kind = "workload"
issuer = "idp"
match = { roles = "deployer" }
)");
  CHECK(name_of(*rules, token(claims({{"roles", json::Array{"reader", "deployer"}}}))) == "w");
  CHECK(name_of(*rules, token(claims({{"roles", "deployer"}}))) == "w");
  CHECK(name_of(*rules, token(claims({{"roles", json::Array{"deployers"}}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"roles", json::Array{json::Array{"deployer"}}}}))) == "!no_identity");
  CHECK(name_of(*rules, token(claims({{"roles", "reader deployer"}}))) == "!no_identity");
}

TEST_CASE("numbers and booleans match as they are written") {
  const auto rules = rules_of(R"(
[[identity]]
name = "root-shell"
kind = "human"
issuer = "unix"
match = { uid = 0 }
[[identity]]
name = "web"
kind = "workload"
issuer = "unix"
match = { user = "www", gid = "33" }
)");
  CHECK(name_of(*rules, token(claims({{"uid", 0}, {"gid", 0}, {"user", "root"}}), "", "unix")) == "root-shell");
  CHECK(name_of(*rules, token(claims({{"uid", 33}, {"gid", 33}, {"user", "www"}}), "", "unix")) == "web");
  CHECK(name_of(*rules, token(claims({{"uid", 1}, {"gid", 33}, {"user", "www2"}}), "", "unix")) == "!no_identity");
}

TEST_CASE("a human of issuer unix needs no client") {
  const auto rules = rules_of(R"(
[[identity]]
name = "op"
kind = "human"
issuer = "unix"
match = { uid = 1000 }
)");
  CHECK(name_of(*rules, token(claims({{"uid", 1000}}), "", "unix")) == "op");
}

TEST_CASE("globs count only in match_glob") {
  const auto rules = rules_of(R"(
[[issuer]]
name = "ci"
issuer = "https://ci.example.com"
audiences = ["postern"]
[[identity]]
name = "branch-builds"
kind = "workload"
issuer = "ci"
match = { repository = "platform/policies" }
match_glob = { sub = "repo:platform/policies:ref:refs/heads/*" }
[[identity]]
name = "starry"
kind = "workload"
issuer = "ci"
match = { sub = "a*c" }
[[identity]]
name = "only-glob"
kind = "workload"
issuer = "ci"
match_glob = { sub = "wild-*" }
)");
  const auto of = [&](const char* sub, const char* repository = "platform/policies") {
    return name_of(*rules, token(claims({{"sub", sub}, {"repository", repository}}), "", "ci"));
  };
  CHECK(of("repo:platform/policies:ref:refs/heads/main") == "branch-builds");
  CHECK(of("repo:platform/policies:ref:refs/heads/a/b") == "!no_identity");
  CHECK(of("repo:platform/policies:ref:refs/heads/main", "evil/policies") == "!no_identity");
  CHECK(of("abc") == "!no_identity");
  CHECK(of("a*c") == "starry");
  CHECK(of("wild-7") == "only-glob");
}

TEST_CASE("attack 9 - a program with a person's token is not that person") {
  const auto rules = people_with("");
  const auto alice = claims({{"oid", "a1"}, {"sub", "x"}});
  CHECK(name_of(*rules, token(alice, "cli")) == "alice");
  CHECK(name_of(*rules, token(alice, "some-app")) == "!client_not_allowed alice");
  CHECK(name_of(*rules, token(alice, "")) == "!client_not_allowed alice");
  auto delegated = alice;
  delegated.set("act", json::Object{{"sub", "agent-7"}});
  CHECK(name_of(*rules, token(delegated, "cli")) == "!client_not_allowed alice");
}

TEST_CASE("attack 9 - a token that fits two identities is refused with both names") {
  const auto rules = people_with(R"(
[[identity]]
name = "the-app"
kind = "workload"
issuer = "idp"
match = { azp = "cli" }
)");
  CHECK(name_of(*rules, token(claims({{"oid", "a1"}, {"azp", "cli"}}), "cli")) == "!ambiguous_identity alice the-app");
  const auto outcome = rules->identify(token(claims({{"oid", "a1"}, {"azp", "cli"}}), "cli"));
  // The caller learns that there are two, not who they are.
  CHECK(std::get<IdentifyRefusal>(outcome).advice.find("alice") == std::string::npos);
}

TEST_CASE("a delegated token is the agent that its client names and not the person") {
  const auto rules = people_with(R"(
[[identity]]
name = "copilot"
kind = "agent"
sponsor = "alice"
issuer = "idp"
match = { azp = "copilot-app" }
)");
  auto on_behalf = claims({{"oid", "a1"}, {"azp", "copilot-app"}});
  CHECK(name_of(*rules, token(on_behalf, "copilot-app")) == "copilot");
  on_behalf.set("act", json::Object{{"sub", "copilot-app"}});
  CHECK(name_of(*rules, token(on_behalf, "copilot-app")) == "copilot");
}

TEST_CASE("clients limit workloads too where they are listed") {
  const auto rules = rules_of(R"(
[[issuer]]
name = "idp"
issuer = "https://idp.example.com"
audiences = ["postern"]
[[identity]]
name = "w"
kind = "workload"
issuer = "idp"
match = { tid = "t" }
clients = ["app-1", "app-2"]
)");
  CHECK(name_of(*rules, token(claims({{"tid", "t"}}), "app-2")) == "w");
  CHECK(name_of(*rules, token(claims({{"tid", "t"}}), "app-3")) == "!client_not_allowed w");
}

TEST_CASE("another issuer's token with the same claims is somebody else's") {
  const auto rules = people_with(R"(
[[issuer]]
name = "other"
issuer = "https://other.example.com"
audiences = ["postern"]
)");
  CHECK(name_of(*rules, token(claims({{"oid", "s1"}, {"idtyp", "app"}}), "", "other")) == "!no_identity");
}

TEST_CASE("an unnamed token gets only what its issuer allows") {
  const auto rules = rules_of(R"(
[[issuer]]
name = "closed"
issuer = "https://a.example.com"
audiences = ["postern"]
[[issuer]]
name = "jobs"
issuer = "https://b.example.com"
audiences = ["postern"]
unnamed = "workload"
[[issuer]]
name = "people"
issuer = "https://c.example.com"
audiences = ["postern"]
unnamed = "human"
clients = ["cli"]
[[group]]
name = "orders"
claims = [{ issuer = "people", claim = "groups", value = "g1" }]
)");
  const auto some = claims({{"sub", "u-1"}, {"groups", json::Array{"g0", "g1"}}});
  CHECK(name_of(*rules, token(some, "", "closed")) == "!no_identity");
  CHECK(name_of(*rules, token(some, "", "jobs")) == "jobs/u-1");
  CHECK(name_of(*rules, token(some, "cli", "people")) == "people/u-1");
  CHECK(name_of(*rules, token(some, "app", "people")) == "!client_not_allowed");
  CHECK(name_of(*rules, token(claims({{"groups", json::Array{"g1"}}}), "cli", "people")) == "!no_subject");
  auto delegated = some;
  delegated.set("act", json::Object{{"sub", "x"}});
  CHECK(name_of(*rules, token(delegated, "cli", "people")) == "!client_not_allowed");
  const auto person = std::get<identity::Identity>(rules->identify(token(some, "cli", "people")));
  CHECK(person.kind == identity::Kind::human);
  CHECK(person.groups == std::vector<std::string>{"orders"});
  const auto job = std::get<identity::Identity>(rules->identify(token(some, "", "jobs")));
  CHECK(job.kind == identity::Kind::workload);
  CHECK(job.groups.empty());
}

TEST_CASE("a person's token in another program's hands does not fall through to unnamed") {
  const auto rules = rules_of(R"(
[[issuer]]
name = "idp"
issuer = "https://idp.example.com"
audiences = ["postern"]
unnamed = "workload"
[[identity]]
name = "alice"
kind = "human"
issuer = "idp"
match = { oid = "a1" }
clients = ["cli"]
)");
  CHECK(name_of(*rules, token(claims({{"sub", "x"}, {"oid", "a1"}}), "some-app")) == "!client_not_allowed alice");
}

TEST_CASE("groups come from the list and from claims") {
  const auto rules = people_with(R"(
[[group]]
name = "by-claim"
claims = [{ issuer = "idp", claim = "groups", value = "g2" }]
)");
  const auto groups_of = [&](const json::Value& presented) {
    return std::get<identity::Identity>(rules->identify(token(presented))).groups;
  };
  CHECK(groups_of(claims({{"oid", "a1"}})) == std::vector<std::string>{"team"});
  CHECK(groups_of(claims({{"oid", "a1"}, {"groups", json::Array{"g2", "g1", "g9"}}})) ==
        std::vector<std::string>{"by-claim", "team"});
  CHECK(groups_of(claims({{"oid", "b1"}, {"groups", "g1"}})) == std::vector<std::string>{"team"});
  CHECK(groups_of(claims({{"oid", "b1"}})).empty());
}

TEST_CASE("an identity carries what the rules say about it") {
  const auto rules = people_with("");
  const auto bot =
      std::get<identity::Identity>(rules->identify(token(claims({{"oid", "b1"}, {"sub", "s"}}), "runner")));
  CHECK(bot.kind == identity::Kind::agent);
  CHECK(bot.sponsor == "alice");
  CHECK(bot.subject == "s");
  CHECK(bot.client == "runner");
  CHECK(bot.issuer == "idp");
  REQUIRE(rules->find_identity("alice") != nullptr);
  CHECK(rules->find_identity("alice")->gogs_user == "alice");
  CHECK(rules->find_identity("team") == nullptr);
}

TEST_CASE("a Gogs account is known by gogs_user in any case and else reached by rules for everybody") {
  const auto rules = people_with(R"(
[[grant]]
name = "all"
to = ["*"]
repos = ["o/open"]
verbs = ["write"]
[[grant]]
name = "teams"
to = ["team"]
repos = ["o/team"]
verbs = ["write"]
)");
  const auto alice = rules->identify_gogs_user("ALICE");
  CHECK(alice.name == "alice");
  CHECK(alice.issuer == "gogs");
  CHECK(alice.groups == std::vector<std::string>{"team"});
  const auto stranger = rules->identify_gogs_user("Mallory");
  CHECK(stranger.name == "gogs:mallory");
  CHECK(rules->decide(stranger, repo("o/open"), "refs/heads/x", Verb::update, {}, kNow).allowed);
  CHECK_FALSE(rules->decide(stranger, repo("o/team"), "refs/heads/x", Verb::update, {}, kNow).allowed);
  CHECK(rules->decide(alice, repo("o/team"), "refs/heads/x", Verb::update, {}, kNow).allowed);
}

TEST_CASE("a direct writer's unknown groups grant nothing and deny everything they deny") {
  const auto rules = people_with(R"(
[[group]]
name = "contractors"
claims = [{ issuer = "idp", claim = "groups", value = "c" }]
[[grant]]
name = "all"
to = ["alice", "contractors"]
repos = ["o/*"]
verbs = ["write"]
[[deny]]
name = "no-contractors"
to = ["contractors"]
repos = ["o/closed"]
verbs = ["write"]
)");
  const auto direct = rules->identify_gogs_user("alice");
  CHECK(rules->decide(direct, repo("o/r"), "refs/heads/x", Verb::update, {}, kNow).allowed);
  CHECK_FALSE(rules->decide(direct, repo("o/closed"), "refs/heads/x", Verb::update, {}, kNow).allowed);
  const auto stranger = rules->identify_gogs_user("mallory");
  CHECK_FALSE(rules->decide(stranger, repo("o/r"), "refs/heads/x", Verb::update, {}, kNow).allowed);
  const auto with_token = somebody("alice", {"team"});
  CHECK(rules->decide(with_token, repo("o/closed"), "refs/heads/x", Verb::update, {}, kNow).allowed);
}
