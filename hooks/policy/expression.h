// The policy expressions of a document, judged as C#.
#pragma once

#include <string>
#include <vector>

#include "hooks/policy/csharp/parser.h"
#include "hooks/policy/document.h"

namespace postern::policy {

// Value: what is wrong in one expression, in the positions of the document.
struct ExpressionFault {
  // Which rule it belongs to: expression-syntax, expression-return, expression-statement, expression-context,
  // expression-name, expression-operand, expression-type or expression-unlisted.
  std::string_view rule;
  Range range;
  std::string message;
  std::string help;
  bool warning = false;  // APIM takes it
};

// Every fault of every whole expression, in document order; what the reader already found unbalanced or unclosed is
// left out. Linear in the size of the document; thread-safe.
std::vector<ExpressionFault> judge_expressions(const PolicyDocument& document);

}  // namespace postern::policy
