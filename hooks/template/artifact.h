// What each file of an artifact directory is (layouts of Azure/apiops and Azure/apiops-cli: one folder per resource,
// folder names compared with blanks and letter case ignored).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/check.h"

namespace postern::tree {

enum class ArtifactKind {
  policy,         // a policy document at any scope but fragment
  fragment,       // policy.xml of a policy fragment
  information,    // a *Information.json
  link_list,      // apis.json, groups.json, tags.json
  specification,  // of an API: OpenAPI, WSDL, WADL or GraphQL
  wiki,
  other_policy,  // an XML file where a policy stands, under another name than policy.xml: ARM refuses it
  unknown,
};

// One step of the way to a resource: ("apis", "orders"), ("operations", "get"). `collection` is ARM's spelling.
struct Segment {
  std::string_view collection;
  std::string name;
  bool operator==(const Segment&) const = default;
};

// Value: what a path below the artifact root means.
struct Artifact {
  ArtifactKind kind = ArtifactKind::unknown;
  std::vector<Segment> resource;  // the owner: empty for the service itself; a workspace is its first segment
  policy::Scope scope = policy::Scope::unknown;  // of policies and fragments

  // ARM's path below the service: "/apis/orders/operations/get/policies/policy", "/policyFragments/auth".
  // Names are percent-encoded each on its own. Only for policies and fragments.
  std::string arm_path() const;
  // The name of the segment of that collection, or null.
  const std::string* name_in(std::string_view collection) const;
};

// Classifies `path`, relative to the artifact root, '/' between segments. Pure.
Artifact classify_artifact(std::string_view path);

// `path` without `root` and its slash; nullopt when it is not below it. An empty root holds everything.
std::optional<std::string_view> below_root(std::string_view root, std::string_view path);

}  // namespace postern::tree
