#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {
namespace {

bool is_plain_literal(const Token& token) {
  if (token.kind == TokenKind::keyword) return one_of(token.text, {"null", "true", "false"});
  return token.kind == TokenKind::string || token.kind == TokenKind::interpolated || token.kind == TokenKind::number ||
         token.kind == TokenKind::character;
}

bool is_too_large(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (c == '_') continue;
    if (c < '0' || c > '9') return false;
    if (c != '0' || !digits.empty()) digits += c;
  }
  constexpr std::string_view kMost = "18446744073709551615";
  return digits.size() > kMost.size() || (digits.size() == kMost.size() && digits > kMost);
}

}  // namespace

Expr Parser::primary() {
  Expr found = primary_start();
  bool lifted = false;
  while (!failed()) {
    if (see("..")) {  // a range is newer than the C# of the service
      fail_here("a member name is missing between two dots", "remove one of them");
      return {};
    }
    if (see("->")) {
      fail_here("'->' reaches through a pointer, and there are none here", "write '.'");
      return {};
    }
    if (see("?.") || see("?[")) {
      const bool is_value = found.scalar == Scalar::number || found.scalar == Scalar::boolean;
      if (is_value && found.type != nullptr && !found.lifted && !found.quiet && see("?.")) {
        note(NoteKind::operand, pos_, pos_, fmt::format("{} is never null", shown_scalar(found.scalar)), "write '.'");
      }
      lifted = true;
    }
    if (see(".") || see("?.")) {
      const Index dot = pos_;
      advance();
      if (now().kind == TokenKind::placeholder) {
        advance();
        found = unknown(found);
        continue;
      }
      if (now().kind != TokenKind::identifier) {
        fail_bytes(t_[dot].begin, t_[dot].end,
                   fmt::format("a member name is missing after '{}'; found {}", t_[dot].text, shown(now())));
        return {};
      }
      found = member(found);
    } else if (see("(") && pos_ > 0 && is_plain_literal(t_[pos_ - 1])) {
      fail_here(fmt::format("an operator is missing between {} and '('", shown(t_[pos_ - 1])));
      return {};
    } else if (see("(") && pos_ > 0 && is_punct(t_[pos_ - 1], ")") && found.scalar != Scalar::none) {
      fail_here(fmt::format("an operator is missing before '(': {} is no method", shown_scalar(found.scalar)));
      return {};
    } else if (see("(")) {
      const std::size_t notes = notes_.size();
      const bool names_only = pos_ > 0 && is_word(t_[pos_ - 1], "nameof");
      judge_out_argument();
      const Arguments given = call_arguments(")");
      if (!failed() && !found.quiet) judge_arguments(found, given);
      if (names_only && notes < notes_.size()) notes_.resize(notes);  // nameof(String.Length) uses no member
      found = after_call(found);
    } else if (see("[") || see("?[")) {
      if (found.type != nullptr && found.type->closed && !found.quiet) {
        note(NoteKind::unknown_member, pos_, pos_, fmt::format("{} takes no index", found.type->name),
             std::string(found.type->instead));
        found.quiet = true;
      }
      if (is_punct(ahead(), "]")) {
        fail_here("the index is missing between '[' and ']'");
        return {};
      }
      const Index open = pos_;
      const Arguments given = call_arguments("]");
      if (!failed() && !found.quiet && found.type != nullptr && given.sure && given.kinds.size() == 1 &&
          !takes_argument(found.type->index, given.kinds.front())) {
        note(NoteKind::operand, open, open,
             fmt::format("an element of {} is looked up by {}, and here stands {}", found.type->name,
                         found.type->index == 's' ? "a string" : "a number", shown_scalar(given.kinds.front())));
      }
      Expr element = found;
      element.shape = Expr::Shape::assignable;
      element.type = found.type != nullptr ? found.type->element : nullptr;
      element.scalar = element.type != nullptr ? element.type->scalar : Scalar::none;
      element.of_type = nullptr;
      element.member = Expr::Member::unknown;
      element.returns = nullptr;
      element.takes = "*";
      found = element;
    } else if (see("++") || see("--")) {
      judge_step(found, pos_);
      advance();
      found.shape = Expr::Shape::statement;
      found.scalar = Scalar::none;
      found.type = nullptr;
    } else if (see("!") && !is_punct(ahead(), "=") && null_forgiving()) {
      advance();
    } else {
      break;
    }
    found.lifted = lifted;
  }
  return found;
}

