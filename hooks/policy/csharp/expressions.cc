#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

void Parser::whole_expression(bool decides) {
  const Index first = pos_;
  const bool is_function = lambda_follows();
  const Expr found = expression();
  if (failed()) return;
  if (is_function && at_end()) note(NoteKind::operand, first, first, "a function is no value; call it");
  if (see(";")) {
    return fail_here("';' inside @( ), which holds one expression",
                     "remove it, or write statements in @{ … return …; }");
  }
  if (!at_end()) return after_operand();
  if (found.shape == Expr::Shape::assignment) {
    note(NoteKind::assignment, first, first, "an assignment stands where a value is due", "write == to compare");
  } else if (decides) {
    deciding_value(found);
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
    const bool due =
        pos_ > 0 && t_[pos_ - 1].kind == TokenKind::punctuation && one_of(t_[pos_ - 1].text, {"??", "?", ":", "=>"});
    if (!due) {
      note(NoteKind::statement, pos_, pos_, "'throw' gives no value",
           function_depth_ == 0 ? "write statements in @{ … }" : "make it a statement, or write: value ?? throw …");
    }
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
  if (!is_punct(ahead(), "=>") && accept_word("async"))
    note(NoteKind::forbidden, pos_ - 1, pos_ - 1, "'async' is not allowed in policy expressions", "remove it");
  bool shadows = false;
  const std::size_t locals = locals_.size();
  if (accept_word("delegate")) {
    if (see("(") && match_[pos_] != kNoMatch) lambda_parameters(match_[pos_]);
    function_body();
    leave(locals);
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
  leave(locals);
  return {};
}

void Parser::lambda_parameters(Index close) {
  advance();
  const std::size_t outer = locals_.size();
  while (pos_ < close && !failed()) {
    if (accept(",")) {
      if (see(",") || pos_ == close) return fail_after("a parameter is missing after ','");
      continue;
    }
    while (see_word("ref") || see_word("out") || see_word("in") || see_word("params")) advance();
    if (now().kind == TokenKind::identifier && (is_punct(ahead(), ",") || pos_ + 1 == close)) {
      if (is_declared_since(outer, now().text) && now().text != "_")
        note(NoteKind::name, pos_, pos_, fmt::format("two parameters have the name '{}'", now().text));
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
  const Flow outer_flow = unassigned_;
  const bool outer_goto = uses_goto_;
  const int outer_loops = std::exchange(loops_, 0);
  const int outer_switches = std::exchange(switches_, 0);
  ++function_depth_;
  block();
  --function_depth_;
  loops_ = outer_loops;
  switches_ = outer_switches;
  uses_goto_ = outer_goto;
  unassigned_ = outer_flow;
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
  leave(locals);
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
  const Expr then = expression();
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
  const Expr otherwise = expression();
  Expr result;
  result.first = condition.first;
  result.lifted = then.lifted || otherwise.lifted;
  if (then.scalar == otherwise.scalar && then.scalar != Scalar::null) result.scalar = then.scalar;
  return result;
}

}  // namespace postern::policy::csharp
