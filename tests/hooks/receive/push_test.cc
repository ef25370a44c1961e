// Real `git push` through the real dispatcher into bare repositories. What stands as an attack here was tried before
// the hook was built.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hooks/install/dispatcher.h"
#include "hooks/receive/marker.h"
#include "tests/hooks/receive/push_world.h"

using namespace postern;
using postern::test::GitResult;
using postern::test::PushWorld;
using postern::test::TicketChange;

namespace {

constexpr const char* kGood =
    "<policies>\n  <inbound>\n    <base />\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n  <outbound>\n    "
    "<base />\n"
    "  </outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n";
constexpr const char* kBad =
    "<policies>\n  <inbound>\n    <base />\n    <rate-limitt calls=\"1\" renewal-period=\"60\" />\n  </inbound>\n  "
    "<backend>\n"
    "    <base />\n  </backend>\n  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  "
    "</on-error>\n</policies>\n";
constexpr const char* kPolicyPath = "apim/apis/orders/policy.xml";
const std::string kRepo = "platform/policies";

// A governed repository whose main has one good policy, brought in by a ticket.
struct Governed {
  PushWorld world;
  std::string clone;
  Governed() {
    world.add_repository(kRepo);
    clone = world.clone(kRepo);
    world.write(clone, kPolicyPath, kGood);
    world.write(clone, "docs/readme.md", "hello\n");
    world.commit(clone, "first");
    const GitResult pushed = world.push(clone, kRepo, {"main:refs/heads/main"});
    INFO(pushed.output);
    REQUIRE(pushed.code == 0);
  }
  std::string tip(const std::string& ref = "refs/heads/main") const { return world.rev(world.repository(kRepo), ref); }
};

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

access::TicketGrant grant(std::vector<access::Verb> verbs, std::vector<std::string> paths = {}) {
  return {"orders-grant", std::move(verbs), std::move(paths), {}};
}

const std::vector<access::Verb> kWrite{access::Verb::create, access::Verb::update};

}  // namespace

TEST_CASE("a push with a ticket passes and leaves claim verdict done and marker") {
  Governed at;
  const spool::Spool spool(at.world.spool_directory);
  CHECK(spool.is_claimed(at.world.last_jti));
  const auto verdict = at.world.verdict(at.world.last_jti);
  REQUIRE(verdict.has_value());
  CHECK(verdict->accepted);
  CHECK(verdict->repository == kRepo);
  CHECK(verdict->mode == "enforce");
  REQUIRE(verdict->commands.size() == 1);
  CHECK(verdict->commands[0].accepted);
  CHECK(verdict->commands[0].rule == "all");
  CHECK(verdict->new_commits == std::vector<std::string>{at.tip()});
  CHECK_FALSE(verdict->truncated);
  const auto done = *spool.read_done(at.world.last_jti);
  REQUIRE(done.has_value());
  REQUIRE(done->moved.size() == 1);
  CHECK(done->moved[0].new_id.hex() == at.tip());
  const auto marker = *receive::read_marker(at.world.repository(kRepo));
  REQUIRE(marker.has_value());
  CHECK(marker->id == 7);
  CHECK(marker->name == kRepo);
  // Gogs' own stubs ran too.
  CHECK(read_all(at.world.repository(kRepo) + "/stubs.log") == "pre-receive\nupdate\npost-receive\n");
}

TEST_CASE("a broken policy is refused with file line rule and fix") {
  Governed at;
  const std::string before = at.tip();
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("remote: apim/apis/orders/policy.xml:4:"));
  CHECK(pushed.has("rate-limitt"));
  CHECK(pushed.has("unknown-element"));
  CHECK(pushed.has("remote: fix: "));
  CHECK(pushed.has("! [remote rejected] main -> main (pre-receive hook declined)"));
  CHECK(at.tip() == before);
  const auto verdict = at.world.verdict(at.world.last_jti);
  REQUIRE(verdict.has_value());
  CHECK_FALSE(verdict->accepted);
  CHECK(verdict->commands[0].reason == "policy: 1 error, see above [unknown-element]");
  CHECK(verdict->commands[0].rule == "policy");
  CHECK(verdict->findings == "1 error, 0 warnings");
  CHECK(verdict->new_commits.empty());
  CHECK_FALSE(spool::Spool(at.world.spool_directory).read_done(at.world.last_jti)->has_value());
}

TEST_CASE("a broken document outside the template root is nobody's business") {
  Governed at;
  at.world.write(at.clone, "samples/policy.xml", kBad);
  at.world.commit(at.clone);
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
}

TEST_CASE("a loose layout finds policy documents anywhere by their root element") {
  Governed at;
  access::Templates loose;
  loose.layout = "loose";
  at.world.bundle.templates = {{{"platform/*"}, loose}};
  at.world.publish();
  at.world.write(at.clone, "anywhere/thing.txt", kBad);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("anywhere/thing.txt:4:"));
}

