#include "hooks/template/artifact.h"

#include <catch2/catch.hpp>

using namespace postern::tree;
using postern::policy::Scope;

TEST_CASE("policies are known by their folder in both layouts") {
  struct Case {
    const char* path;
    Scope scope;
    const char* arm;
  };
  const Case cases[] = {
      {"policy.xml", Scope::global, "/policies/policy"},
      {"apis/orders/policy.xml", Scope::api, "/apis/orders/policies/policy"},
      {"apis/orders;rev=2/policy.xml", Scope::api, "/apis/orders%3Brev%3D2/policies/policy"},
      {"apis/orders/operations/get-one/policy.xml", Scope::operation,
       "/apis/orders/operations/get-one/policies/policy"},
      {"apis/g/resolvers/q/policy.xml", Scope::resolver, "/apis/g/resolvers/q/policies/policy"},
      {"products/gold/policy.xml", Scope::product, "/products/gold/policies/policy"},
      {"policy fragments/auth/policy.xml", Scope::fragment, "/policyFragments/auth"},
      {"policyFragments/auth/policy.xml", Scope::fragment, "/policyFragments/auth"},
      {"workspaces/w/policy.xml", Scope::workspace, "/workspaces/w/policies/policy"},
      {"workspaces/w/apis/a/policy.xml", Scope::api, "/workspaces/w/apis/a/policies/policy"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.path);
    const Artifact artifact = classify_artifact(each.path);
    CHECK(artifact.scope == each.scope);
    CHECK(artifact.arm_path() == each.arm);
  }
}

TEST_CASE("what is no policy is told apart") {
  CHECK(classify_artifact("named values/x/namedValueInformation.json").kind == ArtifactKind::information);
  CHECK(classify_artifact("namedValues/x/namedValueInformation.json").kind == ArtifactKind::information);
  CHECK(classify_artifact("apis/a/specification.yaml").kind == ArtifactKind::specification);
  CHECK(classify_artifact("products/p/apis.json").kind == ArtifactKind::link_list);
  CHECK(classify_artifact("apis/a/other.xml").kind == ArtifactKind::other_policy);
  CHECK(classify_artifact("apis/policy.xml").kind == ArtifactKind::unknown);
  CHECK(classify_artifact("named values/x/policy.xml").kind == ArtifactKind::unknown);
  CHECK(classify_artifact("docs/a/policy.xml").kind == ArtifactKind::unknown);
  CHECK(classify_artifact("").kind == ArtifactKind::unknown);
  CHECK(classify_artifact("apis//policy.xml").kind == ArtifactKind::unknown);
}

TEST_CASE("the artifact root is a whole folder") {
  CHECK(below_root("apimartifacts", "apimartifacts/policy.xml") == "policy.xml");
  CHECK(below_root("apimartifacts/", "apimartifacts/policy.xml") == "policy.xml");
  CHECK_FALSE(below_root("apimartifacts", "apimartifacts2/policy.xml").has_value());
  CHECK_FALSE(below_root("apimartifacts", "other/policy.xml").has_value());
  CHECK(below_root("", "policy.xml") == "policy.xml");
}
