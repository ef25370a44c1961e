#include "hooks/deploy/change.h"

#include <catch2/catch.hpp>

namespace postern::deploy {
namespace {

using policy::Scope;

Resources resources(std::vector<TreeFile> files, Kinds kinds = {}) {
  auto found = list_resources(files, "apimartifacts", kinds);
  REQUIRE(found);
  return *found;
}

TEST_CASE("every policy file of both layouts is its resource") {
  struct Row {
    const char* file;
    const char* arm_path;
    Scope scope;
  };
  const Row rows[] = {
      {"policy.xml", "/policies/policy", Scope::global},
      {"products/starter/policy.xml", "/products/starter/policies/policy", Scope::product},
      {"apis/orders/policy.xml", "/apis/orders/policies/policy", Scope::api},
      {"apis/orders;rev=2/policy.xml", "/apis/orders%3Brev%3D2/policies/policy", Scope::api},
      {"apis/orders/operations/get/policy.xml", "/apis/orders/operations/get/policies/policy", Scope::operation},
      {"apis/orders/resolvers/r/policy.xml", "/apis/orders/resolvers/r/policies/policy", Scope::resolver},
      {"policy fragments/auth/policy.xml", "/policyFragments/auth", Scope::fragment},
      {"policyFragments/auth2/policy.xml", "/policyFragments/auth2", Scope::fragment},
      {"workspaces/w/policy.xml", "/workspaces/w/policies/policy", Scope::workspace},
      {"workspaces/w/apis/a/policy.xml", "/workspaces/w/apis/a/policies/policy", Scope::api},
      {"workspaces/w/policy fragments/f/policy.xml", "/workspaces/w/policyFragments/f", Scope::fragment},
  };
  for (const Row& row : rows) {
    INFO(row.file);
    const Resources found = resources({{std::string("apimartifacts/") + row.file, "1"}});
    REQUIRE(found.size() == 1);
    CHECK(found.begin()->second.arm_path == row.arm_path);
    CHECK(found.begin()->second.scope == row.scope);
  }
}

TEST_CASE("files that are no policies are no resources") {
  CHECK(resources({{"policy.xml", "1"},
                   {"apimartifacts/apis/orders/apiInformation.json", "1"},
                   {"apimartifacts/apis/orders/specification.yaml", "1"},
                   {"apimartifacts/apis/orders/other.xml", "1"},
                   {"apimartifacts-old/policy.xml", "1"},
                   {"apimartifacts/apis/policy.xml", "1"}})
            .empty());
}

TEST_CASE("an environment owns only its kinds") {
  const std::vector<TreeFile> files = {{"apimartifacts/policy.xml", "1"},
                                       {"apimartifacts/policy fragments/f/policy.xml", "2"}};
  CHECK(resources(files, {true, false}).size() == 1);
  CHECK(resources(files, {false, true}).begin()->first == "/policyfragments/f");
  CHECK(parse_kinds({"policy"})->fragments == false);
  CHECK_FALSE(parse_kinds({"policy", "api"}));
}

TEST_CASE("two spellings of one folder are one resource and refused") {
  auto found =
      list_resources({{"r/policy fragments/a/policy.xml", "1"}, {"r/policyFragments/A/policy.xml", "2"}}, "r", {});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::conflict);
  CHECK(found.error().message.find("r/policyFragments/A/policy.xml") != std::string::npos);
}

TEST_CASE("changes are what differs and nothing else") {
  const Resources from = resources({{"apimartifacts/policy.xml", "1"},
                                    {"apimartifacts/apis/a/policy.xml", "2"},
                                    {"apimartifacts/apis/b/policy.xml", "3"},
                                    {"apimartifacts/policy fragments/f/policy.xml", "4"}});
  const Resources to = resources({{"apimartifacts/policy.xml", "1"},
                                  {"apimartifacts/apis/a/policy.xml", "22"},
                                  {"apimartifacts/apis/c/policy.xml", "5"},
                                  {"apimartifacts/policyFragments/f/policy.xml", "4"}});
  const auto changes = list_changes(from, to);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].action == Action::put);
  CHECK(changes[0].resource.arm_path == "/apis/a/policies/policy");
  CHECK(changes[0].resource.id == "22");
  CHECK(changes[1].resource.arm_path == "/apis/c/policies/policy");
  CHECK(changes[2].action == Action::remove);
  CHECK(changes[2].resource.arm_path == "/apis/b/policies/policy");
  CHECK(list_changes(from, from).empty());
}

TEST_CASE("a folder respelt in other letter case is no deletion") {
  const Resources from = resources({{"apimartifacts/apis/Orders/policy.xml", "1"}});
  const Resources to = resources({{"apimartifacts/apis/orders/policy.xml", "1"}});
  CHECK(list_changes(from, to).empty());
}

}  // namespace
}  // namespace postern::deploy