void Parser::judge_step(const Expr& operand, Index at) {
  if (operand.shape != Expr::Shape::literal && operand.shape != Expr::Shape::statement) return;
  note(NoteKind::operand, at, at, fmt::format("'{}' needs a variable, and this is a value", t_[at].text));
}

bool Parser::null_forgiving() const {
  const Token& next = ahead();
  return next.kind == TokenKind::end ||
         (next.kind == TokenKind::punctuation && one_of(next.text, {".", ")", ";", ",", "]", "}", "?.", "["}));
}

Expr Parser::unknown(const Expr& from) {
  Expr result;
  result.first = from.first;
  result.shape = Expr::Shape::unknown;
  result.quiet = true;
  return result;
}

Expr Parser::after_call(const Expr& callee) const {
  Expr result;
  result.first = callee.first;
  result.shape = Expr::Shape::statement;
  result.quiet = callee.quiet;
  result.type = callee.returns;
  if (result.type != nullptr) result.scalar = result.type->scalar;
  return result;
}

void Parser::judge_out_argument() {
  if (pos_ < 2 || match_[pos_] == kNoMatch || !(is_punct(t_[pos_ - 2], ".") || is_punct(t_[pos_ - 2], "?."))) return;
  const std::string_view name = t_[pos_ - 1].text;
  if (!one_of(name, {"TryParse", "TryParseBasic", "TryParseJwt", "TryParseExact", "TryGetValue"})) return;
  if (is_own_member(name)) return;
  for (Index i = pos_ + 1; i < match_[pos_]; ++i)
    if (is_word(t_[i], "out") || t_[i].kind == TokenKind::placeholder) return;
  note(NoteKind::operand, pos_ - 1, pos_ - 1, fmt::format("'{}' gives its result through an 'out' argument", name),
       fmt::format("write: {}(…, out var x)", name));
}

Parser::Arguments Parser::call_arguments(std::string_view close) {
  Arguments given;
  const Index open = pos_;
  advance();
  if (accept(close)) return given;
  for (;;) {
    if (see(",") || (see(close) && pos_ > open + 1)) {
      fail_bytes(t_[pos_ - 1].begin, t_[pos_ - 1].end,
                 fmt::format("an argument is missing after '{}'", t_[pos_ - 1].text));
      return given;
    }
    if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) {  // named argument
      pos_ += 2;
      given.sure = false;
    }
    if (see_word("out") || see_word("ref") || see_word("in")) {
      advance();
      if (see_word("out") || see_word("ref") || see_word("in")) {
        fail_here(fmt::format("'{}' stands behind '{}'", now().text, t_[pos_ - 1].text), "remove one of them");
        return given;
      }
      argument_declaration();
      given.kinds.push_back(Scalar::none);
    } else {
      if (close == "]" && see("^")) {
        note(NoteKind::unlisted, pos_, pos_, "an index from the end is newer than the C# 7 that APIM documents",
             "write: list.Last(), or list[list.Count - 1]");
        advance();
      }
      const Expr argument = expression();
      given.sure = given.sure && argument.shape != Expr::Shape::unknown;
      given.kinds.push_back(argument.scalar);
    }
    if (failed() || accept(close)) return given;
    if (accept(",")) continue;
    if (see(";") && match_[open] != kNoMatch) {
      fail_here(fmt::format("';' stands inside of '{}'", t_[open].text),
                fmt::format("remove it, or close the '{}' before it", t_[open].text));
    } else if (at_end() || see(";") || see("}")) {
      fail_bytes(t_[open].begin, t_[open].end, fmt::format("'{}' is not closed", t_[open].text),
                 fmt::format("add '{}'", close));
    } else {
      fail_after(fmt::format("'{}' or ',' is missing between arguments; found {}", close, shown(now())));
    }
    return given;
  }
}

void Parser::judge_arguments(const Expr& callee, const Arguments& given) {
  if (!given.sure || callee.name_at == 0 || takes_arguments(callee.takes, given.kinds)) return;
  std::string kinds;
  for (const Scalar kind : given.kinds) {
    if (!kinds.empty()) kinds += ", ";
    kinds += shown_scalar(kind);
  }
  note(NoteKind::operand, callee.name_at, callee.name_at,
       fmt::format("'{}' takes no such arguments: {}", t_[callee.name_at].text, kinds.empty() ? "none" : kinds));
}

void Parser::argument_declaration() {
  const Mark start = mark();
  if (type() && now().kind == TokenKind::identifier) {
    declare(pos_);
    advance();
    if (see(",") || see(")") || see("]")) return;
  }
  rewind(start);
  expression();
}

