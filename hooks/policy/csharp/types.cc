#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

bool Parser::type(bool in_pattern) {
  const Deeper deeper(*this);
  if (failed()) return false;
  if (accept("(")) {  // tuple
    int elements = 0;
    do {
      if (!type()) return false;
      if (now().kind == TokenKind::identifier) advance();
      ++elements;
    } while (accept(","));
    if (elements < 2 || !accept(")")) return type_fault();
  } else if (now().kind == TokenKind::keyword && (is_predefined_type(now().text) || now().text == "void")) {
    advance();
  } else if (now().kind == TokenKind::placeholder) {
    advance();
  } else if (!name_with_arguments()) {
    return false;
  }
  return type_suffix(in_pattern);
}

bool Parser::type_fault() {
  fail_here(fmt::format("a type is missing; found {}", shown(now())));
  return false;
}

bool Parser::type_suffix(bool in_pattern) {
  for (;;) {
    if (see("?") && !(in_pattern && !nullable_mark_follows())) {
      advance();
    } else if (see("?[") && array_rank_at(1)) {
      advance();
      while (accept(",")) {
      }
      if (!accept("]")) return type_fault();
    } else if (see("[") && array_rank_at(1)) {
      advance();
      while (accept(",")) {
      }
      advance();
    } else {
      return true;
    }
  }
}

bool Parser::array_rank_at(Index by) const {
  while (is_punct(ahead(by), ",")) ++by;
  return is_punct(ahead(by), "]");
}

bool Parser::nullable_mark_follows() const {
  const Token& next = ahead();
  if (next.kind == TokenKind::end) return true;
  return next.kind == TokenKind::punctuation &&
         one_of(next.text, {")", ";", ",", "]", "}", "&&", "||", "==", "!=", "??", "?", ":", "=>"});
}

bool Parser::name_with_arguments() {
  if (now().kind == TokenKind::identifier) judge_type();
  for (;;) {
    if (now().kind != TokenKind::identifier) return type_fault();
    advance();
    if (see("<") && !type_arguments()) return false;
    if (see("::")) {
      advance();
      continue;
    }
    if (!see(".") || ahead().kind != TokenKind::identifier) return true;
    advance();
  }
}

bool Parser::type_arguments() {
  const Deeper deeper(*this);
  if (failed() || !accept("<")) return false;
  if (accept(">")) return true;  // List<> in typeof
  if (see(",")) {
    while (accept(",")) {
    }
    return accept(">") || type_fault();
  }
  do {
    if (!type()) return false;
  } while (accept(","));
  return accept(">") || type_fault();
}

bool Parser::cast_follows() {
  const Mark start = mark();
  const Trial trial(*this);
  advance();
  const bool keyword_type = now().kind == TokenKind::keyword && is_predefined_type(now().text);
  bool cast = type() && see(")");
  const bool surely = cast && (keyword_type || is_punct(t_[pos_ - 1], "]") || is_punct(t_[pos_ - 1], "?") ||
                               is_punct(t_[pos_ - 1], ">"));
  if (cast) {
    const Token& next = ahead();
    if (surely) {
      cast = next.kind != TokenKind::end &&
             !(next.kind == TokenKind::punctuation &&
               one_of(next.text, {")", ";", ",", ".", "]", "}", "?", ":", "==", "!=", "&&", "||"}));
    } else {
      cast = next.kind == TokenKind::identifier || next.kind == TokenKind::number ||
             next.kind == TokenKind::character || next.kind == TokenKind::string ||
             next.kind == TokenKind::interpolated || next.kind == TokenKind::placeholder ||
             (next.kind == TokenKind::keyword && !one_of(next.text, {"as", "is", "in", "switch"})) ||
             (next.kind == TokenKind::punctuation && one_of(next.text, {"(", "!", "~"}));
    }
  }
  rewind(start);
  return cast;
}

std::string_view Parser::generic_call() {
  const Mark start = mark();
  if (type_arguments()) {
    const bool one_name = pos_ == start.pos + 3;
    const Token& next = now();
    if (next.kind == TokenKind::end ||
        (next.kind == TokenKind::punctuation && one_of(next.text, {"(",  ")", "]",  "}",  ":",  ";", ",",
                                                                   ".",  "?", "==", "!=", "|",  "^", "&&",
                                                                   "||", "&", "[",  "{",  "?.", "::"})) ||
        next.kind == TokenKind::identifier) {
      if (next.kind != TokenKind::identifier) return one_name ? t_[start.pos + 1].text : std::string_view();
    }
  }
  rewind(start);
  return {};
}

bool Parser::declaration_follows() {
  const Mark start = mark();
  const Trial trial(*this);
  if (see_word("var") && is_punct(ahead(), "(")) return true;  // var (a, b) = …
  const bool reads = type() && now().kind == TokenKind::identifier && now().text != "switch";
  bool follows = false;
  if (reads) {
    const Token& next = ahead();
    follows = next.kind == TokenKind::end ||
              (next.kind == TokenKind::punctuation && one_of(next.text, {"=", ";", ",", "(", "<", ")", "}"})) ||
              // A missing '=' or ';': still a declaration in its author's mind.
              next.kind == TokenKind::keyword || next.kind == TokenKind::identifier || next.kind == TokenKind::string ||
              next.kind == TokenKind::number;
    if (next.kind == TokenKind::keyword && one_of(next.text, {"in", "is", "as"})) follows = false;
  }
  rewind(start);
  return follows;
}

}  // namespace postern::policy::csharp
