#include <catch2/catch.hpp>

#include "tests/gateway/access/rules_support.h"

using namespace postern;
using namespace postern::access;
using namespace postern::access::test;

namespace {

const std::optional<IpAddress> kNowhere;

bool allows(const AccessRules& rules, const identity::Identity& who, std::string_view where, std::string_view ref,
            Verb verb, std::optional<IpAddress> address = {}, WallTime now = kNow) {
  return rules.decide(who, repo(where), ref, verb, address, now).allowed;
}

git::RefUpdate change(std::string ref, char from, char to) {
  return {*git::ObjectId::parse(std::string(40, from)), *git::ObjectId::parse(std::string(40, to)), std::move(ref)};
}

const auto kAlice = somebody("alice", {"team"});

}  // namespace

TEST_CASE("without a grant nothing is allowed and the denial names no rule") {
  const auto rules = people_with("");
  const Decision decision = rules->decide(kAlice, repo("o/r"), "refs/heads/main", Verb::update, {}, kNow);
  CHECK_FALSE(decision.allowed);
  CHECK(decision.rule.empty());
  CHECK(decision.reason == "no grant gives update on refs/heads/main of o/r to alice");
  CHECK_FALSE(rules->may_any(kAlice, repo("o/r"), {}, kNow));
}

TEST_CASE("a grant reaches identities and groups and everybody but nobody else") {
  const auto rules = people_with(R"(
[[grant]]
name = "g-alice"
to = ["alice"]
repos = ["o/a"]
verbs = ["read"]
[[grant]]
name = "g-team"
to = ["team"]
repos = ["o/t"]
verbs = ["read"]
[[grant]]
name = "g-all"
to = ["*"]
repos = ["o/p"]
verbs = ["read"]
)");
  CHECK(allows(*rules, kAlice, "o/a", "", Verb::read));
  CHECK(allows(*rules, kAlice, "o/t", "", Verb::read));
  CHECK(allows(*rules, kAlice, "o/p", "", Verb::read));
  CHECK_FALSE(allows(*rules, somebody("sync"), "o/a", "", Verb::read));
  CHECK_FALSE(allows(*rules, somebody("sync"), "o/t", "", Verb::read));
  CHECK(allows(*rules, somebody("sync"), "o/p", "", Verb::read));
  CHECK(allows(*rules, somebody("gogs:stranger"), "o/p", "", Verb::read));
  // An identity is not a member of a group by bearing a similar name.
  CHECK_FALSE(allows(*rules, somebody("idp/team"), "o/t", "", Verb::read));
}

TEST_CASE("a star in repos stays within a segment and names are folded") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["Platform/Pol*", "*/shared"]
verbs = ["read"]
)");
  CHECK(allows(*rules, kAlice, "platform/policies", "", Verb::read));
  CHECK(allows(*rules, kAlice, "PLATFORM/Policies.git", "", Verb::read));
  CHECK(allows(*rules, kAlice, "any/shared", "", Verb::read));
  CHECK_FALSE(allows(*rules, kAlice, "platform/other", "", Verb::read));
  CHECK_FALSE(allows(*rules, kAlice, "xplatform/policies", "", Verb::read));
}

TEST_CASE("a wiki is reached only by a pattern that ends in wiki") {
  const auto rules = people_with(R"(
[[grant]]
name = "all"
to = ["alice"]
repos = ["*/*", "**"]
verbs = ["read", "write"]
[[grant]]
name = "wikis"
to = ["alice"]
repos = ["docs/*.wiki"]
verbs = ["read", "write"]
)");
  CHECK(allows(*rules, kAlice, "platform/policies", "", Verb::read));
  CHECK_FALSE(allows(*rules, kAlice, "platform/policies.wiki", "", Verb::read));
  CHECK_FALSE(allows(*rules, kAlice, "platform/policies.wiki.git", "refs/heads/master", Verb::update));
  CHECK(allows(*rules, kAlice, "docs/guide.wiki", "", Verb::read));
  CHECK(allows(*rules, kAlice, "docs/guide.wiki", "refs/heads/master", Verb::update));
  CHECK_FALSE(rules->may_any(kAlice, repo("platform/policies.wiki"), {}, kNow));
}

