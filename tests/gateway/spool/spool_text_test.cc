#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "gateway/spool/spool.h"

using namespace postern;
using namespace postern::spool;

namespace {

const std::string kId = "00112233445566778899aabbccddeeff";

Verdict full() {
  Verdict out;
  out.id = "direct-" + kId;
  out.repository = "a/b";
  out.repository_dir = "/srv/gogs/a/b.git";
  out.mode = "observe";
  out.accepted = true;
  const git::RefUpdate update{git::ObjectId::zero(), *git::ObjectId::parse(std::string(40, '1')), "refs/heads/main"};
  out.commands = {{update, false, "no grant", "path", true}};
  out.findings = "1 error";
  out.text = {"a.xml:1:1: error: x [rule]", "fix: y"};
  out.new_commits = {std::string(40, '1'), std::string(64, '2')};
  out.truncated = true;
  out.writer = "alice";
  out.parent = "/usr/bin/git-receive-pack";
  out.cwd = "/srv";
  out.hook_version = "0.1.0";
  out.milliseconds = 12;
  out.at = *parse_rfc3339("2026-11-22T14:03:07.123Z");
  return out;
}

// The text of full() with one member set to something else, or taken out.
std::string with(std::string_view name, json::Value value) {
  json::Value file = *json::parse(to_text(full()));
  file.set(name, std::move(value));
  return json::dump(file);
}
std::string without(std::string_view name) {
  json::Object members;
  const json::Value file = *json::parse(to_text(full()));
  for (const auto& [member, value] : *file.as_object()) {
    if (member != name) members.emplace_back(member, value);
  }
  return json::dump(members);
}

}  // namespace

TEST_CASE("a verdict reads back as it was") {
  const auto back = parse_verdict(to_text(full()));
  REQUIRE(back);
  CHECK(to_text(*back) == to_text(full()));
  CHECK(back->commands[0].command == full().commands[0].command);
  CHECK(back->commands[0].forced);
  CHECK(back->text == full().text);
  CHECK(back->at == full().at);
}

TEST_CASE("a list of commits longer than the limit is cut and says so") {
  Verdict many = full();
  many.truncated = false;
  many.new_commits.assign(kMaxNewCommits + 1, std::string(40, '3'));
  const auto back = parse_verdict(to_text(many));
  REQUIRE(back);
  CHECK(back->new_commits.size() == kMaxNewCommits);
  CHECK(back->truncated);
}

TEST_CASE("text of any bytes stays readable as JSON") {
  Verdict odd = full();
  odd.text = {"\xff\xfe", std::string("a\0b", 3), "\x1b[31m"};
  odd.cwd = "\xc3";
  CHECK(parse_verdict(to_text(odd)));
}

// A push past the gateway may name a ref that no rule can be about (git asks pre-receive before it looks at names); the
// record of what else it moved must not be lost over that.
TEST_CASE("a verdict about a funny ref reads back with the others beside it") {
  for (const std::string& name :
       {std::string("refs/heads/\xff"), std::string("refs/heads/../x"), std::string("x"),
        std::string("refs/heads/a\tb"), std::string("refs/heads/a b"), "refs/heads/" + std::string(60000, '\xff')}) {
    Verdict odd = full();
    odd.commands[0].command.ref = name;
    const auto read = parse_verdict(to_text(odd));
    INFO(printable(name, 80));
    REQUIRE(read);
    CHECK(read->commands.size() == odd.commands.size());
    CHECK(read->commands[0].command.old_id == odd.commands[0].command.old_id);
    CHECK(parse_verdict(to_text(*read)));
  }
  Done done{std::string(32, 'a'), "o/r", {full().commands[0].command}, {}};
  done.moved[0].ref = "refs/heads/\xff";
  REQUIRE(parse_done(to_text(done)));
  CHECK(parse_done(to_text(done))->moved[0].ref == "refs/heads/\\xff");
}

TEST_CASE("every verdict that is not quite one is refused with its member named") {
  struct Case {
    std::string text;
    std::string named;
  };
  const json::Value bad_command = json::Object{{"ref", "refs/heads/main"}, {"old", "0"}, {"new", "1"}};
  const json::Value no_flag =
      json::Object{{"ref", "refs/heads/main"}, {"old", std::string(40, '0')}, {"new", std::string(40, '1')}};
  const json::Value bad_ref = json::Object{
      {"ref", "refs/heads/a\nb"}, {"old", std::string(40, '0')}, {"new", std::string(40, '1')}, {"accepted", true}};
  const std::vector<Case> cases = {
      {"", "verdict"},
      {"[]", "version"},
      {"{}", "version"},
      {with("version", 2), "version 2"},
      {with("version", "1"), "version"},
      {with("id", "../../x"), "id"},
      {with("id", 7), "id"},
      {without("id"), "'id' is missing"},
      {without("repository"), "'repository' is missing"},
      {with("mode", "off"), "mode"},
      {with("accepted", "yes"), "accepted"},
      {without("accepted"), "'accepted' is missing"},
      {without("commands"), "'commands' is missing"},
      {with("commands", json::Object{}), "commands"},
      {with("commands", json::Array{bad_command}), "object id"},
      {with("commands", json::Array{no_flag}), "accepted"},
      {with("commands", json::Array{bad_ref}), "no ref name"},
      {with("commands", json::Array{"x"}), "a ref update"},
      {with("new_commits", json::Array{"x"}), "new_commits"},
      {with("new_commits", json::Array{std::string(40, '0')}), "new_commits"},
      {with("new_commits", json::Array(kMaxNewCommits + 1, std::string(40, '1'))), "new_commits"},
      {without("new_commits"), "'new_commits' is missing"},
      {without("truncated"), "'truncated' is missing"},
      {with("text", json::Array{1}), "text"},
      {with("writer", std::string(70000, 'x')), "'writer' is too long"},
      {with("milliseconds", 1.5), "milliseconds"},
      {with("at", "yesterday"), "at"},
      {to_text(full()) + "{}", "verdict"},
  };
  for (const Case& item : cases) {
    const auto parsed = parse_verdict(item.text);
    INFO(item.text.substr(0, 200));
    REQUIRE(!parsed);
    INFO(parsed.error().message);
    CHECK(parsed.error().message.find(item.named) != std::string::npos);
  }
}

TEST_CASE("members of a newer hook are let be") { CHECK(parse_verdict(with("colour", "blue"))); }

TEST_CASE("a done file reads back and its faults are refused") {
  const git::RefUpdate update{git::ObjectId::zero(), *git::ObjectId::parse(std::string(40, '1')), "refs/heads/main"};
  const Done done{kId, "a/b", {update}, *parse_rfc3339("2026-11-22T14:03:07.123Z")};
  const auto back = parse_done(to_text(done));
  REQUIRE(back);
  CHECK(back->moved == done.moved);
  CHECK(back->at == done.at);
  CHECK(!parse_done("{}"));
  CHECK(!parse_done(R"({"version":1,"id":"x","repository":"a/b","moved":[],"at":"2026-11-22T14:03:07Z"})"));
  CHECK(!parse_done(R"({"version":1,"id":")" + kId + R"(","repository":"a/b","at":"2026-11-22T14:03:07Z"})"));
}