TEST_CASE("one refused ref refuses the other and says so") {
  Governed at;
  at.world.bare_git(at.clone, {"branch", "fine"});
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main", "fine:refs/heads/fine"});
  CHECK(pushed.code != 0);
  CHECK(at.tip("refs/heads/fine").empty());
  const auto verdict = at.world.verdict(at.world.last_jti);
  REQUIRE(verdict.has_value());
  REQUIRE(verdict->commands.size() == 2);
  CHECK(verdict->commands[1].rule == "sibling");
  CHECK(verdict->commands[1].reason.find("another ref") != std::string::npos);
  CHECK(verdict->commands[0].rule == "policy");
}

TEST_CASE("attack 6 - a ticket is worth nothing in a second push") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  access::Ticket kept;
  REQUIRE(
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = [&](access::Ticket& t) { kept = t; }}).code ==
      0);
  const std::string moved_to = at.tip();
  // The ref is put back past everything, so that the very same commands could be sent again.
  at.world.bare_git(at.world.repository(kRepo), {"update-ref", "refs/heads/main", moved_to + "~1"});
  const GitResult again =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = [&](access::Ticket& t) { t = kept; }});
  CHECK(again.code != 0);
  CHECK(again.has("the ticket was used before"));
  CHECK(at.tip() != moved_to);
  // The first push's verdict still stands.
  CHECK(at.world.verdict(kept.jti)->accepted);
}

TEST_CASE("attack 6 - a ticket is worth nothing for another ref repository or issuer") {
  Governed at;
  at.world.add_repository("platform/other");
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const access::Ticket main = at.world.ticket_for(at.clone, kRepo, {"main:refs/heads/main"});
  const auto with = [&](auto edit) { return TicketChange{.edit = edit}; };
  const GitResult ref =
      at.world.push(at.clone, kRepo, {"main:refs/heads/side"}, with([&](access::Ticket& t) { t = main; }));
  CHECK(ref.has("the ticket is for other commands than these"));
  const GitResult repository =
      at.world.push(at.clone, "platform/other", {"main:refs/heads/main"}, with([&](access::Ticket& t) { t = main; }));
  CHECK(repository.has("the ticket is for another repository"));
  const GitResult issuer = at.world.push(at.clone, kRepo, {"main:refs/heads/main"},
                                         with([](access::Ticket& t) { t.issuer = "https://evil.example"; }));
  CHECK(issuer.has("the ticket is of another gateway"));
  const GitResult id =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, with([](access::Ticket& t) { t.repo_id = 8; }));
  CHECK(id.has("Gogs id"));
  for (const GitResult* result : {&ref, &repository, &issuer, &id}) CHECK(result->code != 0);
  // None of them was claimed: the honest push may still use it.
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, with([&](access::Ticket& t) { t = main; })).code == 0);
}

TEST_CASE("attack 6 - a ticket is worth nothing after its expiry or under another key") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult late = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = [](access::Ticket& t) {
                                         t.issued_at -= std::chrono::hours(2);
                                         t.expires_at = t.issued_at + std::chrono::hours(1);
                                       }});
  CHECK(late.code != 0);
  CHECK(late.has("the ticket expired at"));
  const GitResult early = at.world.push(at.clone, kRepo, {"main:refs/heads/main"},
                                        {.edit = [](access::Ticket& t) { t.issued_at += std::chrono::minutes(6); }});
  CHECK(early.code != 0);
  CHECK(early.has("the ticket is from the future"));
  const auto stranger = *identity::SigningKey::generate_ed25519();
  const GitResult forged = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.key = &stranger});
  CHECK(forged.code != 0);
  CHECK(forged.has("fix: "));
  const std::string one =
      "postern-ticket=" + at.world.sign(at.world.ticket_for(at.clone, kRepo, {"main:refs/heads/main"}));
  const GitResult two = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.more_options = {one}});
  CHECK(two.code != 0);
  CHECK(at.world.rev(at.clone, "main") != at.tip());
}

TEST_CASE("attack 7 - a merge by Gogs itself to a commit that a ticket once brought is a direct write") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/side"}).code == 0);
  const GitResult merge = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "");
  CHECK(merge.code != 0);
  CHECK(merge.has("direct writes are refused here (Gogs itself)"));
  CHECK(merge.has("fix: push through https://git.example.com/platform/policies.git"));
}

TEST_CASE("attack 10 - a forbidden path inside commits that are there already is judged by the tree") {
  Governed at;
  at.world.write(at.clone, "secret/keys.txt", "x\n");
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/agent"}).code == 0);
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"},
                    {.edit = [](access::Ticket& t) { t.grants = {grant(kWrite, {"apim/apis/orders/**"})}; }});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("path not granted: secret/keys.txt"));
  CHECK(at.world.verdict(at.world.last_jti)->commands[0].reason == "path secret/keys.txt not granted [orders-grant]");
}

