// What an API's specification says of itself and of its operations.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/template/spec_tree.h"

namespace postern::tree {

// Where a YAML text is none (yaml-cpp), 1-based; nullopt when it parses. What publishers take and the library does not,
// and what a deployment fills in, is let be.
struct YamlFault {
  unsigned line = 1;
  unsigned column = 1;
  std::string message;
};
std::optional<YamlFault> find_yaml_fault(std::string_view text);

// Value: a YAML text.
struct YamlText {
  std::optional<YamlFault> fault;  // as above
  // A key that stood before in the same mapping, which the language forbids and not every reader minds.
  std::optional<YamlFault> repeat;
  std::optional<SpecTree> tree;  // of the first document; nullopt: it does not parse, whether that is a fault or not
};
YamlText read_yaml(std::string_view text);

// Something in a specification that does not hold together.
struct SpecificationFault {
  TextPlace at;
  std::string message;
  std::string help;
};

// Value: an OpenAPI document, as far as its rules ask.
struct OpenApi {
  struct Member {
    SpecTree::Kind shape = SpecTree::Kind::nothing;
    std::string text;  // of a scalar
    unsigned line = 1;
    unsigned column = 1;
  };
  SpecTree::Kind shape = SpecTree::Kind::nothing;  // of the whole
  std::map<std::string, Member> members;           // at the top
  std::set<std::string> operation_ids;
  // Every operation has an id and stands here itself, not behind a reference.
  bool complete = true;
  std::vector<SpecificationFault> lost_references;    // local ones that lead nowhere; each once
  std::vector<SpecificationFault> broken_operations;  // that are another's twin, or lack a parameter of their path
};

// nullopt: it does not parse, which artifact-json and artifact-yaml say.
std::optional<OpenApi> read_openapi_json(std::string_view text);
OpenApi read_openapi(const SpecTree& tree);

// Value: one file's content in short; what a view of a tree keeps.
struct Specification {
  std::optional<YamlFault> fault, repeat;  // of a YAML file
  std::optional<OpenApi> api;              // of a JSON or YAML file that parses
};
// `path` tells by its ending what it is.
Specification read_specification(std::string_view path, std::string_view text);

}  // namespace postern::tree
