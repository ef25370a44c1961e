#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

namespace {

Scalar scalar_of(std::string_view type) {
  if (type == "string") return Scalar::text;
  if (type == "bool") return Scalar::boolean;
  return one_of(type, {"int", "long", "short", "double", "decimal", "float"}) ? Scalar::number : Scalar::none;
}

std::string_view shown_scalar(Scalar scalar) {
  switch (scalar) {
    case Scalar::text: return "a string";
    case Scalar::number: return "a number";
    case Scalar::boolean: return "a bool";
    case Scalar::null: return "null";
    case Scalar::none: break;
  }
  return "a value";
}

bool is_plain_literal(const Token& token) {
  if (token.kind == TokenKind::keyword) return one_of(token.text, {"null", "true", "false"});
  return token.kind == TokenKind::string || token.kind == TokenKind::interpolated || token.kind == TokenKind::number ||
         token.kind == TokenKind::character;
}

// What + - * / % make of two operands.
Scalar sum_of(std::string_view op, const Expr& left, const Expr& right) {
  if (left.scalar == Scalar::number && right.scalar == Scalar::number) return Scalar::number;
  if (op != "+") return Scalar::none;
  if (left.scalar == Scalar::text) return Scalar::text;
  const bool plain = left.scalar == Scalar::number || left.scalar == Scalar::boolean;
  return plain && right.scalar == Scalar::text ? Scalar::text : Scalar::none;
}

}  // namespace

void Parser::whole_expression() {
  const Index first = pos_;
  const Expr found = expression();
  if (failed()) return;
  if (see(";")) {
    return fail_here("';' inside @( ), which holds one expression",
                     "remove it, or write statements in @{ … return …; }");
  }
  if (!at_end()) return after_operand();
  if (found.shape == Expr::Shape::assignment) {
    note(NoteKind::assignment, first, first, "an assignment stands where a value is due", "write == to compare");
  }
}

void Parser::after_operand() {
  if (see(")") || see("]") || see("}"))
    return fail_here(fmt::format("{} closes nothing", shown(now())), "remove it, or open its partner before");
  fail_here(fmt::format("unexpected {}; expected an operator or the end of the expression", shown(now())));
}

Expr Parser::expression() {
  const Deeper deeper(*this);
  if (failed()) return {};
  if (see_word("throw")) {
    advance();
    expression();
    return {};
  }
  if (lambda_follows()) return lambda();
  if (query_follows()) return query();
  Expr left = conditional();
  if (failed()) return left;
  const Index op = pos_;
  if (!assignment_operator()) return left;
  const bool plain = is_punct(t_[op], "=");
  if (left.shape != Expr::Shape::assignable && left.shape != Expr::Shape::name && left.shape != Expr::Shape::unknown &&
      !is_punct(t_[left.first], "(")) {
    fail_bytes(t_[op].begin, t_[op].end, "the left side of an assignment must be a variable, member or element",
               plain ? "write == to compare" : "");
    return {};
  }
  if (left.context_chain) {
    note(NoteKind::assignment, left.first, op, "`context` is read-only; it cannot be assigned to",
         "use the set-variable, set-header or set-body policy");
  }
  const Expr right = expression();
  Expr result;
  result.first = left.first;
  result.shape = Expr::Shape::assignment;
  result.literal_assigned = plain && right.shape == Expr::Shape::literal;
  if (plain) result.scalar = left.scalar;
  return result;
}

