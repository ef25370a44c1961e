// The tokens of the expressions of a document, for rules that look for what is used in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/csharp/lexer.h"
#include "hooks/policy/document.h"

namespace postern::policy {

// An expression with entities decoded and lexed. Not copied: the tokens view the code.
class LexedExpression {
 public:
  LexedExpression(const PolicyDocument& document, const Expression& expression)
      : code_(document.decoded_code(expression)),
        lexed_(csharp::lex(code_.text, 0, static_cast<std::uint32_t>(code_.text.size()))) {}
  LexedExpression(const LexedExpression&) = delete;
  LexedExpression& operator=(const LexedExpression&) = delete;

  // Up to the first fault; the last is of kind end unless there is one.
  const std::vector<csharp::Token>& tokens() const { return lexed_.tokens; }
  // The code that a token stands for.
  std::string_view text(const csharp::Token& token) const {
    return std::string_view(code_.text).substr(token.begin, token.end - token.begin);
  }
  // What stands between the quotes of a string.
  std::string_view content(const csharp::Token& token) const {
    std::string_view all = text(token);
    while (all.starts_with('@') || all.starts_with('$')) all.remove_prefix(1);
    return all.size() >= 2 ? all.substr(1, all.size() - 2) : std::string_view();
  }
  std::string_view code() const { return code_.text; }
  // Its place in the document.
  Range range(const csharp::Token& token) const { return {code_.source(token.begin), code_.source(token.end)}; }

 private:
  DecodedText code_;
  csharp::Lexed lexed_;
};

// True for that identifier, keyword or mark; never for a string.
inline bool is(const csharp::Token& token, std::string_view text) {
  return token.text == text && token.kind != csharp::TokenKind::string && token.kind != csharp::TokenKind::interpolated;
}

}  // namespace postern::policy