Expr Parser::primary_start() {
  const Index first = pos_;
  const Token& token = now();
  Expr result;
  result.first = first;
  switch (token.kind) {
    case TokenKind::number:
    case TokenKind::character:
    case TokenKind::string:
      advance();
      result.shape = Expr::Shape::literal;
      result.scalar = token.kind == TokenKind::string   ? Scalar::text
                      : token.kind == TokenKind::number ? Scalar::number
                                                        : Scalar::character;
      result.type = type_of(result.scalar);
      if (token.kind == TokenKind::number && is_too_large(token.text))
        fail_bytes(token.begin, token.end, "this whole number is larger than 64 bits hold", "write a decimal: …m");
      return result;
    case TokenKind::interpolated:
      advance();
      holes(token);
      result.scalar = Scalar::text;
      result.type = type_of(result.scalar);
      result.shape = Expr::Shape::literal;
      return result;
    case TokenKind::placeholder:
      advance();
      result.shape = Expr::Shape::unknown;
      result.quiet = true;
      return result;
    case TokenKind::identifier: return name();
    case TokenKind::keyword: return keyword_primary();
    case TokenKind::end:
      fail_after(pos_ == 0 ? "the expression is empty"
                           : fmt::format("an operand is missing after {}", shown(t_[pos_ - 1])));
      return {};
    case TokenKind::punctuation: break;
  }
  if (see("(")) {
    advance();
    if (see(")")) {
      fail_bytes(token.begin, now().end, "'()' holds no expression");
      return {};
    }
    const bool named = now().kind == TokenKind::identifier && is_punct(ahead(), ":");  // (name: value, …)
    if (named) pos_ += 2;
    Expr inner = tuple_element();
    if (named) inner = {};
    while (!failed() && accept(",")) {
      inner = {};
      if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) pos_ += 2;
      tuple_element();
    }
    if (failed()) return {};
    if (!accept(")")) {
      if (at_end() || see(";") || see("}")) {
        fail_bytes(token.begin, token.end, "'(' is not closed", "add ')'");
      } else {
        fail_after(fmt::format("')' or an operator is missing; found {}", shown(now())));
      }
      return {};
    }
    if (inner.shape == Expr::Shape::name || inner.shape == Expr::Shape::assignment) inner.shape = Expr::Shape::value;
    inner.first = first;
    return inner;
  }
  if (see("{") && ahead().kind == TokenKind::number && is_punct(ahead(2), "}")) {  // {0}, which a deployment replaces
    pos_ += 3;
    return result;
  }
  if (see("{")) {
    fail_here("'{' begins no value", "write: new { … }, new T { … } or new[] { … }");
    return {};
  }
  if (see(")") || see("]") || see("}")) {
    fail_here(fmt::format("an operand is missing before {}", shown(token)));
  } else {
    fail_here(fmt::format("an operand is missing; found {}", shown(token)));
  }
  return {};
}

Expr Parser::tuple_element() {
  const Mark start = mark();
  if (now().kind == TokenKind::identifier || now().kind == TokenKind::keyword) {
    if (type() && now().kind == TokenKind::identifier && (is_punct(ahead(), ",") || is_punct(ahead(), ")"))) {
      declare(pos_);
      advance();
      return {};
    }
    rewind(start);
  }
  return expression();
}

void Parser::holes(const Token& token) {
  for (const Hole& hole : token.holes) {
    Lexed lexed = lex(s_, hole.begin, hole.end);
    if (lexed.fault) {
      return fail_bytes(lexed.fault->begin, lexed.fault->end, std::move(lexed.fault->message),
                        std::move(lexed.fault->help));
    }
    if (lexed.has_placeholder) continue;
    // Liquid or a named value between doubled braces leaves nothing here; a name with blanks does not come.
    Parser inner(*this, std::move(lexed.tokens));
    inner.parse_hole();
    if (inner.fault()) {
      const Fault& fault = *inner.fault();
      return fail_bytes(fault.begin, fault.end, fault.message, fault.help);
    }
    for (Note& each : inner.notes()) {
      if (notes_.size() < kMaxNotes) notes_.push_back(std::move(each));
    }
  }
}

