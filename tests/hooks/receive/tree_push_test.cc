// The rules over the whole artifact tree, in real pushes: what a push could have broken, and nothing else.
#include <fmt/core.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "gateway/base/json.h"
#include "hooks/install/dispatcher.h"
#include "tests/hooks/receive/push_world.h"

using namespace postern;
using postern::test::GitResult;
using postern::test::PushWorld;

namespace {

using Lines = std::vector<std::string>;
const std::string kRepo = "platform/policies";

std::string policy_with(const std::string& inbound) {
  return "<policies>\n  <inbound>\n    <base />\n    " + inbound +
         "\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n  <outbound>\n    <base />\n  </outbound>\n"
         "  <on-error>\n    <base />\n  </on-error>\n</policies>\n";
}
std::string fragment_with(const std::string& content) { return "<fragment>\n  " + content + "\n</fragment>\n"; }
std::string include(const std::string& name) { return "<include-fragment fragment-id=\"" + name + "\" />"; }

// A governed repository with a small sound tree on main: apis orders and stock use the fragment auth.
struct Tree {
  PushWorld world;
  std::string clone;

  Tree() {
    world.add_repository(kRepo);
    clone = world.clone(kRepo);
    write("apis/orders/policy.xml", policy_with(include("auth")));
    write("apis/stock/policy.xml", policy_with(include("auth")));
    write("policy fragments/auth/policy.xml", fragment_with("<set-method>GET</set-method>"));
    write("policy fragments/log/policy.xml", fragment_with("<set-method>GET</set-method>"));
    world.commit(clone, "first");
    const GitResult pushed = push();
    INFO(pushed.output);
    REQUIRE(pushed.code == 0);
  }
  void write(const std::string& path, const std::string& text) const { world.write(clone, "apim/" + path, text); }
  void remove(const std::string& path) const { std::filesystem::remove_all(clone + "/apim/" + path); }
  GitResult push(const std::string& refspec = "main:refs/heads/main") { return world.push(clone, kRepo, {refspec}); }

  // The finding and `fix:` lines of the last push, as the pusher saw them.
  Lines said() const {
    Lines out;
    const std::optional<spool::Verdict> verdict = world.verdict(world.last_jti);
    REQUIRE(verdict);
    for (const std::string& line : verdict->text) {
      if (line.starts_with("postern")) break;
      out.push_back(line);
    }
    return out;
  }
  // The same lines from `postern-check` in the clone.
  Lines checked(const std::string& arguments) const {
    const std::string command = "cd " + install::shell_quote(clone) + " && env -i PATH=\"$PATH\" HOME=/nonexistent " +
                                install::shell_quote(POSTERN_BIN_DIR "/postern-check") + " --format json " + arguments;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    REQUIRE(pipe);
    std::string text;
    std::array<char, 65536> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
      text.append(buffer.data(), got);
    }
    const Result<json::Value> report = json::parse(text);
    INFO(text);
    REQUIRE(report);
    Lines out;
    for (const json::Value& finding : *report->find("findings")->as_array()) {
      out.push_back(fmt::format("{}:{}:{}: {}: {} [{}]", *finding.find_string("path"), *finding.find_int("line"),
                                *finding.find_int("column"), *finding.find_string("severity"),
                                *finding.find_string("message"), *finding.find_string("rule")));
      const std::string* help = finding.find_string("help");
      if (help != nullptr && !help->empty()) out.push_back("fix: " + *help);
    }
    return out;
  }
};

// One of each kind: in a document, in an artifact's JSON, between files.
void write_faults(const Tree& at) {
  at.write("apis/broken/policy.xml", policy_with("<rate-limitt calls=\"1\" />"));
  at.write("apis/broken/apiInformation.json", "{\"properties\": {\"path\": 7}}");
  at.write("products/p/productInformation.json", "{\"properties\": {,}}");
  at.write("apis/lost/policy.xml", policy_with(include("nowhere")));
  at.write("apis/Orders/policy.xml", policy_with("<set-method>GET</set-method>"));
  at.write("policy fragments/ring-a/policy.xml", fragment_with(include("ring-b")));
  at.write("policy fragments/ring-b/policy.xml", fragment_with(include("ring-a")));
}

}  // namespace