TEST_CASE("attack 11 - a created branch is judged from its merge base and without one whole") {
  Governed at;
  const auto limited = [](access::Ticket& t) { t.grants = {grant(kWrite, {"apim/apis/orders/**"})}; };
  at.world.write(at.clone, "secret/keys.txt", "x\n");
  at.world.commit(at.clone);
  const GitResult created = at.world.push(at.clone, kRepo, {"main:refs/heads/new"}, {.edit = limited});
  CHECK(created.code != 0);
  CHECK(created.has("path not granted: secret/keys.txt"));
  // Only what the branch adds counts, not all that main has.
  at.world.bare_git(at.clone, {"checkout", "-q", "-b", "orders", at.tip()});
  at.world.write(at.clone, "apim/apis/orders/operations/get/policy.xml", kGood);
  at.world.commit(at.clone);
  CHECK(at.world.push(at.clone, kRepo, {"orders:refs/heads/orders"}, {.edit = limited}).code == 0);
  // No common history: every path counts that the default branch does not have alike.
  at.world.bare_git(at.clone, {"checkout", "-q", "--orphan", "alone"});
  at.world.write(at.clone, "docs/readme.md", "alone\n");
  at.world.commit(at.clone);
  const GitResult orphan = at.world.push(at.clone, kRepo, {"alone:refs/heads/alone"}, {.edit = limited});
  CHECK(orphan.code != 0);
  CHECK(orphan.has("docs/readme.md"));
}

TEST_CASE("both names of a rename and a changed mode count as written") {
  Governed at;
  const auto limited = [](access::Ticket& t) { t.grants = {grant(kWrite, {"apim/apis/orders/**"})}; };
  at.world.bare_git(at.clone, {"mv", "docs/readme.md", "apim/apis/orders/readme.md"});
  at.world.commit(at.clone);
  const GitResult moved = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = limited});
  CHECK(moved.code != 0);
  CHECK(moved.has("path not granted: docs/readme.md"));
  at.world.bare_git(at.clone, {"reset", "-q", "--hard", "HEAD~1"});
  at.world.bare_git(at.clone, {"update-index", "--chmod=+x", "docs/readme.md"});
  at.world.bare_git(at.clone, {"commit", "-q", "-m", "mode"});
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = limited}).code != 0);
}

TEST_CASE("merging the default branch into a side branch writes nothing of it") {
  Governed at;
  const auto limited = [](access::Ticket& t) { t.grants = {grant(kWrite, {"apim/apis/orders/**"})}; };
  at.world.bare_git(at.clone, {"branch", "side"});
  REQUIRE(at.world.push(at.clone, kRepo, {"side:refs/heads/side"}).code == 0);
  at.world.write(at.clone, "docs/other.md", "other\n");
  at.world.bare_git(at.clone, {"rm", "-q", "docs/readme.md"});
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  at.world.bare_git(at.clone, {"checkout", "-q", "side"});
  at.world.write(at.clone, "apim/apis/orders/operations/get/policy.xml", kGood);
  at.world.commit(at.clone);
  at.world.bare_git(at.clone, {"merge", "-q", "--no-edit", "main"});
  const GitResult pushed = at.world.push(at.clone, kRepo, {"side:refs/heads/side"}, {.edit = limited});
  INFO(pushed.output);
  CHECK(pushed.code == 0);
}

TEST_CASE("a denied path is subtracted from what is granted") {
  Governed at;
  at.world.write(at.clone, "apim/apis/orders/operations/pay/policy.xml", kGood);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = [](access::Ticket& t) {
                                           t.grants = {{"g", kWrite, {"apim/**"}, {"apim/apis/*/operations/pay/**"}}};
                                         }});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("path not granted: apim/apis/orders/operations/pay/policy.xml"));
}

TEST_CASE("a force push needs the verb force and moving a tag is one") {
  Governed at;
  const auto writer = [](access::Ticket& t) { t.grants = {grant(kWrite)}; };
  at.world.bare_git(at.clone, {"tag", "v1"});
  REQUIRE(at.world.push(at.clone, kRepo, {"v1:refs/tags/v1"}, {.edit = writer}).code == 0);
  at.world.bare_git(at.clone, {"commit", "-q", "--amend", "-m", "rewritten"});
  const GitResult forced = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = writer, .force = true});
  CHECK(forced.code != 0);
  CHECK(forced.has("force is not granted on this ref [orders-grant]"));
  CHECK(at.world.verdict(at.world.last_jti)->commands[0].forced);
  const GitResult tag = at.world.push(at.clone, kRepo, {"main:refs/tags/v1"}, {.edit = writer, .force = true});
  CHECK(tag.code != 0);
  CHECK(tag.has("a tag that moves"));
  const GitResult granted = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.force = true});
  CHECK(granted.code == 0);
  CHECK(at.world.verdict(at.world.last_jti)->commands[0].forced);
}

