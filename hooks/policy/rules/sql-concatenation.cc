// Rule sql-concatenation: sQL statements are constant; values come as parameters.
#include <fmt/core.h>

#include "hooks/policy/expression_tokens.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

using csharp::Token;
using csharp::TokenKind;

bool is_constant(const Token& token) {
  return token.kind == TokenKind::string || token.kind == TokenKind::number || token.kind == TokenKind::placeholder ||
         (token.kind == TokenKind::interpolated && token.holes.empty());
}

// The first token that puts something into the text of a statement; null when there is none.
const Token* builder(const LexedExpression& lexed) {
  const std::vector<Token>& tokens = lexed.tokens();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == TokenKind::interpolated && !token.holes.empty()) return &token;
    if (token.kind == TokenKind::identifier && i > 0 && is(tokens[i - 1], ".") &&
        (is(token, "Format") || is(token, "Concat") || is(token, "Append") || is(token, "AppendFormat") ||
         is(token, "Replace")))
      return &token;
    // Constants that are added to one another stay a constant.
    if ((is(token, "+") || is(token, "+=")) && i > 0 && i + 1 < tokens.size()) {
      const bool left = is_constant(tokens[i - 1]);
      const bool right = is_constant(tokens[i + 1]);
      const bool text =
          tokens[i - 1].kind == TokenKind::string || tokens[i + 1].kind == TokenKind::string || is(token, "+=");
      if (text && !(left && right)) return &token;
    }
  }
  return nullptr;
}

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (s.name(e) != "sql-statement" || e.place != Place::part) continue;
    for (const Expression& expression : s.document.expressions()) {
      if (expression.element != e.node || !expression.complete) continue;
      const LexedExpression lexed(s.document, expression);
      if (const Token* token = builder(lexed))
        r.add(lexed.range(*token),
              "this SQL statement is put together from its values: whoever sends them can change it",
              "write the statement as a constant with @name in it, and give the value in <parameters>");
    }
  }
}

}  // namespace

extern const Rule k_sql_concatenation;
const Rule k_sql_concatenation = {
    .id = "sql-concatenation",
    .severity = Severity::warning,
    .summary = "SQL statements are constant; values come as parameters.",
    .why = "What a caller sends and an expression puts into the text of a statement becomes part of the statement.",
    .bad =
        "<sql-statement>@(\"SELECT * FROM o WHERE id = '\" + context.GraphQL.Arguments[\"id\"] + "
        "\"'\")</sql-statement>",
    .good =
        "<sql-statement>SELECT * FROM o WHERE id = @id</sql-statement><parameters><parameter "
        "name=\"@id\">@(context.GraphQL.Arguments[\"id\"])</parameter></parameters>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