TEST_CASE("every repository of an owner is not its wikis and not another owner") {
  const auto rules = people_with(R"(
[[grant]]
name = "all-of-platform"
to = ["alice"]
repos = ["Platform/*", "platform/pol*"]
verbs = ["read", "write"]
[[grant]]
name = "some-of-docs"
to = ["alice"]
repos = ["docs/gu*", "docs/*-x"]
verbs = ["read"]
[[deny]]
name = "not-the-secrets"
to = ["alice"]
repos = ["secrets/*"]
verbs = ["read"]
)");
  for (const char* name : {"platform/policies", "platform/other", "platform/a.b", "PLATFORM/Upper"}) {
    CHECK(allows(*rules, kAlice, name, "refs/heads/main", Verb::update));
    CHECK(rules->may_any(kAlice, repo(name), {}, kNow));
  }
  for (const char* name : {"platform/policies.wiki", "platforms/x", "plat/form", "docs/other", "secrets/x"}) {
    CHECK_FALSE(allows(*rules, kAlice, name, "", Verb::read));
    CHECK_FALSE(rules->may_any(kAlice, repo(name), {}, kNow));
  }
  CHECK(allows(*rules, kAlice, "docs/guide", "", Verb::read));
  CHECK(allows(*rules, kAlice, "docs/a-x", "", Verb::read));
}

TEST_CASE("write is create and update and nothing more") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
)");
  for (const Verb verb : {Verb::create, Verb::update}) CHECK(allows(*rules, kAlice, "o/r", "refs/heads/x", verb));
  for (const Verb verb : {Verb::read, Verb::force, Verb::delete_}) {
    CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/heads/x", verb));
  }
}

TEST_CASE("a grant without refs reaches branches and tags only") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
)");
  CHECK(allows(*rules, kAlice, "o/r", "refs/heads/a/b/c", Verb::create));
  CHECK(allows(*rules, kAlice, "o/r", "refs/tags/v1", Verb::create));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/notes/commits", Verb::create));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/pull/1/head", Verb::create));
}

TEST_CASE("another namespace needs its literal prefix") {
  const auto rules = people_with(R"(
[[grant]]
name = "wide"
to = ["alice"]
repos = ["o/wide"]
verbs = ["write"]
refs = ["refs/**", "refs/*/x", "refs/no*/**"]
[[grant]]
name = "notes"
to = ["alice"]
repos = ["o/notes"]
verbs = ["write"]
refs = ["refs/notes/*"]
)");
  CHECK(allows(*rules, kAlice, "o/wide", "refs/heads/x", Verb::create));
  for (const char* ref : {"refs/notes/x", "refs/pull/1/head", "refs/meta/config", "refs/x"}) {
    CHECK_FALSE(allows(*rules, kAlice, "o/wide", ref, Verb::create));
  }
  CHECK(allows(*rules, kAlice, "o/notes", "refs/notes/x", Verb::create));
  CHECK_FALSE(allows(*rules, kAlice, "o/notes", "refs/notesx/y", Verb::create));
  CHECK_FALSE(allows(*rules, kAlice, "o/notes", "refs/heads/main", Verb::create));
}

TEST_CASE("attack 12 - replace refs are never written whatever is granted") {
  const auto rules = people_with(R"(
[[grant]]
name = "everything"
to = ["alice"]
repos = ["o/r"]
verbs = ["read", "write", "force", "delete"]
refs = ["refs/**", "refs/r*/**"]
)");
  const std::string ref = "refs/replace/" + std::string(40, 'a');
  for (const Verb verb : {Verb::create, Verb::update, Verb::force, Verb::delete_}) {
    const Decision decision = rules->decide(kAlice, repo("o/r"), ref, verb, {}, kNow);
    CHECK_FALSE(decision.allowed);
    CHECK(decision.reason.find("refs/replace/ is never written") == 0);
  }
  CHECK_FALSE(rules->decide_update(kAlice, repo("o/r"), change(ref, '1', '2'), {}, kNow).allowed);
}

TEST_CASE("attack 13 - a pull head needs its literal prefix like any other namespace") {
  const auto rules = people_with(R"(
[[grant]]
name = "everything"
to = ["alice"]
repos = ["o/r"]
verbs = ["read", "write"]
refs = ["refs/**"]
)");
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/pull/7/head", Verb::update));
}

