// What an API's specification says of itself and of its operations.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace postern::tree {

// Where a YAML text is none (yaml-cpp), 1-based; nullopt when it parses. Tabs in front of a comment and line ends of
// old are let be.
struct YamlFault {
  unsigned line = 1;
  unsigned column = 1;
  std::string message;
};
std::optional<YamlFault> find_yaml_fault(std::string_view text);
// A key that stood before in the same mapping of a text that parses, which the language forbids and not every reader
// minds.
std::optional<YamlFault> find_yaml_repeat(std::string_view text);

// Value: an OpenAPI document, as far as its rules ask.
struct OpenApi {
  enum class Shape { object, list, scalar, nothing };
  struct Member {
    Shape shape = Shape::nothing;
    std::string text;  // of a scalar
    unsigned line = 1;
    unsigned column = 1;
  };
  Shape shape = Shape::nothing;           // of the whole
  std::map<std::string, Member> members;  // at the top
  std::set<std::string> operation_ids;
  // Every operation has an id and stands here itself, not behind a reference.
  bool complete = true;
};

// nullopt: it does not parse, which artifact-json and artifact-yaml say.
std::optional<OpenApi> read_openapi_json(std::string_view text);
std::optional<OpenApi> read_openapi_yaml(std::string_view text);

}  // namespace postern::tree