TEST_CASE("a deletion needs the verb delete") {
  Governed at;
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/side"}).code == 0);
  const GitResult refused = at.world.push(at.clone, kRepo, {":refs/heads/side"},
                                          {.edit = [](access::Ticket& t) { t.grants = {grant(kWrite)}; }});
  CHECK(refused.code != 0);
  CHECK(refused.has("delete is not granted on this ref"));
  CHECK(at.world.push(at.clone, kRepo, {":refs/heads/side"}).code == 0);
  CHECK(at.tip("refs/heads/side").empty());
}

TEST_CASE("attack 12 - replace refs are refused and every read ignores them") {
  Governed at;
  const std::string good = at.tip();
  at.world.write(at.clone, "secret/keys.txt", "x\n");
  const std::string evil = at.world.commit(at.clone);
  const GitResult replace = at.world.push(at.clone, kRepo, {good + ":refs/replace/" + evil});
  CHECK(replace.code != 0);
  CHECK(replace.has("refs/replace/ is never accepted"));
  // Even where one stands already, the commit itself is judged.
  at.world.bare_git(at.world.repository(kRepo), {"fetch", "-q", at.clone, "main:refs/tmp/x"});
  at.world.bare_git(at.world.repository(kRepo), {"update-ref", "refs/replace/" + evil, good});
  at.world.bare_git(at.world.repository(kRepo), {"update-ref", "-d", "refs/tmp/x"});
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"},
                                         {.edit = [](access::Ticket& t) { t.grants = {grant(kWrite, {"apim/**"})}; }});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("path not granted: secret/keys.txt"));
}

TEST_CASE("attack 13 - a pull request head is let in only when Gogs itself pushes it") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult person = at.world.direct_push(at.clone, kRepo, {"main:refs/pull/3/head"}, "mallory");
  CHECK(person.code != 0);
  CHECK(person.has("direct writes are refused here (account mallory)"));
  const GitResult gogs = at.world.direct_push(at.clone, kRepo, {"main:refs/pull/3/head"}, "");
  CHECK(gogs.code == 0);
  // Nor may Gogs' own hand take a branch along.
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/pull/4/head", "main:refs/heads/main"}, "").code != 0);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/pull/x/head"}, "").code != 0);
  bool recorded = false;
  for (const spool::Verdict& verdict : at.world.verdicts()) {
    recorded = recorded || (verdict.accepted && verdict.writer == "gogs:internal" &&
                            verdict.commands[0].rule == "pull-head" && verdict.id.starts_with("direct-"));
  }
  CHECK(recorded);
}

TEST_CASE("attack 14 - a renamed repository is refused under any name") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  for (const std::string name : {"free/policies", "platform/renamed"}) {
    std::filesystem::create_directories(std::filesystem::path(at.world.repository(name)).parent_path());
    std::filesystem::rename(at.world.repository(kRepo), at.world.repository(name));
    const GitResult direct = at.world.direct_push(at.clone, name, {"main:refs/heads/main"});
    CHECK(direct.code != 0);
    CHECK(direct.has("this repository is marked as platform/policies"));
    CHECK(direct.has("fix: ask the administrator: postern-hook install --rebind " + name));
    CHECK(at.world.push(at.clone, name, {"main:refs/heads/main"}).code != 0);
    std::filesystem::rename(at.world.repository(name), at.world.repository(kRepo));
  }
  // Another repository that took the name has another id, or no marker and a ticket for the old id.
  const GitResult other =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.environment = {{"GOGS_REPO_ID", "9"}}});
  CHECK(other.code != 0);
  CHECK(other.has("another Gogs id"));
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
}

TEST_CASE("attack 15 - a branch deleted or a tag made past pre-receive is refused and gc still works") {
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/side"}).code == 0);
  const GitResult branch = at.world.git(repository, {"branch", "-D", "side"});
  CHECK(branch.has("direct writes are refused here"));
  CHECK_FALSE(at.tip("refs/heads/side").empty());
  const GitResult tag = at.world.git(repository, {"tag", "v9"});
  CHECK(tag.code != 0);
  CHECK(at.tip("refs/tags/v9").empty());
  CHECK(at.world.git(repository, {"update-ref", "refs/heads/main", at.tip() + "^{commit}", at.tip()}).code != 0);
  // A ref whose name looks like the programs that are let through.
  CHECK(at.world.git(repository, {"tag", "receive-pack"}).code != 0);
  CHECK(at.world.git(repository, {"tag", "pack-refs"}).code != 0);
  CHECK(at.world.git(repository, {"branch", "git-receive-pack"}).code != 0);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"pack-refs", "--all"}, {"gc", "-q"}, {"-c", "a.b=c", "pack-refs", "--all"}}) {
    const GitResult done = at.world.git(repository, command);
    INFO(done.output);
    CHECK(done.code == 0);
  }
  // Packed now, and still to be deleted by nobody.
  at.world.git(repository, {"branch", "-D", "side"});
  CHECK_FALSE(at.tip("refs/heads/side").empty());
  CHECK_FALSE(at.tip().empty());
}