Expr Parser::keyword_primary() {
  Expr result;
  result.first = pos_;
  const std::string_view word = now().text;
  if (word == "true" || word == "false" || word == "this" || word == "base") {
    advance();
    if (word == "true" || word == "false") result.scalar = Scalar::boolean;
    result.type = type_of(result.scalar);
    return result;
  }
  if (word == "null") {
    advance();
    result.scalar = Scalar::null;
    result.shape = Expr::Shape::literal;
    return result;
  }
  if (is_predefined_type(word)) {  // int.Parse, string.Join
    advance();
    if (!see(".")) {
      fail_after(fmt::format("type '{}' stands where a value is due; found {} after it", word, shown(now())));
      return {};
    }
    result.of_type = find_dotnet_type(word);
    return result;
  }
  if (word == "new") return creation();
  if (word == "delegate") return lambda();
  if (word == "typeof" || word == "sizeof") {
    advance();
    if (!expect("(", word) || !type()) return {};
    expect(")", "the type");
    return result;
  }
  if (word == "default") {
    advance();
    if (accept("(")) {
      type();
      expect(")", "the type");
    }
    return result;
  }
  if (word == "checked" || word == "unchecked") {
    advance();
    if (!expect("(", word)) return {};
    expression();
    expect(")", "the expression");
    return result;
  }
  if (word == "ref" || word == "out") {
    advance();
    return expression();
  }
  if (word == "return" || word == "if" || word == "var" || word == "foreach" || word == "for" || word == "while") {
    fail_here(fmt::format("'{}' is a statement; a value is due here", word),
              function_depth_ == 0 ? "write statements in @{ … return …; }" : "");
    return {};
  }
  if (word == "stackalloc" || word == "unsafe" || word == "fixed") {
    fail_here(fmt::format("'{}' is not allowed in policy expressions", word));
    return {};
  }
  fail_here(fmt::format("unexpected '{}'; a value is due here", word));
  return {};
}

Expr Parser::creation() {
  Expr result;
  result.first = pos_;
  result.shape = Expr::Shape::statement;
  advance();
  if (see("{")) {  // anonymous object
    initializer();
    result.shape = Expr::Shape::value;
    return result;
  }
  if (see("[")) {  // implicitly typed array
    advance();
    while (accept(",")) {
    }
    if (!expect("]", "new[")) return {};
    if (!see("{")) {
      fail_after(fmt::format("the values of the array are missing; found {}", shown(now())), "write: new[] { … }");
      return {};
    }
    initializer();
    result.shape = Expr::Shape::value;
    return result;
  }
  if (see("(")) {  // target-typed
    call_arguments(")");
    if (see("{")) initializer();
    return result;
  }
  // The type without its ranks: "new T[n]" holds an expression there.
  if (now().kind == TokenKind::keyword && is_predefined_type(now().text)) {
    advance();
  } else if (now().kind == TokenKind::placeholder) {
    advance();
  } else if (!name_with_arguments()) {
    if (fault_) fault_->message = fmt::format("a type is missing after 'new'");
    return {};
  }
  if (see("?")) advance();
  if (see("(")) {
    call_arguments(")");
    if (see("{")) initializer();
    return result;
  }
  if (see("{")) {
    initializer();
    return result;
  }
  if (see("[") || see("?[")) {
    if (array_rank_at(1)) {
      type_suffix(false);
      if (!see("{")) {
        fail_after(fmt::format("the values of the array are missing; found {}", shown(now())),
                   "write: new T[] { … } or new T[n]");
        return {};
      }
      initializer();
    } else {
      call_arguments("]");
      while (see("[") && array_rank_at(1)) type_suffix(false);
      if (see("{")) initializer();
    }
    result.shape = Expr::Shape::value;
    return result;
  }
  fail_after(fmt::format("'(' or '{{' is missing after the type; found {}", shown(now())),
             "write: new T(…) or new T { … }");
  return {};
}

void Parser::initializer() {
  const Deeper deeper(*this);
  if (failed()) return;
  const Index open = pos_;
  advance();
  while (!failed() && !see("}")) {
    if (at_end()) return fail_bytes(t_[open].begin, t_[open].end, "'{' is not closed", "add '}'");
    if (see("{")) {
      initializer();
    } else if (see("[")) {
      call_arguments("]");
      if (!expect("=", "the index")) return;
      initializer_value();
    } else if (now().kind == TokenKind::identifier && is_punct(ahead(), "=")) {
      pos_ += 2;
      initializer_value();
    } else {
      expression();
    }
    if (failed() || see("}")) break;
    if (!accept(",")) {
      if (at_end() || see(";")) return fail_bytes(t_[open].begin, t_[open].end, "'{' is not closed", "add '}'");
      return fail_after(fmt::format("',' or '}}' is missing in the initialiser; found {}", shown(now())));
    }
  }
  if (!failed() && !accept("}")) fail_bytes(t_[open].begin, t_[open].end, "'{' is not closed", "add '}'");
}

Expr Parser::initializer_value() {
  if (!see("{")) return expression();
  initializer();
  return {};
}

}  // namespace postern::policy::csharp
