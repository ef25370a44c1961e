// Pushes that git itself lets through and that say something else than they seem to: each was seen to pass, or to be
// passed over, before its mend.
#include <catch2/catch.hpp>
#include <filesystem>

#include "gateway/base/encoding.h"
#include "tests/hooks/receive/push_world.h"

using namespace postern;
using postern::test::GitResult;
using postern::test::PushWorld;

namespace {

constexpr const char* kGood = "<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n";
constexpr const char* kBad = "<policies>\n  <inbound>\n    <rate-limitt calls=\"1\" />\n  </inbound>\n</policies>\n";
constexpr const char* kPolicyPath = "apim/apis/orders/policy.xml";
const std::string kRepo = "platform/policies";

struct Entry {
  std::string mode, name, id;
};

// A governed repository that checks objects as `postern-hook install` has it, with one good policy on main.
struct Attacked {
  PushWorld world;
  std::string clone;
  Attacked() {
    world.bare_git(world.add_repository(kRepo), {"config", "receive.fsckObjects", "true"});
    clone = world.clone(kRepo);
    world.write(clone, kPolicyPath, kGood);
    world.commit(clone, "first");
    const GitResult pushed = world.push(clone, kRepo, {"main:refs/heads/main"});
    INFO(pushed.output);
    REQUIRE(pushed.code == 0);
  }
  std::string tip(const std::string& ref = "refs/heads/main") const { return world.rev(world.repository(kRepo), ref); }
  std::string one_line(const std::vector<std::string>& arguments) const {
    std::string line = world.bare_git(clone, arguments).output;
    while (line.ends_with('\n')) line.pop_back();
    REQUIRE(line.size() == 40);
    return line;
  }
  // A tree of exactly these entries, in this order.
  std::string tree(const std::vector<Entry>& entries) const {
    std::string bytes;
    for (const Entry& entry : entries) {
      bytes += entry.mode + " " + entry.name;
      bytes += '\0';
      bytes += *hex_decode(entry.id);
    }
    world.write(world.directory, "raw-tree", bytes);
    return one_line({"hash-object", "-t", "tree", "-w", "--literally", world.directory + "/raw-tree"});
  }
  std::string blob(const std::string& text) const {
    world.write(world.directory, "raw-blob", text);
    return one_line({"hash-object", "-w", world.directory + "/raw-blob"});
  }
  // A commit of that tree on top of main, named `branch` in the clone.
  void commit_tree(const std::string& tree, const std::string& branch) const {
    const std::string commit = one_line({"commit-tree", "-m", "made by hand", "-p", tip(), tree});
    REQUIRE(world.bare_git(clone, {"branch", "-f", branch, commit}).code == 0);
  }
};

const std::vector<access::Verb> kWrite{access::Verb::create, access::Verb::update};

}  // namespace

// git takes every mode of the type "directory" for a directory; a reader that knows 40000 alone sees one odd entry, and
// neither the paths nor the documents below it. receive.fsckObjects only notes such a mode.
TEST_CASE("a folder of an odd mode hides no document from the judge") {
  Attacked at;
  const std::string api = at.tree({{"100644", "policy.xml", at.blob(kBad)}});
  const std::string apis = at.tree({{"40755", "orders", api}});
  const std::string root = at.tree({{"40000", "apim", at.tree({{"40755", "apis", apis}})}});
  at.commit_tree(root, "odd");
  const GitResult pushed = at.world.push(at.clone, kRepo, {"odd:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("apim/apis/orders/policy.xml:3:"));
}

TEST_CASE("a folder of an odd mode hides no denied path") {
  Attacked at;
  const std::string secret = at.tree({{"100644", "key", at.blob("x\n")}});
  const std::string apim = at.one_line({"rev-parse", "HEAD:apim"});
  at.commit_tree(at.tree({{"40000", "apim", apim}, {"40755", "secret", secret}}), "odd");
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"odd:refs/heads/main"},
                    {.edit = [](access::Ticket& t) { t.grants = {{"all-but-secret", kWrite, {}, {"secret/**"}}}; }});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("path not granted: secret/key"));
}