TEST_CASE("attack 16 - who comes past the gateway to receive-pack is a direct writer") {
  Governed at;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/reader"}, "read-only-user");
  CHECK(pushed.code != 0);
  CHECK(pushed.has("account read-only-user"));
}

TEST_CASE("attack 17 - a huge blob at a policy path is refused by its header with the limit") {
  Governed at;
  at.world.bundle.limits.blob_bytes = 1 << 20;
  at.world.publish();
  at.world.write(at.clone, kPolicyPath, std::string(8 << 20, ' '));
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("limit blob (1MiB) reached"));
  CHECK(pushed.has("fix: "));
}

TEST_CASE("attack 17 - too many paths are refused with the limit") {
  Governed at;
  at.world.bundle.limits.paths = 50;
  at.world.publish();
  for (int i = 0; i < 60; ++i) at.world.write(at.clone, "many/" + std::to_string(i), std::to_string(i));
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("limit paths"));
}

TEST_CASE("attack 17 - memory is limited and the limit named") {
#ifdef POSTERN_SANITIZED
  WARN("SKIPPED: the sanitizers reserve more memory than the limit");
#else
  Governed at;
  at.world.bundle.limits.memory_bytes = 6 << 20;
  at.world.bundle.limits.blob_bytes = 64 << 20;
  at.world.publish();
  std::string big = "<policies><inbound>";
  for (int i = 0; i < 300000; ++i) big += "<set-header name=\"a\" />";
  at.world.write(at.clone, kPolicyPath, big);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output.substr(0, 2000));
  CHECK(pushed.code != 0);
  CHECK(pushed.has("limit memory"));
#endif
}

TEST_CASE("an LFS pointer at a policy path is refused") {
  Governed at;
  at.world.write(at.clone, kPolicyPath,
                 "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 12\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("lfs-pointer"));
}

TEST_CASE("a symbolic link at a policy path is refused") {
  Governed at;
  std::filesystem::remove(at.clone + "/" + kPolicyPath);
  std::filesystem::create_symlink("../../../docs/readme.md", at.clone + "/" + kPolicyPath);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("must be a regular file"));
}

TEST_CASE("observe mode lets everything pass and says what would have been refused") {
  Governed at;
  at.world.bundle.governed[0].governance.mode = access::Mode::observe;
  at.world.publish();
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code == 0);
  CHECK(pushed.has("postern (observe): would be refused: refs/heads/main: policy: 1 error"));
  const auto verdict = at.world.verdict(at.world.last_jti);
  CHECK(verdict->mode == "observe");
  CHECK(verdict->accepted);
  CHECK_FALSE(verdict->commands[0].accepted);
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  CHECK(at.world.git(at.world.repository(kRepo), {"tag", "v9"}).code == 0);
  // A failure of our own passes too.
  std::filesystem::remove_all(at.world.spool_directory);
  at.world.write(at.clone, "docs/b.md", "b\n");
  at.world.commit(at.clone);
  const GitResult failed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(failed.code == 0);
  CHECK(failed.has("would be refused"));
}

TEST_CASE("no spool no access") {
  Governed at;
  std::filesystem::remove_all(at.world.spool_directory);
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("fix: "));
}

TEST_CASE("without a readable bundle every write but a wiki's is refused and the file named") {
  Governed at;
  at.world.add_repository("free/thing");
  at.world.add_repository("free/thing.wiki");
  std::filesystem::remove_all(at.world.bundle_directory);
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult governed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(governed.code != 0);
  CHECK(governed.has(at.world.bundle_directory));
  CHECK(at.world.direct_push(at.clone, "free/thing", {"main:refs/heads/main"}).code != 0);
  CHECK(at.world.direct_push(at.clone, "free/thing.wiki", {"main:refs/heads/master"}, "").code == 0);
}

TEST_CASE("an ungoverned repository and a wiki notice nothing") {
  Governed at;
  for (const std::string name : {"free/thing", "platform/policies.wiki"}) {
    at.world.add_repository(name);
    const GitResult pushed = at.world.direct_push(at.clone, name, {"main:refs/heads/main"}, "anybody");
    CHECK(pushed.code == 0);
    CHECK_FALSE(pushed.has("remote:"));
    CHECK(at.world.git(at.world.repository(name), {"tag", "v1"}).code == 0);
    CHECK(read_all(at.world.repository(name) + "/stubs.log") == "pre-receive\nupdate\npost-receive\n");
  }
}