TEST_CASE("what is no ref name is denied before any rule is asked") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["*"]
repos = ["**"]
verbs = ["write"]
)");
  for (const char* ref : {"", "main", "HEAD", "refs/heads/", "refs/heads/a..b", "refs/heads/a\x01", "refs/heads/x.lock",
                          "refs//heads/x", "Refs/heads/x"}) {
    CHECK_FALSE(allows(*rules, kAlice, "o/r", ref, Verb::update));
  }
}

TEST_CASE("refs compare as bytes") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
refs = ["refs/heads/main"]
)");
  CHECK(allows(*rules, kAlice, "o/r", "refs/heads/main", Verb::update));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/heads/Main", Verb::update));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/heads/main2", Verb::update));
}

TEST_CASE("a deny that matches always wins and is named") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["read", "write", "force", "delete"]
[[deny]]
name = "keep-main"
to = ["*"]
repos = ["*/*"]
verbs = ["force", "delete"]
refs = ["refs/heads/main"]
)");
  const Decision decision = rules->decide(kAlice, repo("o/r"), "refs/heads/main", Verb::delete_, {}, kNow);
  CHECK_FALSE(decision.allowed);
  CHECK(decision.rule == "keep-main");
  CHECK(decision.reason == "delete on refs/heads/main of o/r is denied by rule keep-main");
  CHECK(allows(*rules, kAlice, "o/r", "refs/heads/main", Verb::update));
  CHECK(allows(*rules, kAlice, "o/r", "refs/heads/x", Verb::delete_));
}

TEST_CASE("a deny without refs reaches every namespace") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
refs = ["refs/notes/*", "refs/heads/*"]
[[deny]]
name = "d"
to = ["alice"]
repos = ["o/r"]
verbs = ["create"]
)");
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/notes/x", Verb::create));
  CHECK(allows(*rules, kAlice, "o/r", "refs/notes/x", Verb::update));
}

TEST_CASE("a denied read is of the whole repository") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["read", "write"]
[[deny]]
name = "d"
to = ["team"]
repos = ["o/*"]
verbs = ["read"]
refs = ["refs/heads/secret"]
)");
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "", Verb::read));
  CHECK(allows(*rules, somebody("alice"), "o/r", "", Verb::read));
}

TEST_CASE("a grant ends at its until and a deny does too") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["read", "delete"]
until = 2026-06-01T12:00:00Z
[[grant]]
name = "lasting"
to = ["alice"]
repos = ["o/s"]
verbs = ["read"]
[[deny]]
name = "freeze"
to = ["*"]
repos = ["o/s"]
verbs = ["read"]
until = 2026-06-01
)");
  CHECK(allows(*rules, kAlice, "o/r", "", Verb::read, {}, kNow - std::chrono::milliseconds(1)));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "", Verb::read, {}, kNow));
  CHECK_FALSE(rules->may_any(kAlice, repo("o/r"), {}, kNow));
  CHECK(allows(*rules, kAlice, "o/s", "", Verb::read, {}, kNow));
  CHECK_FALSE(allows(*rules, kAlice, "o/s", "", Verb::read, {}, *parse_rfc3339("2026-05-31T23:59:59.999Z")));
}

TEST_CASE("from limits by client address in both families") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["read"]
from = ["10.0.0.0/8", "2001:db8::/32"]
)");
  const auto from = [&](const char* text) {
    return allows(*rules, kAlice, "o/r", "", Verb::read, *IpAddress::parse(text));
  };
  CHECK(from("10.255.0.1"));
  CHECK(from("::ffff:10.1.2.3"));
  CHECK(from("2001:db8:1::1"));
  CHECK_FALSE(from("11.0.0.1"));
  CHECK_FALSE(from("2001:db9::1"));
  CHECK_FALSE(from("::10.1.2.3"));
}

TEST_CASE("an unknown address matches no grant and every deny") {
  const auto rules = people_with(R"(
[[grant]]
name = "near"
to = ["alice"]
repos = ["o/near"]
verbs = ["read"]
from = ["0.0.0.0/0", "::/0"]
[[grant]]
name = "any"
to = ["alice"]
repos = ["o/any"]
verbs = ["read"]
[[deny]]
name = "not-from-the-dmz"
to = ["*"]
repos = ["o/any"]
verbs = ["read"]
from = ["192.0.2.0/24"]
)");
  CHECK_FALSE(allows(*rules, kAlice, "o/near", "", Verb::read));
  CHECK_FALSE(allows(*rules, kAlice, "o/any", "", Verb::read));
  CHECK(allows(*rules, kAlice, "o/any", "", Verb::read, *IpAddress::parse("198.51.100.1")));
  CHECK_FALSE(allows(*rules, kAlice, "o/any", "", Verb::read, *IpAddress::parse("192.0.2.9")));
}

