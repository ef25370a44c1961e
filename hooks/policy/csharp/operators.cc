#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {
namespace {

Scalar scalar_of(std::string_view type) {
  if (type == "string") return Scalar::text;
  if (type == "bool") return Scalar::boolean;
  if (type == "char") return Scalar::character;
  return one_of(type, {"int", "long", "short", "double", "decimal", "float"}) ? Scalar::number : Scalar::none;
}

bool is_numeric(Scalar scalar) { return scalar == Scalar::number || scalar == Scalar::character; }

// What + - * / % make of two operands.
Scalar sum_of(std::string_view op, const Expr& left, const Expr& right) {
  if (is_numeric(left.scalar) && is_numeric(right.scalar)) return Scalar::number;
  if (op != "+") return Scalar::none;
  if (left.scalar == Scalar::text) return Scalar::text;
  const bool plain = is_numeric(left.scalar) || left.scalar == Scalar::boolean;
  return plain && right.scalar == Scalar::text ? Scalar::text : Scalar::none;
}

// A value of a type of APIM's, such as IUser, or one whose type is not known at all: neither has operators.
bool is_structure(const Expr& side) {
  return side.type != nullptr && side.type->closed && side.scalar == Scalar::none && !side.quiet &&
         side.member != Expr::Member::method;
}

// What stands in a variable, an object, compares with other objects and with strings.
bool is_comparable(const Expr& side) { return !is_structure(side) || !side.type->instead.empty(); }
bool is_object(const Expr& side) { return is_structure(side) && !side.type->instead.empty(); }

bool is_nullable_bool(const Expr& side) { return side.lifted && side.scalar == Scalar::boolean; }

std::string shown_operand(const Expr& side) {
  if (is_structure(side)) return fmt::format("a value of type {}", side.type->name);
  return std::string(is_nullable_bool(side) ? "a bool?" : shown_scalar(side.scalar));
}

}  // namespace

std::string_view shown_scalar(Scalar scalar) {
  switch (scalar) {
    case Scalar::text: return "a string";
    case Scalar::number: return "a number";
    case Scalar::boolean: return "a bool";
    case Scalar::character: return "a char";
    case Scalar::null: return "null";
    case Scalar::none: break;
  }
  return "a value";
}

const ContextType* type_of(Scalar scalar) {
  switch (scalar) {
    case Scalar::text: return find_context_type("string");
    case Scalar::number: return find_context_type("int");
    case Scalar::boolean: return find_context_type("bool");
    case Scalar::character: return find_context_type("char");
    case Scalar::null:
    case Scalar::none: break;
  }
  return nullptr;
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
          const Expr right = binary(1);
          judge_operands(op, text, left, right);
          if (left.scalar == Scalar::text && right.scalar == Scalar::text) joined.scalar = Scalar::text;
          if (left.lifted && !right.lifted && left.scalar == right.scalar) joined.scalar = left.scalar;
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
  const auto is = [](const Expr& side, std::initializer_list<Scalar> kinds) {
    return std::find(kinds.begin(), kinds.end(), side.scalar) != kinds.end();
  };
  const auto either = [&](std::initializer_list<Scalar> kinds) { return is(left, kinds) || is(right, kinds); };
  const auto no_condition = [&](const Expr& side) {
    return is(side, {Scalar::text, Scalar::number, Scalar::character, Scalar::null}) || is_structure(side) ||
           is_nullable_bool(side);
  };
  static constexpr auto values = {Scalar::boolean, Scalar::number, Scalar::character};
  bool wrong = false;
  std::string_view help = "compare values of one type";
  if (text == "&&" || text == "||") {
    wrong = no_condition(left) || no_condition(right);
    help = is_nullable_bool(left) || is_nullable_bool(right) ? "compare what ?. gives: … == true"
                                                             : "each side must be bool: compare it with something";
  } else if (text == "==" || text == "!=") {
    const bool numbers = is_numeric(left.scalar) && is_numeric(right.scalar);
    wrong = (known(left) && known(right) && left.scalar != right.scalar && !numbers) ||
            (!is_comparable(left) && known(right)) || (known(left) && !is_comparable(right)) ||
            (is_object(left) && is(right, values)) || (is_object(right) && is(left, values));
  } else if (one_of(text, {"<", ">", "<=", ">="})) {
    wrong = either({Scalar::text, Scalar::boolean}) || is_structure(left) || is_structure(right);
  } else if (one_of(text, {"-", "*", "/", "%"})) {
    wrong = either({Scalar::text, Scalar::boolean}) || is_structure(left) || is_structure(right);
    help = "it takes numbers";
  } else if (text == "+") {
    wrong = (is(left, {Scalar::boolean}) && is(right, values)) || (is(right, {Scalar::boolean}) && is(left, values)) ||
            (is_structure(left) && is(right, values)) || (is_structure(right) && is(left, values));
    help = "it takes numbers, or a string";
  } else if (text == "??") {
    wrong = (left.scalar == Scalar::text || !is_comparable(left)) && known(right) && right.scalar != left.scalar;
    help = "both sides must be of one type";
  }
  if (!wrong) return;
  if (is_structure(left) && !left.type->instead.empty()) help = left.type->instead;
  if (is_structure(right) && !right.type->instead.empty()) help = right.type->instead;
  note(NoteKind::operand, op, op,
       fmt::format("'{}' stands between {} and {}", text, shown_operand(left), shown_operand(right)),
       std::string(help));
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
      const Scalar kind = operand.scalar == Scalar::character ? Scalar::number : operand.scalar;
      result.scalar = takes == Scalar::boolean || kind == takes ? takes : Scalar::none;
      result.lifted = operand.lifted;
      if (!failed() && ((kind != Scalar::none && kind != takes) || is_structure(operand))) {
        note(NoteKind::operand, first, first, fmt::format("'{}' stands before {}", token.text, shown_operand(operand)),
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
      judge_step(unary(), first);
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

void Parser::deciding_value(const Expr& found) {
  if (found.scalar != Scalar::text && found.scalar != Scalar::number && found.scalar != Scalar::character) return;
  note(NoteKind::operand, found.first, found.first,
       fmt::format("the condition is {}, where a bool is due", shown_scalar(found.scalar)),
       "compare the value with something", true);
}

void Parser::condition_value(const Expr& found, std::string_view after) {
  if (!failed() && found.shape != Expr::Shape::assignment &&
      ((found.scalar != Scalar::none && found.scalar != Scalar::boolean) || is_structure(found) ||
       is_nullable_bool(found))) {
    note(NoteKind::operand, found.first, found.first,
         fmt::format("the condition of '{}' is {}", after, shown_operand(found)),
         is_nullable_bool(found) ? "compare what ?. gives: … == true"
                                 : "it must be bool: compare the value with something");
  }
  const bool no_bool = found.scalar != Scalar::none && found.scalar != Scalar::boolean;
  if (found.shape == Expr::Shape::assignment && (found.literal_assigned || no_bool)) {
    note(NoteKind::assignment, found.first, found.first, "an assignment stands where a condition is due",
         "write == to compare");
  }
}

}  // namespace postern::policy::csharp