// A file of an odd mode is a file for git, which checks it out as 100644.
TEST_CASE("a policy of an odd mode is judged as the file that it is") {
  Attacked at;
  const std::string api = at.tree({{"100600", "policy.xml", at.blob(kBad)}});
  const std::string apis = at.tree({{"40000", "orders", api}});
  at.commit_tree(at.tree({{"40000", "apim", at.tree({{"40000", "apis", apis}})}}), "odd");
  const GitResult pushed = at.world.push(at.clone, kRepo, {"odd:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("apim/apis/orders/policy.xml:3:"));
}

// A branch that is another name of main (left behind by a renaming, say): git moves main when it is pushed, and names
// only the alias to the hooks.
TEST_CASE("a push to a ref that is another name of a ref is refused") {
  Attacked at;
  const std::string before = at.tip();
  REQUIRE(
      at.world.bare_git(at.world.repository(kRepo), {"symbolic-ref", "refs/heads/master", "refs/heads/main"}).code ==
      0);
  at.world.write(at.clone, "docs/readme.md", "more\n");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/master"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("another name of refs/heads/main"));
  CHECK(pushed.has("fix: push to refs/heads/main itself"));
  CHECK(at.tip() == before);
  // Also one that leads to a ref that is not there: the push would make that one.
  REQUIRE(
      at.world.bare_git(at.world.repository(kRepo), {"symbolic-ref", "refs/heads/next", "refs/heads/release"}).code ==
      0);
  CHECK(at.world.push(at.clone, kRepo, {"main:refs/heads/next"}).code != 0);
  CHECK(at.tip("refs/heads/release").empty());
}

// The baseline before the push judges the push: one that nobody can read would refuse every push after it.
TEST_CASE("a baseline that cannot be read is refused when it comes") {
  Attacked at;
  at.world.write(at.clone, "postern-baseline.json", "{\"version\":1,\"findings\":[");
  at.world.commit(at.clone);
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("postern-baseline.json"));
  CHECK(pushed.has("fix: correct postern-baseline.json"));
}

// git asks pre-receive before it looks at names, so a writer past the gateway can name anything beside main. The record
// of all of it must read back, or the gateway sets it aside and the log never tells that main moved.
TEST_CASE("a funny ref beside another does not hide the record of both") {
  Attacked at;
  at.world.bundle.governed[0].governance.mode = access::Mode::observe;
  at.world.publish();
  at.world.write(at.clone, "docs/readme.md", "more\n");
  const std::string after = at.world.commit(at.clone);
  const GitResult pushed = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main", "main:refs/heads/\xff"});
  INFO(pushed.output);
  REQUIRE(pushed.code == 0);
  const spool::Spool spool(at.world.spool_directory);
  bool told = false;
  const auto ids = spool.list_ids();
  REQUIRE(ids);
  for (const std::string& id : *ids) {
    if (!id.starts_with("direct-")) continue;
    const auto verdict = spool.read_verdict(id);
    const auto done = spool.read_done(id);
    REQUIRE(verdict);
    REQUIRE(*verdict);
    REQUIRE(done);
    REQUIRE(*done);
    REQUIRE((*verdict)->commands.size() == 2);
    CHECK((*verdict)->commands[1].command.ref == "refs/heads/\\xff");
    REQUIRE((*done)->moved.size() == 2);
    told = (*done)->moved[0].new_id.hex() == after;
  }
  CHECK(told);
}

// Whoever may delete every branch would open the door that a new repository has for its first refs.
TEST_CASE("a repository that lost all its refs is not a new one") {
  Attacked at;
  REQUIRE(at.world.bare_git(at.world.repository(kRepo), {"config", "receive.denyDeleteCurrent", "ignore"}).code == 0);
  const GitResult emptied = at.world.push(at.clone, kRepo, {":refs/heads/main"});
  INFO(emptied.output);
  REQUIRE(emptied.code == 0);
  REQUIRE(at.tip().empty());
  const GitResult pushed = at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("direct writes are refused here"));
  CHECK(at.world.direct_push(at.clone, kRepo, {"main:refs/heads/main"}, "").code != 0);  // as Gogs itself
}

// No record, no access: the judgement is fine and only its record fails, at the last moment.
TEST_CASE("a verdict that cannot be recorded refuses the push") {
  Attacked at;
  const std::string before = at.tip();
  at.world.write(at.clone, "docs/readme.md", "more\n");
  at.world.commit(at.clone);
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = [&](access::Ticket& t) {
                      std::filesystem::create_directory(at.world.spool_directory + "/" + t.jti + ".json");
                    }});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("the verdict cannot be recorded"));
  CHECK(at.tip() == before);
}