TEST_CASE("the hook and postern-check say the same of the same whole tree") {
  Tree at;
  at.world.bare_git(at.clone, {"checkout", "-q", "--orphan", "fresh"});
  write_faults(at);
  // Nothing may stand on the default branch already, or it came in another way.
  at.write("apis/orders/policy.xml", policy_with(include("auth") + "<set-method>PUT</set-method>"));
  at.write("apis/stock/policy.xml", policy_with(include("auth") + "<set-method>PUT</set-method>"));
  at.write("policy fragments/auth/policy.xml", fragment_with("<set-method>PUT</set-method>"));
  at.write("policy fragments/log/policy.xml", fragment_with("<set-method>PUT</set-method>"));
  at.world.commit(at.clone);
  const GitResult pushed = at.push("fresh:refs/heads/fresh");
  CHECK(pushed.code != 0);
  const Lines said = at.said();
  CHECK(said.size() >= 12);
  CHECK(said == at.checked("--root apim"));
}

TEST_CASE("the hook and postern-check say the same of the same change") {
  Tree at;
  const std::string base = at.world.rev(at.clone, "HEAD");
  write_faults(at);
  at.remove("policy fragments/auth");
  at.world.commit(at.clone);
  const GitResult pushed = at.push();
  CHECK(pushed.code != 0);
  const Lines said = at.said();
  CHECK(said.size() >= 12);
  CHECK(said == at.checked("--root apim --changed " + base + "..HEAD"));
}

TEST_CASE("a deleted fragment that untouched policies use refuses and names each of them") {
  Tree at;
  at.remove("policy fragments/auth");
  at.world.commit(at.clone);
  const GitResult pushed = at.push();
  CHECK(pushed.code != 0);
  CHECK(at.said() ==
        Lines{"apim/apis/orders/policy.xml:4:36: error: fragment 'auth' is deleted by this change and still "
              "used here [missing-reference]",
              "fix: remove the use as well, or keep the artifact",
              "apim/apis/stock/policy.xml:4:36: error: fragment 'auth' is deleted by this change and still "
              "used here [missing-reference]",
              "fix: remove the use as well, or keep the artifact"});
  CHECK(pushed.has("policy: 2 errors, see above [missing-reference]"));
  // Together with its last uses it may go.
  at.write("apis/orders/policy.xml", policy_with("<set-method>GET</set-method>"));
  at.write("apis/stock/policy.xml", policy_with(include("log")));
  at.world.commit(at.clone);
  CHECK(at.push().code == 0);
}

TEST_CASE("what the hook remembers of a tree never hides a use") {
  Tree at;
  const std::string words = at.world.repository(kRepo) + "/postern-words";
  at.remove("policy fragments/log");
  at.world.commit(at.clone);
  REQUIRE(at.push().code == 0);
  REQUIRE(std::filesystem::exists(words));
  const auto size = std::filesystem::file_size(words);
  at.remove("policy fragments/auth");
  at.world.commit(at.clone);
  CHECK(at.push().code != 0);
  const Lines said = at.said();
  CHECK(said.size() == 4);
  // Nor does a file that somebody cut off.
  std::filesystem::resize_file(words, size / 2);
  CHECK(at.push().code != 0);
  CHECK(at.said() == said);
}

TEST_CASE("a renamed fragment refuses until its users follow") {
  Tree at;
  at.world.bare_git(at.clone, {"mv", "apim/policy fragments/auth", "apim/policy fragments/login"});
  at.world.commit(at.clone);
  CHECK(at.push().code != 0);
  at.write("apis/orders/policy.xml", policy_with(include("login")));
  at.write("apis/stock/policy.xml", policy_with(include("login")));
  at.world.commit(at.clone);
  CHECK(at.push().code == 0);
}