TEST_CASE("allowed paths are the union of the grants for that ref and verb") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/*"]
[[grant]]
name = "orders"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
paths = ["apis/orders/**"]
[[grant]]
name = "docs"
to = ["team"]
repos = ["o/r"]
verbs = ["update"]
refs = ["refs/heads/main"]
paths = ["docs/**", "apis/orders/**"]
[[grant]]
name = "free"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
refs = ["refs/heads/alice/*"]
)");
  Decision decision = rules->decide(kAlice, repo("o/r"), "refs/heads/main", Verb::update, {}, kNow);
  CHECK(decision.allowed_paths == std::vector<std::string>{"apis/orders/**", "docs/**"});
  CHECK(decision.rule == "orders,docs");
  // docs gives no create: its paths must not widen a creation.
  decision = rules->decide(kAlice, repo("o/r"), "refs/heads/main", Verb::create, {}, kNow);
  CHECK(decision.allowed_paths == std::vector<std::string>{"apis/orders/**"});
  CHECK(rules->decide(kAlice, repo("o/r"), "refs/heads/x", Verb::update, {}, kNow).allowed_paths.size() == 1);
  // One grant without paths means every path.
  decision = rules->decide(kAlice, repo("o/r"), "refs/heads/alice/x", Verb::update, {}, kNow);
  CHECK(decision.allowed);
  CHECK(decision.allowed_paths.empty());
}

TEST_CASE("a deny with paths is subtracted and denies no ref") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/*"]
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
[[deny]]
name = "no-secrets"
to = ["*"]
repos = ["o/r"]
verbs = ["write"]
paths = ["secrets/**"]
[[deny]]
name = "not-this-branch"
to = ["*"]
repos = ["o/r"]
verbs = ["update"]
refs = ["refs/heads/release"]
paths = ["docs/**"]
)");
  Decision decision = rules->decide(kAlice, repo("o/r"), "refs/heads/main", Verb::update, {}, kNow);
  CHECK(decision.allowed);
  CHECK(decision.denied_paths == std::vector<std::string>{"secrets/**"});
  decision = rules->decide(kAlice, repo("o/r"), "refs/heads/release", Verb::update, {}, kNow);
  CHECK(decision.denied_paths == std::vector<std::string>{"secrets/**", "docs/**"});
}

TEST_CASE("a grant with paths never gives force or delete") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/*"]
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write", "force", "delete"]
paths = ["apis/**"]
)");
  CHECK(allows(*rules, kAlice, "o/r", "refs/heads/x", Verb::update));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/heads/x", Verb::force));
  CHECK_FALSE(allows(*rules, kAlice, "o/r", "refs/heads/x", Verb::delete_));
}

TEST_CASE("creating and deleting are seen by their zero ids") {
  const auto rules = people_with(R"(
[[grant]]
name = "c"
to = ["alice"]
repos = ["o/c"]
verbs = ["create"]
[[grant]]
name = "d"
to = ["alice"]
repos = ["o/d"]
verbs = ["delete"]
[[grant]]
name = "u"
to = ["alice"]
repos = ["o/u"]
verbs = ["update"]
)");
  const auto create = change("refs/heads/x", '0', '1');
  const auto update = change("refs/heads/x", '1', '2');
  const auto remove = change("refs/heads/x", '1', '0');
  const auto allowed = [&](const char* where, const git::RefUpdate& command) {
    return rules->decide_update(kAlice, repo(where), command, {}, kNow).allowed;
  };
  CHECK(allowed("o/c", create));
  CHECK_FALSE(allowed("o/c", update));
  CHECK_FALSE(allowed("o/c", remove));
  CHECK(allowed("o/d", remove));
  CHECK_FALSE(allowed("o/d", create));
  CHECK_FALSE(allowed("o/d", update));
  CHECK(allowed("o/u", update));
  CHECK_FALSE(allowed("o/u", create));
}

TEST_CASE("an update carries every verb granted since only the hook sees force") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/*"]
[[grant]]
name = "u"
to = ["alice"]
repos = ["o/*"]
verbs = ["read", "write"]
paths = ["apis/**"]
[[grant]]
name = "f"
to = ["alice"]
repos = ["o/f", "o/both"]
verbs = ["force"]
[[deny]]
name = "no-update"
to = ["*"]
repos = ["o/f"]
verbs = ["update"]
)");
  const auto update = change("refs/heads/x", '1', '2');
  Decision decision = rules->decide_update(kAlice, repo("o/plain"), update, {}, kNow);
  CHECK(decision.allowed);
  CHECK(decision.verbs == std::vector<Verb>{Verb::read, Verb::create, Verb::update});
  // Where both are granted the stricter paths count.
  decision = rules->decide_update(kAlice, repo("o/both"), update, {}, kNow);
  CHECK(decision.verbs == std::vector<Verb>{Verb::read, Verb::create, Verb::update, Verb::force});
  CHECK(decision.allowed_paths == std::vector<std::string>{"apis/**"});
  // Force alone lets the push go on; the hook refuses it when it turns out to be a plain update.
  decision = rules->decide_update(kAlice, repo("o/f"), update, {}, kNow);
  CHECK(decision.allowed);
  CHECK(decision.verbs == std::vector<Verb>{Verb::read, Verb::create, Verb::force});
  CHECK(decision.rule == "f");
}

TEST_CASE("moving a tag is force") {
  const auto rules = people_with(R"(
[[grant]]
name = "u"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
[[grant]]
name = "f"
to = ["bot"]
repos = ["o/r"]
verbs = ["force"]
)");
  const auto move = change("refs/tags/v1", '1', '2');
  const Decision decision = rules->decide_update(kAlice, repo("o/r"), move, {}, kNow);
  CHECK_FALSE(decision.allowed);
  CHECK(decision.reason == "no grant gives force on refs/tags/v1 of o/r to alice (moving a tag is force)");
  CHECK(rules->decide_update(kAlice, repo("o/r"), change("refs/tags/v1", '0', '2'), {}, kNow).allowed);
  CHECK(rules->decide_update(somebody("bot"), repo("o/r"), move, {}, kNow).allowed);
}

TEST_CASE("any verb shows the advertisement and a whole deny hides it") {
  const auto rules = people_with(R"(
[[grant]]
name = "c"
to = ["alice"]
repos = ["o/*"]
verbs = ["create"]
refs = ["refs/heads/alice/*"]
[[deny]]
name = "gone"
to = ["*"]
repos = ["o/gone"]
verbs = ["read", "write", "force", "delete"]
[[deny]]
name = "partly"
to = ["*"]
repos = ["o/partly"]
verbs = ["read", "write", "force", "delete"]
refs = ["refs/heads/main"]
)");
  CHECK(rules->may_any(kAlice, repo("o/r"), {}, kNow));
  CHECK_FALSE(rules->may_any(kAlice, repo("o/gone"), {}, kNow));
  CHECK(rules->may_any(kAlice, repo("o/partly"), {}, kNow));
  CHECK_FALSE(rules->may_any(somebody("sync"), repo("o/r"), {}, kNow));
}

TEST_CASE("a rule that fits in several ways is counted once") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["*", "alice", "team"]
repos = ["o/r", "o/*", "*/*"]
verbs = ["read"]
)");
  CHECK(rules->decide_read(kAlice, repo("o/r"), {}, kNow).rule == "g");
}

