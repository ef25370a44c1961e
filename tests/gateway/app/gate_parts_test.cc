#include <catch2/catch.hpp>

#include "gateway/app/endpoints.h"
#include "gateway/app/lfs_uploads.h"
#include "gateway/app/settle.h"

namespace postern::app {
namespace {

git::RefUpdate update(std::string ref, char from, char to) {
  return {*git::ObjectId::parse(std::string(40, from)), *git::ObjectId::parse(std::string(40, to)), std::move(ref)};
}

TEST_CASE("attack 23 - no spelling of a git or API path passes as a page") {
  for (const char* target : {
           "/o/r.git/info/refs",
           "/o/r/info/refs?service=git-upload-pack",
           "/o/r/INFO/refs",
           "/o/r/%69nfo/refs",
           "/o/r/%2569nfo/refs",
           "/o/r/git-receive-pack",
           "/o/r/git-RECEIVE-pack",
           "/o/r/git%2Dupload%2Dpack",
           "/o/r/HEAD",
           "/o/r/objects/info/packs",
           "/api/v1/user",
           "/API/v1/user",
           "/%61pi/v1/user",
           "/-/api/v1/audit",
           "/%2d/whoami",
           "/o//r/info/refs",
           "/o/./r/info/refs",
           "/o/x/../r/info/refs",
           "/o/r%2finfo/refs",
           "/o/r\\info/refs",
           "/o/r;x/y",
           "/o/r/%zz",
           "/o/r/%00",
           "o/r",
           "",
           "/o/r/tasks/trigger",
           "//api/v1",
       }) {
    INFO(target);
    CHECK_FALSE(is_page(target));
  }
  for (const char* target : {"/", "/o", "/o/r", "/o/r/src/main/info/refs", "/o/r/pulls/1", "/user/login", "/o/r/"}) {
    INFO(target);
    CHECK(is_page(target));
  }
}

TEST_CASE("a query is decoded once and names nothing twice") {
  CHECK(parse_query("repo=a%2Fb&after=3").value() ==
        std::map<std::string, std::string>{{"after", "3"}, {"repo", "a/b"}});
  CHECK(parse_query("").value().empty());
  CHECK_FALSE(parse_query("a=1&a=2"));
  CHECK_FALSE(parse_query("a=1&%61=2"));
  CHECK_FALSE(parse_query("a"));
  CHECK_FALSE(parse_query("=1"));
  CHECK_FALSE(parse_query("a=%zz"));
}

TEST_CASE("an outcome is accepted only where the upstream said so") {
  const std::vector<git::RefUpdate> commands{update("refs/heads/a", '1', '2'), update("refs/heads/b", '1', '2'),
                                             update("refs/heads/c", '1', '2')};
  const std::vector<std::string> rules{"ra", "rb", "rc"};
  git::PushReport report;
  report.unpack = "ok";
  report.refs = {{"refs/heads/a", true, "", {}}, {"refs/heads/b", false, "fetch first", {}}};
  const store::PushOutcome outcome = outcome_of("id", commands, rules, report, std::nullopt);
  REQUIRE(outcome.refs.size() == 3);
  CHECK(outcome.refs[0].outcome == store::Outcome::accepted);
  CHECK(outcome.refs[0].rule == "ra");
  CHECK(outcome.refs[1].outcome == store::Outcome::failed);
  CHECK(outcome.refs[1].reason == "fetch first");
  CHECK(outcome.refs[2].outcome == store::Outcome::unknown);
  CHECK(outcome.truncated);
}

TEST_CASE("the reason of a refusal is the one the hook left") {
  const std::vector<git::RefUpdate> commands{update("refs/heads/a", '1', '2'), update("refs/heads/b", '1', '2')};
  git::PushReport report;
  report.unpack = "ok";
  report.refs = {{"refs/heads/a", false, std::string(git::kHookDeclined), {}},
                 {"refs/heads/b", false, std::string(git::kHookDeclined), {}}};
  spool::Verdict verdict;
  verdict.accepted = false;
  verdict.commands = {{commands[0], false, "a.xml:3: broken", "policy", true}, {commands[1], true, "", "grant", false}};
  const store::PushOutcome outcome = outcome_of("id", commands, {}, report, verdict);
  CHECK(outcome.refs[0].outcome == store::Outcome::refused);
  CHECK(outcome.refs[0].reason == "a.xml:3: broken");
  CHECK(outcome.refs[0].rule == "policy");
  CHECK(outcome.refs[0].forced);
  CHECK(outcome.refs[1].outcome == store::Outcome::refused);
  CHECK(outcome.refs[1].reason == "another ref of this push was refused");
  CHECK_FALSE(outcome.truncated);
}

TEST_CASE("nothing is accepted when the upstream could not unpack") {
  const std::vector<git::RefUpdate> commands{update("refs/heads/a", '1', '2')};
  git::PushReport report;
  report.unpack = "index-pack abnormal exit";
  report.refs = {{"refs/heads/a", true, "", {}}};
  CHECK(outcome_of("id", commands, {}, report, std::nullopt).refs[0].outcome == store::Outcome::failed);
}

TEST_CASE("LFS links lead to the gateway and signed ones stay as they are") {
  const git::RepoPath repo = *git::RepoPath::parse("o/r");
  const std::string oid(64, 'a');
  const std::string answer = R"({"objects":[{"oid":")" + oid + R"(","size":1,"actions":{"download":{"href":)" +
                             R"("http://127.0.0.1:3000/o/r.git/info/lfs/objects/basic/)" + oid +
                             R"("},"upload":{"href":"https://store.example/bucket/x?sig=1"}}}]})";
  const std::string rewritten = rewrite_lfs_hrefs(answer, repo, "https://git.example.com").value();
  CHECK(rewritten.find("\"https://git.example.com/o/r.git/info/lfs/objects/basic/" + oid + "\"") != std::string::npos);
  CHECK(rewritten.find("\"https://store.example/bucket/x?sig=1\"") != std::string::npos);
  CHECK(rewritten.find("127.0.0.1:3000") == std::string::npos);
  CHECK_FALSE(rewrite_lfs_hrefs("[]", repo, "https://git.example.com"));
}

TEST_CASE("an LFS object may be sent only by who was given it and for an hour") {
  LfsUploads uploads;
  const git::RepoPath repo = *git::RepoPath::parse("o/r");
  const MonoTime now{};
  uploads.allow("alice", repo, "x", now);
  CHECK(uploads.is_allowed("alice", repo, "x", now));
  CHECK_FALSE(uploads.is_allowed("bob", repo, "x", now));
  CHECK_FALSE(uploads.is_allowed("alice", *git::RepoPath::parse("o/s"), "x", now));
  CHECK_FALSE(uploads.is_allowed("alice", repo, "y", now));
  CHECK_FALSE(uploads.is_allowed("alice", repo, "x", now + LfsUploads::kLifetime));
}

}  // namespace
}  // namespace postern::app