// `git update-ref` names no old value, and a transaction that does not expect one looks like a creation.
TEST_CASE("a grant to create does not move what is there past the gateway") {
  Attacked at;
  at.world.bundle.governed[0].governance.direct = access::DirectWrites::authorize;
  at.world.rules.issuers = {{"entra", access::Unnamed::refuse, {}}};
  access::IdentityRule alice;
  alice.name = "alice";
  alice.issuer = "entra";
  alice.match = {{"oid", "1", false}};
  alice.gogs_user = "alice";
  at.world.rules.identities = {alice};
  access::GrantRule rule;
  rule.name = "alice-creates";
  rule.to = {"alice"};
  rule.repos = {"platform/*"};
  rule.verbs = {access::Verb::create};
  at.world.rules.grants = {rule};
  at.world.publish();
  at.world.write(at.clone, "docs/readme.md", "more\n");
  const std::string next = at.world.commit(at.clone);
  const std::string repository = at.world.repository(kRepo);
  REQUIRE(at.world.bare_git(repository, {"fetch", "-q", at.clone, "main"}).code == 0);
  const std::map<std::string, std::string> as_alice{{"GOGS_AUTH_USER_ID", "1"}, {"GOGS_AUTH_USER_NAME", "alice"}};
  const std::string before = at.tip();
  const GitResult moved = at.world.git(repository, {"update-ref", "refs/heads/main", next}, as_alice);
  INFO(moved.output);
  CHECK(moved.code != 0);
  CHECK(moved.has("update on refs/heads/main"));
  CHECK(at.tip() == before);
  CHECK(at.world.git(repository, {"update-ref", "refs/heads/new", next}, as_alice).code == 0);
}

TEST_CASE("a tag that moves forward is forced like one that moves back") {
  Attacked at;
  REQUIRE(at.world.push(at.clone, kRepo, {"main:refs/tags/v1"}).code == 0);
  const std::string before = at.tip("refs/tags/v1");
  at.world.write(at.clone, "docs/readme.md", "more\n");
  at.world.commit(at.clone);
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"main:refs/tags/v1"},
                    {.edit = [](access::Ticket& t) { t.grants = {{"writers", kWrite, {}, {}}}; }, .force = true});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("force is not granted on this ref (a tag that moves) [writers]"));
  CHECK(at.tip("refs/tags/v1") == before);
}

// What leads to a tree or a file has no paths that could be compared with anything.
TEST_CASE("a ref that leads to no commit brings nothing past a grant of paths") {
  Attacked at;
  const std::string tree = at.one_line({"rev-parse", "HEAD^{tree}"});
  const auto limited = [](access::Ticket& t) { t.grants = {{"orders", kWrite, {"apim/apis/orders/**"}, {}}}; };
  const GitResult tag = at.world.push(at.clone, kRepo, {tree + ":refs/tags/tree"}, {.edit = limited});
  INFO(tag.output);
  CHECK(tag.code != 0);
  CHECK(tag.has("the ref leads to no commit, so its paths cannot be judged [orders]"));
  const GitResult branch = at.world.push(at.clone, kRepo, {tree + ":refs/heads/tree"});
  CHECK(branch.code != 0);
  CHECK(branch.has("a branch must lead to a commit"));
  CHECK(at.world.push(at.clone, kRepo, {tree + ":refs/tags/tree"}).code == 0);  // without paths nothing is hidden
}