TEST_CASE("the first governed entry that names a repository wins") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/special"]
mode = "observe"
direct = "check"
[[governed]]
repos = ["o/*"]
)");
  CHECK(rules->governance_of(repo("o/special")).mode == Mode::observe);
  CHECK(rules->governance_of(repo("o/special")).direct == DirectWrites::check);
  CHECK(rules->governance_of(repo("o/r")).mode == Mode::enforce);
  CHECK(rules->governance_of(repo("o/r")).direct == DirectWrites::refuse);
  CHECK_FALSE(rules->governance_of(repo("other/r")).governed);
  CHECK_FALSE(rules->governance_of(repo("o/r.wiki")).governed);
}

TEST_CASE("templates are those of the first entry that names the repository") {
  const auto rules = people_with(R"(
[[templates]]
repos = ["o/*"]
root = "apimartifacts"
may_relax = ["unknown-element"]
[[templates]]
repos = ["*/*"]
root = "."
layout = "loose"
)");
  REQUIRE(rules->templates_of(repo("o/r")) != nullptr);
  CHECK(rules->templates_of(repo("o/r"))->root == "apimartifacts");
  CHECK(rules->templates_of(repo("x/r"))->layout == "loose");
  CHECK(rules->templates_of(repo("x/r"))->root.empty());
  CHECK(rules->templates_of(repo("x/r.wiki")) == nullptr);
}