TEST_CASE("outside the root the dispatcher only goes on to the repository's own hooks") {
  Governed at;
  const std::string outside = at.world.directory + "/outside.git";
  at.world.bare_git(at.world.directory, {"init", "-q", "--bare", outside});
  std::ofstream(outside + "/hooks/pre-receive") << "#!/bin/sh\necho own hook\ncat\nexit 1\n";
  std::filesystem::permissions(outside + "/hooks/pre-receive", std::filesystem::perms::owner_all);
  std::filesystem::remove_all(at.world.bundle_directory);
  const GitResult pushed = at.world.git(at.clone, {"push", outside, "main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("own hook"));
  CHECK(pushed.has("refs/heads/main"));  // standard input goes on whole
  // Client-side hooks too.
  std::ofstream(at.clone + "/.git/hooks/commit-msg") << "#!/bin/sh\necho client hook\n";
  std::filesystem::permissions(at.clone + "/.git/hooks/commit-msg", std::filesystem::perms::owner_all);
  const GitResult committed = at.world.git(at.clone, {"commit", "-q", "--allow-empty", "-m", "x"});
  CHECK(committed.code == 0);
  CHECK(committed.has("client hook"));
}

TEST_CASE("a stub that refuses still refuses and its non-executable form too") {
  Governed at;
  const std::string stub = at.world.repository(kRepo) + "/hooks/pre-receive";
  std::ofstream(stub, std::ios::trunc) << "#!/bin/sh\necho branch is protected\nexit 1\n";
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(refused.code != 0);
  CHECK(refused.has("branch is protected"));
  CHECK(at.world.verdict(at.world.last_jti)->accepted);  // a verdict alone is never an outcome
  CHECK_FALSE(spool::Spool(at.world.spool_directory).read_done(at.world.last_jti)->has_value());
  std::filesystem::permissions(stub, std::filesystem::perms::owner_read);
  const GitResult silent = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(silent.code != 0);
  CHECK(silent.has("hook is not executable"));
}

TEST_CASE("a shallow repository is refused in plain words") {
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  std::ofstream(repository + "/shallow") << at.tip() << "\n";
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(refused.code != 0);
  INFO(refused.output);
  CHECK(
      refused.has("could not judge: the repository is shallow, so what a push changes cannot be told; git fetch "
                  "--unshallow brings the rest"));
}

TEST_CASE("a partial repository is refused in plain words") {
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  at.world.bare_git(repository, {"config", "core.repositoryFormatVersion", "1"});
  at.world.bare_git(repository, {"config", "extensions.partialClone", "origin"});
  at.world.bare_git(repository, {"config", "remote.origin.url", "/nonexistent"});
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(refused.code != 0);
  INFO(refused.output);
  CHECK(refused.has("unsupported extension name extensions.partialclone"));
  CHECK(refused.has("accepted: a complete repository of SHA-1 objects"));
}

TEST_CASE("a repository of another owner is judged like any other") {
  if (::geteuid() != 0) {
    WARN("SKIPPED: only root can give a repository away");
    return;
  }
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  REQUIRE(std::system(("chown -R nobody " + install::shell_quote(repository)).c_str()) == 0);
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(refused.output);
  CHECK(refused.code != 0);
  CHECK(refused.has("[unknown-element]"));
}

TEST_CASE("the own hook gets the standard input byte for byte and none of our limits") {
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  for (const std::string name : {"pre-receive", "post-receive"}) {
    std::ofstream(repository + "/hooks/" + name, std::ios::trunc)
        << "#!/bin/sh\ncat >>\"" + repository + "/" + name + ".input\"\nulimit -S -d >\"" + repository + "/" + name +
               ".data\"\nulimit -S -t >\"" + repository + "/" + name + ".cpu\"\n";
  }
  const std::string before = at.world.rev(repository, "refs/heads/main");
  at.world.write(at.clone, "docs/a.md", "a\n");
  const std::string after = at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  REQUIRE(pushed.code == 0);
  const auto text = [&](const std::string& name) { return read_all(repository + "/" + name); };
  for (const std::string name : {"pre-receive", "post-receive"}) {
    CHECK(text(name + ".input") == before + " " + after + " refs/heads/main\n");
    CHECK(text(name + ".data") == "unlimited\n");
    CHECK(text(name + ".cpu") == "unlimited\n");
  }
}

TEST_CASE("an own hook without a first line runs as git would run it") {
  Governed at;
  const std::string repository = at.world.repository(kRepo);
  std::ofstream(repository + "/hooks/pre-receive", std::ios::trunc) << "echo ran by the shell\n";
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code == 0);
  CHECK(pushed.has("ran by the shell"));
}

TEST_CASE("a program that cannot be run refuses and says so") {
  Governed at;
  const std::string script =
      install::dispatcher_script({"/nonexistent/postern-hook", at.world.bundle_directory, at.world.spool_directory,
                                  at.world.root, at.world.hooks + "/paused-until"});
  std::ofstream(at.world.hooks + "/pre-receive", std::ios::trunc) << script;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(refused.code != 0);
  CHECK(refused.has("postern: refused: /nonexistent/postern-hook cannot be run"));
  CHECK(refused.has("fix: ask the administrator: postern-hook status"));
  CHECK(refused.has("[remote rejected]"));
}

TEST_CASE("an empty file in the place of the program refuses too") {
  Governed at;
  const std::string program = at.world.hooks + "/emptied";
  std::ofstream(program).flush();
  std::filesystem::permissions(program, std::filesystem::perms(0755));
  const std::string script = install::dispatcher_script(
      {program, at.world.bundle_directory, at.world.spool_directory, at.world.root, at.world.hooks + "/paused-until"});
  std::ofstream(at.world.hooks + "/pre-receive", std::ios::trunc) << script;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult refused = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(refused.code != 0);
  CHECK(refused.has("emptied cannot be run"));
}

TEST_CASE("a program that cannot be run does not take the own post-receive away") {
  Governed at;
  const std::string script =
      install::dispatcher_script({"/nonexistent/postern-hook", at.world.bundle_directory, at.world.spool_directory,
                                  at.world.root, at.world.hooks + "/paused-until"});
  std::ofstream(at.world.hooks + "/post-receive", std::ios::trunc) << script;
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code == 0);
  CHECK(pushed.has("nothing records what moved"));
  CHECK(read_all(at.world.repository(kRepo) + "/stubs.log").find("post-receive\n") != std::string::npos);
}

