// A GraphQL schema, read as far as its grammar goes (spec.graphql.org, October 2021, §3: type system documents).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::tree {

struct GraphqlFault {
  std::size_t begin = 0;  // bytes of the text
  std::size_t end = 0;
  std::string message;
};

// The first place where the text is no schema; nullopt when there is none. What the grammar of a schema does not hold
// but a document may (queries, fragments), and what is nested deeper than 200 levels, is not judged.
std::optional<GraphqlFault> find_graphql_fault(std::string_view text);

}  // namespace postern::tree