TEST_CASE("a role gives exactly what it lists") {
  const auto rules = people_with(R"(
[[role]]
name = "leads"
to = ["team"]
may = ["admin"]
[[role]]
name = "auditors"
to = ["sync"]
may = ["audit:read"]
)");
  CHECK(rules->may(kAlice, "admin"));
  CHECK_FALSE(rules->may(kAlice, "audit:read"));
  CHECK_FALSE(rules->may(kAlice, ""));
  CHECK(rules->may(somebody("sync"), "audit:read"));
  CHECK_FALSE(rules->may(somebody("sync"), "admin"));
  CHECK_FALSE(rules->may(somebody("nobody"), "audit:read"));
}

TEST_CASE("the digest is of what the rules mean and not of how they are written") {
  const std::string one = R"(
[[grant]]
name = "a"
to = ["alice"]
repos = ["o/a"]
verbs = ["read"]
)";
  const std::string two = R"(
[[grant]]
name = "b"
to = ["sync", "alice"]
repos = ["o/b"]
verbs = ["write"]
)";
  const auto first = people_with(one + two);
  const auto second = people_with("# a remark\n\n" + two + one);
  CHECK(first->digest() == second->digest());
  CHECK(first->digest().size() == 64);
  CHECK(people_with(one)->digest() != first->digest());
}

TEST_CASE("rules survive their JSON") {
  const auto rules = people_with(R"(
[[governed]]
repos = ["o/*"]
mode = "observe"
direct = "authorize"
[[templates]]
repos = ["o/*"]
root = "t"
may_relax = ["unknown-element"]
severity = { doctype = "warning" }
[[role]]
name = "leads"
to = ["team"]
may = ["admin"]
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
paths = ["a/**"]
until = 2027-01-01
from = ["10.0.0.0/8"]
[[deny]]
name = "d"
to = ["*"]
repos = ["**"]
verbs = ["force"]
refs = ["refs/heads/main"]
)");
  const std::string text = rules_to_json(rules->rule_set());
  const auto read = rules_from_json(text);
  REQUIRE(read);
  CHECK(rules_to_json(*read) == text);
  const auto again = AccessRules::make(*read);
  REQUIRE(again);
  CHECK((*again)->digest() == rules->digest());
  for (const char* broken : {"", "{}", "[]", R"({"version":2})", R"({"version":1,"issuers":{}})"}) {
    CHECK_FALSE(rules_from_json(broken));
  }
}

TEST_CASE("explain gives every rule its reason and ends with the decision") {
  const auto rules = people_with(R"(
[[grant]]
name = "other-person"
to = ["sync"]
repos = ["o/r"]
verbs = ["write"]
[[grant]]
name = "other-repo"
to = ["alice"]
repos = ["o/x"]
verbs = ["write"]
[[grant]]
name = "other-ref"
to = ["alice"]
repos = ["o/r"]
verbs = ["write"]
refs = ["refs/heads/alice/*"]
[[grant]]
name = "other-verb"
to = ["alice"]
repos = ["o/r"]
verbs = ["read"]
[[grant]]
name = "ended"
to = ["alice"]
repos = ["o/r"]
verbs = ["update"]
until = 2020-01-01
[[grant]]
name = "elsewhere"
to = ["alice"]
repos = ["o/r"]
verbs = ["update"]
from = ["10.0.0.0/8"]
[[grant]]
name = "this-one"
to = ["team"]
repos = ["o/*"]
verbs = ["update"]
)");
  const auto lines =
      rules->explain(kAlice, repo("o/r"), "refs/heads/main", Verb::update, *IpAddress::parse("192.0.2.1"), kNow);
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.push_back((line.applies ? "+" : "-") + line.rule + ": " + line.because);
  CHECK(texts == std::vector<std::string>{
                     "-grant other-person: is for sync",
                     "-grant other-repo: is about o/x",
                     "-grant other-ref: reaches refs/heads/alice/*",
                     "-grant other-verb: gives only read",
                     "-grant ended: ended at 2020-01-01T00:00:00.000Z",
                     "-grant elsewhere: counts from 10.0.0.0/8, and the caller is at 192.0.2.1",
                     "+grant this-one: grants",
                     "+decision: update on refs/heads/main of o/r is granted by this-one",
                 });
  CHECK(lines.front().origin.line > 0);
}