TEST_CASE("what was broken before does not stand in the way of another push") {
  Tree at;
  // Past the hook, as a repository looks on the day it becomes governed.
  write_faults(at);
  at.world.commit(at.clone);
  at.world.bare_git(at.clone, {"push", "-q", at.world.repository(kRepo), "main:refs/heads/main"});
  at.write("apis/stock/policy.xml", policy_with("<set-method>GET</set-method>"));
  at.write("apis/orders/apiInformation.json", "{\"properties\": {\"path\": \"orders\"}}");
  // Its include of ring-b was there, so this push did not close the circle.
  at.write("policy fragments/ring-a/policy.xml", fragment_with(include("ring-b") + "<set-method>GET</set-method>"));
  at.world.commit(at.clone);
  const GitResult pushed = at.push();
  INFO(pushed.output);
  CHECK(pushed.code == 0);
  CHECK_FALSE(pushed.has("fragment-cycle"));
  CHECK_FALSE(pushed.has("missing-reference"));
}

TEST_CASE("a tree outside the configured root is nobody's business") {
  Tree at;
  at.world.write(at.clone, "elsewhere/products/p/productInformation.json", "{");
  at.world.commit(at.clone);
  CHECK(at.push().code == 0);
}

TEST_CASE("the layout loose has no tree") {
  PushWorld world;
  world.bundle.templates[0].templates.layout = "loose";
  world.publish();
  world.add_repository(kRepo);
  const std::string clone = world.clone(kRepo);
  world.write(clone, "apim/products/p/productInformation.json", "{");
  world.commit(clone);
  CHECK(world.push(clone, kRepo, {"main:refs/heads/main"}).code == 0);
}

TEST_CASE("the platform's severity releases a rule of the tree") {
  Tree at;
  at.world.bundle.templates[0].templates.severity = {{"missing-reference", "off"}};
  at.world.publish();
  at.remove("policy fragments/auth");
  at.world.commit(at.clone);
  const auto released = [](access::Ticket& ticket) { ticket.settings.severity = {{"missing-reference", "off"}}; };
  const GitResult pushed = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = released});
  INFO(pushed.output);
  CHECK(pushed.code == 0);
}

TEST_CASE("a baseline takes a finding of the tree only where the platform lets it or it stood there before") {
  Tree at;
  at.write("products/p/productInformation.json", "{\"properties\": {,}}");
  at.world.commit(at.clone);
  const GitResult refused = at.push();
  CHECK(refused.code != 0);
  // The fingerprint of that very finding, brought in with the baseline before the fault.
  at.world.bare_git(at.clone, {"reset", "-q", "--hard", "HEAD~1"});
  at.write("products/p/productInformation.json", "{\"properties\": {,}}");
  const std::string command = "cd " + install::shell_quote(at.clone) + " && " +
                              install::shell_quote(POSTERN_BIN_DIR "/postern-check") +
                              " --root apim --write-baseline postern-baseline.json 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  at.remove("products");
  at.world.commit(at.clone, "baseline");
  REQUIRE(at.push().code == 0);
  at.write("products/p/productInformation.json", "{\"properties\": {,}}");
  at.world.commit(at.clone);
  CHECK(at.push().code != 0);
  const auto relaxed = [](access::Ticket& ticket) { ticket.settings.may_relax = {"artifact-json"}; };
  const GitResult accepted = at.world.push(at.clone, kRepo, {"main:refs/heads/main"}, {.edit = relaxed});
  INFO(accepted.output);
  CHECK(accepted.code == 0);
  CHECK(accepted.has("remote: postern: 0 errors, 0 warnings, 1 in the baseline"));
  // Now it stands there, and an edit beside it passes without the platform's word.
  at.write("products/p/productInformation.json", "{\"properties\": {,}} ");
  at.world.commit(at.clone);
  CHECK(at.push().code == 0);
}
