#include "hooks/deploy/judge.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "gateway/base/clock.h"
#include "tests/hooks/deploy/git_world.h"

namespace postern::deploy {
namespace {

std::string policy(const std::string& inbound) {
  return "<policies><inbound><base />" + inbound +
         "</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>";
}

// A repository with a fragment and an API that uses it, as the deployer's mirror has it.
struct Repository : GitWorld {
  access::Templates templates;
  SystemClock clock;
  std::string first;

  Repository() {
    templates.root = "apim";
    templates.layout = "apiops";
    shell("git init -q -b main work");
    first = commit({{"apim/policy fragments/auth/policy.xml", "<fragment></fragment>"},
                    {"apim/apis/orders/policy.xml", policy("<include-fragment fragment-id=\"auth\" />")}});
  }
  std::string commit(const std::map<std::string, std::string>& files, const std::string& before = "true") const {
    shell("cd work; " + before);
    for (const auto& [path, text] : files) {
      const std::filesystem::path full = directory + "/work/" + path;
      std::filesystem::create_directories(full.parent_path());
      std::ofstream(full) << text;
    }
    shell("cd work; git add -A; git commit -qm change");
    return head();
  }
  // What the judge says of the way from `from` to the last commit, "path rule" each.
  std::vector<std::string> judge(const std::string& from, const std::vector<Step>& steps = {}) const {
    const auto found = repository_judge(directory + "/work", templates, clock)(steps, {from, head(), from});
    REQUIRE(found);
    std::vector<std::string> out;
    for (const policy::Finding& finding : *found) out.push_back(finding.path + " " + finding.rule);
    return out;
  }
};

using Lines = std::vector<std::string>;

TEST_CASE("what is to be put is judged once more") {
  const Repository r;
  const std::string text = policy("<rate-limitt />");
  r.commit({{"apim/apis/orders/policy.xml", text}});
  Step step;
  step.resource.file = "apim/apis/orders/policy.xml";
  step.resource.scope = policy::Scope::api;
  step.text = text;
  CHECK(r.judge(r.first, {step}) == Lines{"apim/apis/orders/policy.xml unknown-element"});
  CHECK(r.judge(r.first) == Lines{});
}

TEST_CASE("a pointer to another store is no policy for the deployer either") {
  const Repository r;
  const std::string text =
      "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '1') + "\nsize 5\n";
  Step step;
  step.resource.file = "apim/apis/orders/policy.xml";
  step.resource.scope = policy::Scope::api;
  step.text = text;
  CHECK(r.judge(r.first, {step}) == Lines{"apim/apis/orders/policy.xml lfs-pointer"});
}

TEST_CASE("a fragment that goes while a policy still includes it is held by the deployer too") {
  const Repository r;
  r.commit({}, "git rm -q 'apim/policy fragments/auth/policy.xml'");
  CHECK(r.judge(r.first) == Lines{"apim/apis/orders/policy.xml missing-reference"});
}

TEST_CASE("what was broken across the tree before the change holds nothing") {
  const Repository r;
  const std::string broken = r.commit({}, "git rm -q 'apim/policy fragments/auth/policy.xml'");
  r.commit({{"apim/apis/pets/policy.xml", policy("")}});
  CHECK(r.judge(broken) == Lines{});
  CHECK(r.judge(r.head()) == Lines{});
}

TEST_CASE("a commit that is not there is no yes") {
  const Repository r;
  const auto found =
      repository_judge(r.directory + "/work", r.templates, r.clock)({}, {std::string(40, '1'), r.first, r.first});
  REQUIRE_FALSE(found);
}

}  // namespace
}  // namespace postern::deploy