TEST_CASE("a hundred thousand grants and identities are decided by the few that matter") {
  RuleSet set;
  set.issuers.push_back({"idp", Unnamed::refuse, {}});
  for (int i = 0; i < 100000; ++i) {
    const std::string n = std::to_string(i);
    IdentityRule identity;
    identity.name = "id-" + n;
    identity.issuer = "idp";
    identity.match = {{"oid", "oid-" + n, false}, {"idtyp", "app", false}};
    set.identities.push_back(std::move(identity));
    GrantRule grant;
    grant.name = "grant-" + n;
    grant.to = {"id-" + n};
    grant.repos = {"org-" + std::to_string(i % 1000) + "/repo-" + n};
    grant.verbs = {Verb::read, Verb::create, Verb::update};
    set.grants.push_back(std::move(grant));
  }
  const auto rules = AccessRules::make(std::move(set));
  REQUIRE(rules);
  const auto who = (*rules)->identify(token(claims({{"oid", "oid-77777"}, {"idtyp", "app"}})));
  REQUIRE(std::holds_alternative<identity::Identity>(who));
  const auto& identity = std::get<identity::Identity>(who);
  CHECK(identity.name == "id-77777");
  CHECK((*rules)->decide(identity, repo("org-777/repo-77777"), "refs/heads/main", Verb::update, {}, kNow).allowed);
  CHECK_FALSE(
      (*rules)->decide(identity, repo("org-778/repo-77778"), "refs/heads/main", Verb::update, {}, kNow).allowed);
}

TEST_CASE("a refusal without any grant says so and names a deny only where it would decide") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["*"]
repos = ["*/*"]
verbs = ["read"]
[[deny]]
name = "nobody-rewrites-main"
to = ["*"]
repos = ["*/*"]
verbs = ["force", "delete"]
refs = ["refs/heads/main"]
)");
  const auto judged = [&](char from, char to) {
    return rules->decide_update(kAlice, repo("o/r"), change("refs/heads/main", from, to), {}, kNow);
  };
  CHECK(judged('1', '2').reason == "no grant gives update on refs/heads/main of o/r to alice");
  CHECK(judged('1', '2').rule.empty());
  CHECK(judged('0', '2').reason == "no grant gives create on refs/heads/main of o/r to alice");
  CHECK(judged('1', '0').reason ==
        "no grant gives delete on refs/heads/main of o/r to alice, and it is denied by rule nobody-rewrites-main");
  CHECK(judged('1', '0').rule == "nobody-rewrites-main");
  // `postern access explain` says the same.
  for (const auto& [verb, word] : {std::pair{Verb::update, "no grant gives update on refs/heads/main of o/r to alice"},
                                   std::pair{Verb::delete_,
                                             "no grant gives delete on refs/heads/main of o/r to alice, and it is "
                                             "denied by rule nobody-rewrites-main"}}) {
    const auto lines = rules->explain(kAlice, repo("o/r"), "refs/heads/main", verb, {}, kNow);
    CHECK(lines.back().because == word);
  }
}

TEST_CASE("a deny that takes away what was granted is named") {
  const auto rules = people_with(R"(
[[grant]]
name = "g"
to = ["alice"]
repos = ["o/r"]
verbs = ["force"]
[[deny]]
name = "nobody-rewrites-main"
to = ["*"]
repos = ["*/*"]
verbs = ["force", "delete"]
refs = ["refs/heads/main"]
)");
  const Decision decision = rules->decide_update(kAlice, repo("o/r"), change("refs/heads/main", '1', '2'), {}, kNow);
  CHECK_FALSE(decision.allowed);
  CHECK(decision.rule == "nobody-rewrites-main");
  CHECK(decision.reason == "update on refs/heads/main of o/r is denied by rule nobody-rewrites-main");
}
