#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

void Parser::switch_arms() {
  if (!expect("{", "switch")) return;
  while (!failed() && !see("}")) {
    pattern();
    if (accept_word("when")) expression();
    if (!expect("=>", "the pattern")) return;
    expression();
    if (!accept(",")) break;
  }
  expect("}", "the arms of the switch");
}

void Parser::pattern() {
  const Deeper deeper(*this);
  if (failed()) return;
  pattern_one();
  while (!failed() && (see_word("and") || see_word("or"))) {
    advance();
    pattern_one();
  }
}

void Parser::pattern_one() {
  if (at_end() || see(")") || see(";")) return fail_after("a type or pattern is missing", "");
  if (accept_word("not")) return pattern_one();
  if (see("<") || see(">") || see("<=")) {
    advance();
    accept("=");
    binary(9);
    return;
  }
  if (see("{")) return property_pattern();
  if (see_word("var") && now().kind == TokenKind::identifier && ahead().kind == TokenKind::identifier) {
    declare(pos_ + 1);
    pos_ += 2;
    return;
  }
  if (see("(") && positional_follows()) return positional_pattern();
  // A type with a name, a type alone, or a constant; a constant member reads as a type, which is as well.
  const Mark start = mark();
  if (now().kind != TokenKind::string && now().kind != TokenKind::number && type(true) && !see("(")) {
    if (see("{")) {
      property_pattern();
      designation();
      return;
    }
    designation();
    if (pattern_ends()) return;
  }
  rewind(start);
  const Index first = pos_;
  if (binary(9).shape == Expr::Shape::statement && !failed()) {
    fail_bytes(t_[first].begin, t_[pos_ - 1].end, "a pattern is a type or a constant", "join conditions with && or ||");
  }
}

// (string name, > 0): with a comma of its own, which neither a cast nor a bracketed constant has.
bool Parser::positional_follows() const {
  const Index close = match_[pos_];
  if (close == kNoMatch) return false;
  for (Index i = pos_ + 1; i < close; ++i) {
    if (is_punct(t_[i], ",")) return true;
    if (match_[i] != kNoMatch && match_[i] > i) i = match_[i];
  }
  return false;
}

void Parser::positional_pattern() {
  advance();
  do {
    if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) pos_ += 2;
    pattern();
  } while (!failed() && accept(","));
  expect(")", "the parts of the pattern");
  if (!failed() && see("{")) property_pattern();
  designation();
}

void Parser::designation() {
  if (now().kind != TokenKind::identifier || see_word("and") || see_word("or") || see_word("when")) return;
  declare(pos_);
  advance();
}

bool Parser::pattern_ends() const {
  if (at_end() || see_word("and") || see_word("or") || see_word("when")) return true;
  return now().kind == TokenKind::punctuation &&
         one_of(now().text, {")", ";", ",", "]", "}", "&&", "||", "==", "!=", "??", "?", ":", "=>", "&", "|", "^"});
}

void Parser::property_pattern() {
  advance();
  while (!failed() && !see("}")) {
    advance();
    while (accept(".")) advance();
    if (!expect(":", "the property")) return;
    pattern();
    if (!accept(",")) break;
  }
  expect("}", "the property pattern");
  designation();
}

}  // namespace postern::policy::csharp