TEST_CASE("the first refs of an empty repository are let in and recorded then the door closes") {
  PushWorld world;
  world.add_repository("platform/new");
  world.add_repository("free/src");
  const std::string clone = world.clone("free/src");
  world.write(clone, "README.md", "x\n");
  world.commit(clone);
  const GitResult first = world.direct_push(clone, "platform/new", {"main:refs/heads/main"}, "");
  INFO(first.output);
  CHECK(first.code == 0);
  const auto verdicts = world.verdicts();
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].commands[0].rule == "first-refs");
  CHECK(spool::Spool(world.spool_directory).read_done(verdicts[0].id)->has_value());
  world.write(clone, "README.md", "y\n");
  world.commit(clone);
  CHECK(world.direct_push(clone, "platform/new", {"main:refs/heads/main"}, "").code != 0);
}

TEST_CASE("a fork works and a mirror still fetches") {
  Governed at;
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/side"}).code == 0);
  const GitResult fork = at.world.git(
      at.world.directory, {"clone", "-q", "--bare", at.world.repository(kRepo), at.world.repository("platform/fork")});
  INFO(fork.output);
  CHECK(fork.code == 0);
  CHECK(at.world.rev(at.world.repository("platform/fork"), "refs/heads/side") == at.tip("refs/heads/side"));
  CHECK_FALSE(std::filesystem::exists(at.world.repository("platform/fork") + "/postern.json"));
  const GitResult mirror = at.world.git(at.world.directory, {"clone", "-q", "--mirror", at.world.repository(kRepo),
                                                             at.world.repository("platform/mirror")});
  CHECK(mirror.code == 0);
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  const GitResult sync = at.world.git(at.world.repository("platform/mirror"), {"remote", "update", "--prune"});
  INFO(sync.output);
  CHECK(sync.code == 0);
  CHECK(at.world.rev(at.world.repository("platform/mirror"), "refs/heads/main") == at.tip());
  // A plain fetch into a repository that is no mirror moves no ref of it.
  const GitResult fetch =
      at.world.git(at.world.repository("platform/fork"), {"fetch", at.world.repository(kRepo), "main:refs/heads/main"});
  CHECK(fetch.code != 0);
}

TEST_CASE("direct writes under check are judged by templates alone") {
  Governed at;
  at.world.bundle.governed[0].governance.direct = access::DirectWrites::check;
  at.world.publish();
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const GitResult bad = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "");
  CHECK(bad.code != 0);
  CHECK(bad.has("unknown-element"));
}

TEST_CASE("direct writes under authorize follow the rules of the Gogs account") {
  Governed at;
  at.world.bundle.governed[0].governance.direct = access::DirectWrites::authorize;
  at.world.rules.issuers = {{"entra", access::Unnamed::refuse, {}}};
  access::IdentityRule alice;
  alice.name = "alice";
  alice.issuer = "entra";
  alice.match = {{"oid", "1", false}};
  alice.gogs_user = "alice";
  at.world.rules.identities = {alice};
  access::GrantRule rule;
  rule.name = "alice-orders";
  rule.to = {"alice"};
  rule.repos = {"platform/*"};
  rule.verbs = {access::Verb::create, access::Verb::update};
  rule.paths = {"apim/apis/orders/**"};
  at.world.rules.grants = {rule};
  at.world.publish();
  at.world.write(at.clone, "apim/apis/orders/operations/get/policy.xml", kGood);
  at.world.commit(at.clone);
  const GitResult alice_push = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "Alice");
  INFO(alice_push.output);
  CHECK(alice_push.code == 0);
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "alice").has("path not granted: docs/a.md"));
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "bob").code != 0);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "").code != 0);
}