// Attack 5 by way of another branch: the same document on two refs of one push, one of which may hold it.
TEST_CASE("the settings of one ref do not judge another in the same push") {
  Attacked at;
  const auto relaxed = [](access::Ticket& t) { t.settings.may_relax = {"unknown-element"}; };
  REQUIRE(at.world.bare_git(at.clone, {"checkout", "-q", "-b", "loose"}).code == 0);
  at.world.write(at.clone, "postern-policy.toml", "[severity]\nunknown-element = \"off\"\n");
  at.world.commit(at.clone);
  REQUIRE(at.world.push(at.clone, kRepo, {"loose:refs/heads/loose"}, {.edit = relaxed}).code == 0);
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  REQUIRE(at.world.bare_git(at.clone, {"checkout", "-q", "main"}).code == 0);
  at.world.write(at.clone, kPolicyPath, kBad);
  at.world.commit(at.clone);
  const std::string before = at.tip();
  const GitResult pushed =
      at.world.push(at.clone, kRepo, {"loose:refs/heads/loose", "main:refs/heads/main"}, {.edit = relaxed});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("refused: refs/heads/main: policy: 1 error"));
  CHECK_FALSE(pushed.has("refused: refs/heads/loose"));
  CHECK(at.tip() == before);
  CHECK(at.world.push(at.clone, kRepo, {"loose:refs/heads/loose"}, {.edit = relaxed}).code == 0);
}

// Attack 14 without a ticket: Gogs names the repository that it thinks this is, and it is not the one of the marker.
TEST_CASE("a direct write into a repository of another Gogs id than its marker is refused") {
  Attacked at;
  at.world.bundle.governed[0].governance.direct = access::DirectWrites::check;
  at.world.publish();
  at.world.write(at.clone, "docs/readme.md", "more\n");
  at.world.commit(at.clone);
  const auto as = [&](const std::string& id) {
    return at.world.git(at.clone, {"push", at.world.repository(kRepo), "main:refs/heads/main"},
                        {{"GOGS_AUTH_USER_ID", "1"}, {"GOGS_AUTH_USER_NAME", "svc"}, {"GOGS_REPO_ID", id}});
  };
  const GitResult other = as("8");
  INFO(other.output);
  CHECK(other.code != 0);
  CHECK(other.has("another Gogs id than its marker"));
  CHECK(as("7").code == 0);
}

// Attack 6 where nothing is refused: what a used ticket moves must not be put down to the one who got it.
TEST_CASE("in observe mode a used ticket moves nothing in its owner's name") {
  Attacked at;
  at.world.bundle.governed[0].governance.mode = access::Mode::observe;
  at.world.publish();
  at.world.write(at.clone, "docs/readme.md", "more\n");
  const std::string mine = at.world.commit(at.clone);
  const access::Ticket ticket = at.world.ticket_for(at.clone, kRepo, {"main:refs/heads/main"});
  const std::string option = "postern-ticket=" + at.world.sign(ticket);
  const auto push = [&] {
    return at.world.git(at.clone, {"push", "-o", option, at.world.repository(kRepo), "main:refs/heads/main"});
  };
  REQUIRE(push().code == 0);
  at.world.write(at.clone, "docs/readme.md", "and more\n");
  const std::string theirs = at.world.commit(at.clone);
  const GitResult again = push();
  INFO(again.output);
  CHECK(again.code == 0);
  CHECK(again.has("would be refused"));
  const spool::Spool spool(at.world.spool_directory);
  const auto ids = spool.list_ids();
  REQUIRE(ids);
  for (const std::string& id : *ids) {
    const auto done = spool.read_done(id);
    REQUIRE(done);
    if (!*done) continue;
    for (const git::RefUpdate& moved : (*done)->moved) {
      if (moved.new_id.hex() == mine) CHECK(id == ticket.jti);
      if (moved.new_id.hex() == theirs) CHECK(id.starts_with("direct-"));
    }
  }
  CHECK(spool.read_done(ticket.jti)->value().moved.size() == 1);
}

// The same bytes as a document on one ref and as a link's target on another: what holds for the one is not asked of the
// other.
TEST_CASE("a document of one ref does not vouch for a link of the same bytes on another") {
  Attacked at;
  const std::string text = at.blob("<policies>\n  <inbound />\n</policies>\n");
  const auto root_with = [&](const std::string& mode) {
    const std::string apis = at.tree({{"40000", "orders", at.tree({{mode, "policy.xml", text}})}});
    return at.tree({{"40000", "apim", at.tree({{"40000", "apis", apis}})}});
  };
  at.commit_tree(root_with("100644"), "document");
  at.commit_tree(root_with("120000"), "link");
  const GitResult pushed = at.world.push(at.clone, kRepo, {"document:refs/heads/document", "link:refs/heads/link"});
  INFO(pushed.output);
  CHECK(pushed.code != 0);
  CHECK(pushed.has("not a link or submodule"));
}
