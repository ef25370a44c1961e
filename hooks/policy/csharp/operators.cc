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

// What + - * / % make of two operands.
Scalar sum_of(std::string_view op, const Expr& left, const Expr& right) {
  if (left.scalar == Scalar::number && right.scalar == Scalar::number) return Scalar::number;
  if (op != "+") return Scalar::none;
  if (left.scalar == Scalar::text) return Scalar::text;
  const bool plain = left.scalar == Scalar::number || left.scalar == Scalar::boolean;
  return plain && right.scalar == Scalar::text ? Scalar::text : Scalar::none;
}

}  // namespace

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