bool Parser::assignment_operator() {
  if (now().kind != TokenKind::punctuation) return false;
  if (one_of(now().text, {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", "?\?="})) {
    advance();
    return true;
  }
  // ">>=" comes as three or two marks.
  if (see(">") && adjacent() && is_punct(ahead(), ">") && adjacent(1) && is_punct(ahead(2), "=")) {
    pos_ += 3;
    return true;
  }
  return false;
}

bool Parser::lambda_follows() const {
  const Token& token = now();
  if (is_word(token, "async") && !is_punct(ahead(), "=>")) {
    return is_punct(ahead(), "(") || (ahead().kind == TokenKind::identifier && is_punct(ahead(2), "=>"));
  }
  if (is_word(token, "delegate")) return true;
  if (token.kind == TokenKind::identifier) return is_punct(ahead(), "=>");
  if (is_punct(token, "(") && match_[pos_] != kNoMatch) return is_punct(t_[match_[pos_] + 1], "=>");
  return false;
}

Expr Parser::lambda() {
  if (!is_punct(ahead(), "=>")) accept_word("async");
  bool shadows = false;
  const std::size_t locals = locals_.size();
  if (accept_word("delegate")) {
    if (see("(") && match_[pos_] != kNoMatch) lambda_parameters(match_[pos_]);
    function_body();
    locals_.resize(locals);
    return {};
  }
  if (see("(")) {
    const Index close = match_[pos_];
    for (Index i = pos_; i < close; ++i) shadows |= is_word(t_[i], "context");
    lambda_parameters(close);
  } else {
    shadows = see_word("context");
    declare(pos_);
    advance();
  }
  if (failed() || !expect("=>", "the parameters")) return {};
  if (shadows) ++shadowed_;
  if (see("{")) {
    function_body();
  } else {
    if (at_end()) {
      fail_after("the body of the lambda is missing after '=>'");
    } else {
      expression();
    }
  }
  if (shadows) --shadowed_;
  locals_.resize(locals);
  return {};
}

void Parser::lambda_parameters(Index close) {
  advance();
  const std::size_t outer = locals_.size();
  while (pos_ < close && !failed()) {
    if (accept(",")) continue;
    while (see_word("ref") || see_word("out") || see_word("in") || see_word("params")) advance();
    if (now().kind == TokenKind::identifier && (is_punct(ahead(), ",") || pos_ + 1 == close)) {
      for (std::size_t i = outer; i < locals_.size(); ++i) {
        if (locals_[i].name == now().text && now().text != "_")
          note(NoteKind::name, pos_, pos_, fmt::format("two parameters have the name '{}'", now().text));
      }
      declare(pos_);
      advance();
      continue;
    }
    if (!type()) return;
    if (now().kind != TokenKind::identifier) return unexpected("the name of a parameter");
    declare(pos_);
    advance();
    if (accept("=")) expression();
  }
  if (!failed()) pos_ = close + 1;
}

void Parser::function_body() {
  if (!see("{")) return unexpected("'{'");
  const bool outer_goto = uses_goto_;
  const int outer_loops = std::exchange(loops_, 0);
  const int outer_switches = std::exchange(switches_, 0);
  ++function_depth_;
  block();
  --function_depth_;
  loops_ = outer_loops;
  switches_ = outer_switches;
  uses_goto_ = outer_goto;
}

bool Parser::query_follows() const {
  if (!is_word(now(), "from") || now().kind != TokenKind::identifier) return false;
  if (ahead().kind == TokenKind::identifier && is_word(ahead(2), "in")) return true;
  return (ahead().kind == TokenKind::identifier || ahead().kind == TokenKind::keyword) &&
         ahead(2).kind == TokenKind::identifier && is_word(ahead(3), "in");
}

Expr Parser::query() {
  const Index first = pos_;
  const std::size_t locals = locals_.size();
  const auto from = [&] {
    advance();
    if (!is_word(ahead(), "in")) type();
    const Index variable = pos_;
    advance();
    if (!failed() && !accept_word("in")) return unexpected("'in'");
    expression();
    declare(variable);
  };
  from();
  while (!failed()) {
    if (see_word("from")) {
      from();
    } else if (accept_word("let")) {
      declare(pos_);
      advance();
      expect("=", "the name");
      expression();
    } else if (accept_word("where")) {
      expression();
    } else if (accept_word("join")) {
      if (!is_word(ahead(), "in")) type();
      declare(pos_);
      advance();
      if (!accept_word("in")) unexpected("'in'");
      expression();
      if (!failed() && !accept_word("on")) unexpected("'on'");
      expression();
      if (!failed() && !accept_word("equals")) unexpected("'equals'");
      expression();
      if (accept_word("into")) {
        declare(pos_);
        advance();
      }
    } else if (accept_word("orderby")) {
      do {
        expression();
        if (!accept_word("ascending")) accept_word("descending");
      } while (!failed() && accept(","));
    } else if (accept_word("select")) {
      expression();
      if (!accept_word("into")) break;
      declare(pos_);
      advance();
    } else if (accept_word("group")) {
      expression();
      if (!failed() && !accept_word("by")) unexpected("'by'");
      expression();
      if (!accept_word("into")) break;
      declare(pos_);
      advance();
    } else {
      unexpected("a clause of the query: from, let, where, join, orderby, select or group");
    }
  }
  locals_.resize(locals);
  Expr result;
  result.first = first;
  return result;
}

Expr Parser::conditional() {
  Expr condition = binary(0);
  if (failed() || !see("?")) return condition;
  const Index mark_at = pos_;
  advance();
  condition_value(condition);
  if (see(":") || at_end()) {
    fail_bytes(t_[mark_at].begin, t_[mark_at].end, "the value after '?' is missing",
               "write: condition ? value : other value");
    return {};
  }
  expression();
  if (failed()) return {};
  if (!accept(":")) {
    fail_after(fmt::format("':' of the conditional is missing; found {}", shown(now())),
               "write: condition ? value : other value");
    return {};
  }
  if (at_end() || see(")") || see(";")) {
    fail_after("the value after ':' is missing", "write: condition ? value : other value");
    return {};
  }
  expression();
  Expr result;
  result.first = condition.first;
  return result;
}

int Parser::precedence(const Token& token, const Token& next, bool adjacent_next) {
  if (token.kind == TokenKind::keyword)
    return token.text == "is" || token.text == "as" ? 8 : token.text == "switch" ? 12 : -1;
  if (token.kind != TokenKind::punctuation) return -1;
  const std::string_view p = token.text;
  if (p == "??") return 1;
  if (p == "||") return 2;
  if (p == "&&") return 3;
  if (p == "|") return 4;
  if (p == "^") return 5;
  if (p == "&") return 6;
  if (p == "==" || p == "!=") return 7;
  if (p == ">" && adjacent_next && is_punct(next, ">")) return 9;
  if (p == "<" || p == ">" || p == "<=") return 8;
  if (p == "<<") return 9;
  if (p == "+" || p == "-") return 10;
  if (p == "*" || p == "/" || p == "%") return 11;
  return -1;
}

Expr Parser::binary(int least) {
  const Deeper deeper(*this);
  Expr left = unary();
  while (!failed()) {
    const int level = precedence(now(), ahead(), adjacent());
    if (level < least || level < 0) return left;
    const Index op = pos_;
    if (see(">") && adjacent() && is_punct(ahead(), ">")) {
      if (adjacent(1) && is_punct(ahead(2), "=")) return left;  // >>=
      pos_ += 2;
    } else if (see(">") && adjacent() && is_punct(ahead(), "=")) {
      pos_ += 2;  // >=
    } else {
      advance();
    }
    const std::string_view text = t_[op].text;
    const std::uint32_t operator_end = t_[pos_ - 1].end;
    Expr joined;
    if (text == "is") {
      pattern();
      joined.scalar = Scalar::boolean;
    } else if (text == "as") {
      const Index type_at = pos_;
      type(true);
      joined.type = type_between(type_at, pos_);
      if (joined.type != nullptr) joined.scalar = joined.type->scalar;
    } else if (text == "switch") {
      switch_arms();
    } else {
      if (!operand_follows()) {
        fail_bytes(t_[op].begin, t_[pos_ - 1].end,
                   fmt::format("the operand after '{}' is missing; found {}",
                               s_.substr(t_[op].begin, t_[pos_ - 1].end - t_[op].begin), shown(now())));
        return {};
      }
      // ?? associates to the right; its right side may be a throw or a lambda.
      if (level == 1) {
        if (see_word("throw") || lambda_follows()) {
          expression();
        } else {
          binary(1);
        }
      } else {
        const Expr right = binary(level + 1);
        const std::string_view written = s_.substr(t_[op].begin, operator_end - t_[op].begin);
        judge_operands(op, written, left, right);
        if (level == 7 || (level == 8 && text != "is" && text != "as") || level == 2 || level == 3) {
          joined.scalar = Scalar::boolean;
        } else if (level == 10 || level == 11) {
          joined.scalar = sum_of(text, left, right);
        } else if (level == 9 && left.scalar == Scalar::number && right.scalar == Scalar::number) {
          joined.scalar = Scalar::number;
        }
      }
    }
    joined.first = left.first;
    left = joined;
  }
  return left;
}

void Parser::judge_operands(Index op, std::string_view text, const Expr& left, const Expr& right) {
  if (failed()) return;
  const auto known = [](const Expr& side) { return side.scalar != Scalar::none && side.scalar != Scalar::null; };
  const auto is_not = [](const Expr& side, Scalar wanted) {
    return side.scalar != Scalar::none && side.scalar != wanted;
  };
  bool wrong = false;
  const bool logic = text == "&&" || text == "||";
  if (logic) {
    wrong = is_not(left, Scalar::boolean) || is_not(right, Scalar::boolean);
  } else if (text == "==" || text == "!=") {
    wrong = known(left) && known(right) && left.scalar != right.scalar;
  } else if (one_of(text, {"<", ">", "<=", ">="})) {
    wrong = known(left) && known(right) && (left.scalar != Scalar::number || right.scalar != Scalar::number);
  }
  if (!wrong) return;
  note(NoteKind::operand, op, op,
       fmt::format("'{}' stands between {} and {}", text, shown_scalar(left.scalar), shown_scalar(right.scalar)),
       logic ? "each side must be bool: compare it with something" : "compare values of one type");
}

bool Parser::operand_follows() const {
  if (at_end()) return false;
  if (now().kind == TokenKind::punctuation) {
    return one_of(now().text, {"(", "!", "~", "-", "+", "++", "--", "[", "{"});
  }
  if (now().kind == TokenKind::keyword) {
    return !one_of(now().text,
                   {"is", "as", "in", "else", "return", "if", "while", "for", "foreach", "switch", "case", "break"});
  }
  return true;
}

Expr Parser::unary() {
  const Deeper deeper(*this);
  if (failed()) return {};
  const Index first = pos_;
  const Token& token = now();
  if (token.kind == TokenKind::punctuation) {
    if (one_of(token.text, {"+", "-", "!", "~"})) {
      advance();
      if (!operand_follows()) {
        fail_bytes(token.begin, token.end,
                   fmt::format("the operand after '{}' is missing; found {}", token.text, shown(now())));
        return {};
      }
      const Expr operand = unary();
      Expr result;
      result.first = first;
      if (operand.shape == Expr::Shape::literal) result.shape = Expr::Shape::literal;
      const Scalar takes = token.text == "!" ? Scalar::boolean : Scalar::number;
      result.scalar = takes == Scalar::boolean || operand.scalar == takes ? takes : Scalar::none;
      if (!failed() && one_of(token.text, {"!", "-", "~", "+"}) && operand.scalar != Scalar::none &&
          operand.scalar != takes) {
        note(NoteKind::operand, first, first,
             fmt::format("'{}' stands before {}", token.text, shown_scalar(operand.scalar)),
             takes == Scalar::boolean ? "it takes a bool: compare the value with something" : "");
      }
      return result;
    }
    if (one_of(token.text, {"++", "--"})) {
      advance();
      if (!operand_follows()) {
        fail_bytes(token.begin, token.end,
                   fmt::format("the operand after '{}' is missing; found {}", token.text, shown(now())));
        return {};
      }
      unary();
      Expr result;
      result.first = first;
      result.shape = Expr::Shape::statement;
      return result;
    }
    if (token.text == "(" && cast_follows()) {
      advance();
      Expr result;
      result.first = first;
      if (is_punct(ahead(), ")")) {
        result.scalar = scalar_of(now().text);
        result.type = find_context_type(now().text);
      }
      type();
      advance();  // ')'
      unary();
      return result;
    }
  }
  if (is_word(token, "await") && token.kind == TokenKind::identifier &&
      (ahead().kind == TokenKind::identifier || is_punct(ahead(), "("))) {
    if (ahead().kind == TokenKind::identifier) {
      note(NoteKind::forbidden, pos_, pos_, "'await' is not allowed in policy expressions",
           "use the send-request policy");
      advance();
      unary();
      Expr result;
      result.first = first;
      result.shape = Expr::Shape::statement;
      return result;
    }
  }
  return primary();
}

Expr Parser::primary() {
  Expr found = primary_start();
  while (!failed()) {
    if (see("..")) {  // a range is newer than the C# of the service
      fail_here("a member name is missing between two dots", "remove one of them");
      return {};
    }
    if (see("->")) {
      fail_here("'->' reaches through a pointer, and there are none here", "write '.'");
      return {};
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
    } else if (see("(")) {
      const std::size_t notes = notes_.size();
      const bool names_only = pos_ > 0 && is_word(t_[pos_ - 1], "nameof");
      judge_out_argument();
      call_arguments(")");
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
      call_arguments("]");
      Expr element = found;
      element.shape = Expr::Shape::assignable;
      element.type = found.type != nullptr ? found.type->element : nullptr;
      element.scalar = element.type != nullptr ? element.type->scalar : Scalar::none;
      element.of_type = nullptr;
      element.member = Expr::Member::unknown;
      element.returns = nullptr;
      found = element;
    } else if (see("++") || see("--")) {
      advance();
      found.shape = Expr::Shape::statement;
      found.scalar = Scalar::none;
      found.type = nullptr;
    } else if (see("!") && !is_punct(ahead(), "=") && null_forgiving()) {
      advance();
    } else {
      return found;
    }
  }
  return found;
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
  if (std::find(own_members_.begin(), own_members_.end(), name) != own_members_.end()) return;
  for (Index i = pos_ + 1; i < match_[pos_]; ++i)
    if (is_word(t_[i], "out") || t_[i].kind == TokenKind::placeholder) return;
  note(NoteKind::operand, pos_ - 1, pos_ - 1, fmt::format("'{}' gives its result through an 'out' argument", name),
       fmt::format("write: {}(…, out var x)", name));
}

void Parser::call_arguments(std::string_view close) {
  const Index open = pos_;
  advance();
  if (accept(close)) return;
  for (;;) {
    if (see(",") || (see(close) && pos_ > open + 1)) {
      return fail_bytes(t_[pos_ - 1].begin, t_[pos_ - 1].end,
                        fmt::format("an argument is missing after '{}'", t_[pos_ - 1].text));
    }
    if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) pos_ += 2;  // named argument
    if (see_word("out") || see_word("ref") || see_word("in")) {
      advance();
      if (see_word("out") || see_word("ref") || see_word("in"))
        return fail_here(fmt::format("'{}' stands behind '{}'", now().text, t_[pos_ - 1].text), "remove one of them");
      argument_declaration();
    } else {
      expression();
    }
    if (failed()) return;
    if (accept(",")) continue;
    if (accept(close)) return;
    if (at_end() || see(";") || see("}")) {
      return fail_bytes(t_[open].begin, t_[open].end, fmt::format("'{}' is not closed", t_[open].text),
                        fmt::format("add '{}'", close));
    }
    return fail_after(fmt::format("'{}' or ',' is missing between arguments; found {}", close, shown(now())));
  }
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
      if (token.kind == TokenKind::string) result.scalar = Scalar::text;
      if (token.kind == TokenKind::number) result.scalar = Scalar::number;
      return result;
    case TokenKind::interpolated:
      advance();
      holes(token);
      result.scalar = Scalar::text;
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
    for (Note& each : inner.notes()) notes_.push_back(std::move(each));
  }
}

Expr Parser::keyword_primary() {
  Expr result;
  result.first = pos_;
  const std::string_view word = now().text;
  if (word == "true" || word == "false" || word == "this" || word == "base") {
    advance();
    if (word == "true" || word == "false") result.scalar = Scalar::boolean;
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

void Parser::condition_value(const Expr& found, std::string_view after) {
  if (!failed() && found.shape != Expr::Shape::assignment && found.scalar != Scalar::none &&
      found.scalar != Scalar::boolean) {
    note(NoteKind::operand, found.first, found.first,
         fmt::format("the condition of '{}' is {}", after, shown_scalar(found.scalar)),
         "it must be bool: compare the value with something");
  }
  const bool no_bool = found.scalar != Scalar::none && found.scalar != Scalar::boolean;
  if (found.shape == Expr::Shape::assignment && (found.literal_assigned || no_bool)) {
    note(NoteKind::assignment, found.first, found.first, "an assignment stands where a condition is due",
         "write == to compare");
  }
}

}  // namespace postern::policy::csharp