TEST_CASE("a pause lets everything pass and records it") {
  Governed at;
  std::ofstream(at.world.hooks + "/paused-until") << "99999999999 2999-01-01T00:00:00Z\n";
  at.world.write(at.clone, "docs/a.md", "a\n");
  at.world.commit(at.clone);
  const GitResult paused = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(paused.output);
  CHECK(paused.code == 0);
  CHECK(paused.has("postern (paused until 2999-01-01T00:00:00Z): would be refused"));
  bool recorded = false;
  for (const spool::Verdict& verdict : at.world.verdicts()) recorded = recorded || verdict.writer == "svc";
  CHECK(recorded);
  std::ofstream(at.world.hooks + "/paused-until", std::ios::trunc) << "1000000000 2001-09-09T01:46:40Z\n";
  at.world.write(at.clone, "docs/b.md", "b\n");
  at.world.commit(at.clone);
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}).code != 0);
}

TEST_CASE("an annotated tag is judged by the commit it leads to") {
  Governed at;
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  at.world.bare_git(at.clone, {"tag", "-a", "-m", "v2", "v2"});
  const GitResult pushed = at.world.push(at.clone, kRepo, {"v2:refs/tags/v2"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("unknown-element"));
}

TEST_CASE("attack 5 - a push that switches a rule off and needs it is judged by the settings before it") {
  Governed at;
  at.world.bundle.templates[0].templates.may_relax = {"unknown-element"};
  at.world.publish();
  const auto relaxed = [](access::Ticket& t) { t.settings.may_relax = {"unknown-element"}; };
  at.world.write(at.clone, "postern-policy.toml", "[severity]\nunknown-element = \"off\"\n");
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = relaxed}).code != 0);
  // Alone first, then the policy: the platform lets this repository do that.
  at.world.bare_git(at.clone, {"checkout", "-q", "HEAD~1", "--", kPolicyPath});
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = relaxed}).code == 0);
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  // Not where the platform does not.
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code != 0);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = relaxed});
  INFO(pushed.output);
  CHECK(pushed.code == 0);
}

TEST_CASE("what a comment or the baseline takes away is counted for the pusher and in the verdict") {
  Governed at;
  const std::string allowed =
      "<policies>\n  <inbound>\n    <base />\n    <!-- postern-allow unknown-element until 2999-12-31: a trial -->\n"
      "    <rate-limitt calls=\"1\" renewal-period=\"60\" />\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n"
      "  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n";
  // The baseline of what stands there, then that very document and one whose finding is suppressed.
  at.world.write(at.clone, "apim/apis/stock/policy.xml", kBad);
  const std::string command = "cd " + at.clone +
                              " && " POSTERN_BIN_DIR
                              "/postern-check --root apim --write-baseline postern-baseline.json 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  std::filesystem::remove_all(at.clone + "/apim/apis/stock");
  at.world.commit(at.clone, "baseline");
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  CHECK(at.world.verdict(at.world.last_jti)->findings.empty());
  at.world.write(at.clone, "apim/apis/stock/policy.xml", kBad);
  at.world.write(at.clone, kPolicyPath, allowed);
  at.world.commit(at.clone);
  at.world.bare_git(at.clone, {"branch", "other"});
  const auto relaxed = [](access::Ticket& ticket) { ticket.settings.may_relax = {"unknown-element"}; };
  // Two refs with the same documents count them once.
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main", "other:refs/heads/other"}, {.edit = relaxed});
  INFO(pushed.output);
  CHECK(pushed.code == 0);
  CHECK(pushed.has("remote: postern: 0 errors, 0 warnings, 1 suppressed, 1 in the baseline"));
  CHECK(at.world.verdict(at.world.last_jti)->findings == "0 errors, 0 warnings, 1 suppressed, 1 in the baseline");
}

TEST_CASE("settings that cannot be read are refused when they come") {
  Governed at;
  at.world.write(at.clone, "postern-policy.toml", "[severity\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("fix: correct postern-policy.toml"));
}

TEST_CASE("guardrails of the settings before the push judge it and not those it brings") {
  Governed at;
  const auto with = [](const std::string& host) {
    return std::string("<policies>\n  <inbound>\n    <base />\n    <set-backend-service base-url=\"https://") + host +
           "/\" />\n  </inbound>\n</policies>\n";
  };
  at.world.write(at.clone, "postern-policy.toml", "allowed_hosts = [\"*.contoso.com\"]\n");
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  at.world.write(at.clone, kPolicyPath, with("orders.contoso.com"));
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/heads/main"}).code == 0);
  // Another host, and the permission for it, in one push.
  at.world.write(at.clone, "postern-policy.toml", "allowed_hosts = [\"*.contoso.com\", \"paste.example.net\"]\n");
  at.world.write(at.clone, kPolicyPath, with("paste.example.net"));
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("leads to 'paste.example.net:443', which is no allowed host"));
  CHECK(pushed.has("fix: allowed: '*.contoso.com'"));
}

TEST_CASE("settings with a mistaken guardrail are refused with line and key") {
  Governed at;
  at.world.write(at.clone, "postern-policy.toml", "\nallowed_host = []\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  CHECK(pushed.code != 0);
  CHECK(pushed.has("postern-policy.toml: line 2: unknown key 'allowed_host'; accepted: "));
}
