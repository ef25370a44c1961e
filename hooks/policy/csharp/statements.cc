#include <fmt/core.h>

#include <unordered_set>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

namespace {

// Each branch copies what is followed.
constexpr std::size_t kMaxFlow = 200;

// The type of what a variable is given, where it is one that is known here.
const ContextType* kept_type(const Expr& value) {
  if (value.quiet || value.lifted) return value.scalar == Scalar::text ? value.type : nullptr;
  if (value.type != nullptr) return value.type;
  return type_of(value.scalar);
}

}  // namespace

bool Parser::block() {
  const Deeper deeper(*this);
  if (failed()) return true;
  const Index open = pos_;
  const std::size_t locals = locals_.size();
  advance();
  bool falls = true;
  while (!failed() && !see("}")) {
    if (at_end()) {
      fail_bytes(t_[open].begin, t_[open].end, "'{' is not closed", "add '}'");
      return true;
    }
    falls = statement(falls);
  }
  accept("}");
  leave(locals);
  return falls;
}

bool Parser::goes_on_below() const {
  const Token& token = now();
  if (pos_ == 0 || s_.substr(t_[pos_ - 1].end, token.begin - t_[pos_ - 1].end).find('\n') == std::string_view::npos)
    return false;
  switch (token.kind) {
    case TokenKind::string:
    case TokenKind::interpolated:
    case TokenKind::character:
    case TokenKind::number: return true;
    case TokenKind::punctuation: return one_of(token.text, {".", "?.", ":", ",", "=>", "?"});
    case TokenKind::identifier:
      return is_word(token, "and") || is_word(token, "or") ||
             (ahead().kind == TokenKind::punctuation &&
              one_of(ahead().text, {"+", "-", "/", "%", "&&", "||", "==", "!=", "<=", ">=", "??", ","}));
    default: return false;
  }
}

bool Parser::semicolon(std::string_view after) {
  if (failed()) return false;
  if (accept(";")) return true;
  if (see(")") || see("]")) {
    fail_here(fmt::format("{} closes nothing", shown(now())));
  } else if (goes_on_below()) {
    fail_here(fmt::format("an operator is missing before {}, or ';' before this line", shown(now())));
  } else {
    fail_after(fmt::format("';' is missing after {}; found {}", after, shown(now())), "end the statement with ;");
  }
  return false;
}

void Parser::condition(std::string_view after) {
  if (!expect("(", after)) return;
  if (see(")")) return fail_here(fmt::format("the condition of '{}' is empty", after));
  const Expr found = expression();
  if (one_of(after, {"if", "while"})) condition_value(found, after);
  if (failed()) return;
  if (!accept(")")) fail_after(fmt::format("')' is missing after the condition; found {}", shown(now())));
}

bool Parser::embedded() {
  if (at_end() || see("}")) {
    fail_after(fmt::format("a statement is missing after {}", shown(t_[pos_ - 1])));
    return true;
  }
  return statement(true);
}

bool Parser::loop_body() {
  const bool outer = breaks_;
  breaks_ = false;
  ++loops_;
  embedded();
  --loops_;
  const bool broke = breaks_;
  breaks_ = outer;
  return broke;
}

bool Parser::statement(bool reachable) {
  const Deeper deeper(*this);
  if (failed()) return true;
  const bool falls = statement_flow() && reachable;
  if (!falls) unassigned_.clear();  // nothing is read behind it
  return falls;
}

bool Parser::statement_flow() {
  const Token& token = now();
  if (see("{")) return block();
  if (accept(";")) return true;
  if (token.kind == TokenKind::placeholder) {  // may stand for any statements
    advance();
    accept(";");
    uses_goto_ = true;
    opaque_ = true;
    return true;
  }
  if (token.kind == TokenKind::keyword) {
    if (token.text == "if") return if_statement();
    if (token.text == "while") {
      advance();
      const bool forever = condition_is_true();
      condition("while");
      if (failed()) return true;
      const Flow before = unassigned_;
      const bool broke = loop_body();
      if (!forever) unassigned_ = before;
      return !forever || broke;
    }
    if (token.text == "do") {
      advance();
      const bool broke = loop_body();
      if (failed()) return true;
      if (!accept_word("while")) {
        fail_after("'while' is missing after the body of do");
        return true;
      }
      const bool forever = condition_is_true();
      condition("while");
      semicolon("do … while ( )");
      return !forever || broke;
    }
    if (token.text == "for") return for_statement();
    if (token.text == "foreach") return foreach_statement();
    if (token.text == "switch") return switch_statement();
    if (token.text == "try") return try_statement();
    if (token.text == "using") return using_statement();
    if (token.text == "lock") {
      advance();
      condition("lock");
      return embedded();
    }
    if (token.text == "return") return return_statement();
    if (token.text == "throw") {
      advance();
      if (!see(";")) expression();
      semicolon("throw");
      return false;
    }
    if (token.text == "break" || token.text == "continue") {
      const bool leaves = loops_ > 0 || (token.text == "break" && switches_ > 0);
      if (!leaves && !opaque_) {
        note(NoteKind::statement, pos_, pos_,
             fmt::format("'{}' stands outside of {}", token.text,
                         token.text == "break" ? "a loop or switch" : "a loop"));
      }
      advance();
      if (token.text == "break") breaks_ = true;
      semicolon(token.text);
      return false;
    }
    if (token.text == "goto") {
      uses_goto_ = true;
      advance();
      if (accept_word("case")) {
        expression();
      } else if (!accept_word("default")) {
        if (now().kind == TokenKind::identifier && !opaque_ && !is_label(now().text))
          note(NoteKind::name, pos_, pos_, fmt::format("there is no label '{}'", now().text));
        advance();
      }
      semicolon("goto");
      return false;
    }
    if ((token.text == "checked" || token.text == "unchecked") && is_punct(ahead(), "{")) {
      advance();
      return block();
    }
    if (one_of(token.text, {"const", "static", "readonly", "ref"})) {
      advance();
      if (token.text == "ref") accept_word("readonly");
      return declaration_or_expression();
    }
    if (token.text == "else") {
      fail_here("'else' has no 'if' before it");
      return true;
    }
    if (token.text == "case" || token.text == "default") {
      if (token.text == "case" || is_punct(ahead(), ":")) {
        fail_here(fmt::format("'{}' stands outside a switch", token.text));
        return true;
      }
    }
    if (one_of(token.text, {"unsafe", "fixed", "namespace", "class", "struct", "interface", "enum", "public", "private",
                            "internal"})) {
      fail_here(fmt::format("'{}' is not allowed in policy expressions", token.text));
      return true;
    }
  }
  if (token.kind == TokenKind::identifier) {
    if (is_punct(ahead(), ":") && !is_punct(ahead(), "::")) {  // label
      if (switches_ > 0 && is_slip_of(token, "default")) {
        fail_here(fmt::format("'{}:' is a label of its own", token.text), "write: default:");
        return true;
      }
      uses_goto_ = true;
      pos_ += 2;
      return true;
    }
    if (token.text == "yield" && (is_word(ahead(), "return") || is_word(ahead(), "break"))) {
      pos_ += 2;
      if (!see(";")) expression();
      semicolon("yield");
      return true;
    }
  }
  return declaration_or_expression();
}

bool Parser::if_statement() {
  advance();
  const bool always = condition_is_true();
  condition("if");
  if (failed()) return true;
  const Flow before = unassigned_;
  const bool then_falls = embedded();
  const Flow after_then = unassigned_;
  unassigned_ = before;
  bool else_falls = !always;
  if (!failed() && accept_word("else")) else_falls = embedded() && !always;
  unassigned_ = join(after_then, then_falls, unassigned_, else_falls);
  return then_falls || else_falls;
}

bool Parser::for_statement() {
  advance();
  if (!expect("(", "for")) return true;
  const std::size_t locals = locals_.size();
  if (!accept(";")) declaration_or_expression();
  const bool forever = see(";");
  if (!forever && !failed()) {
    const Expr found = expression();
    condition_value(found, "for");
  }
  semicolon("the condition of for");
  const Flow before = unassigned_;
  while (!failed() && !see(")")) {
    expression();
    if (!accept(",")) break;
    if (see(")")) fail_after("a step is missing after ','", "remove the ','");
  }
  expect(")", "the head of for");
  if (failed()) return true;
  const bool broke = loop_body();
  if (!forever) unassigned_ = before;
  leave(locals);
  return !forever || broke;
}

bool Parser::foreach_statement() {
  advance();
  if (!expect("(", "foreach")) return true;
  const std::size_t locals = locals_.size();
  if (see_word("var") && is_punct(ahead(), "(")) {  // deconstruction
    advance();
    if (match_[pos_] != kNoMatch) declare_between(pos_, match_[pos_]);
    pos_ = match_[pos_] == kNoMatch ? pos_ : match_[pos_] + 1;
  } else if (see("(") && match_[pos_] != kNoMatch && is_word(t_[match_[pos_] + 1], "in")) {
    declare_between(pos_, match_[pos_]);
    pos_ = match_[pos_] + 1;
  } else {
    if (!type()) return true;
    if (now().kind != TokenKind::identifier) {
      unexpected("the name of the loop variable");
      return true;
    }
    declare(pos_, true);
    advance();
  }
  if (!accept_word("in")) {
    fail_after(fmt::format("'in' is missing in foreach; found {}", shown(now())), "write: foreach (var x in list)");
    return true;
  }
  if (see(")")) {
    fail_after("the list after 'in' is missing");
    return true;
  }
  expression();
  expect(")", "the list");
  if (failed()) return true;
  const Flow before = unassigned_;
  loop_body();
  unassigned_ = before;
  leave(locals);
  return true;
}

bool Parser::switch_statement() {
  advance();
  condition("switch");
  if (!expect("{", "switch ( )")) return true;
  ++switches_;
  const bool outer = breaks_;
  const std::size_t locals = locals_.size();
  breaks_ = false;
  bool has_default = false;
  bool falls = true;
  bool any = false;
  const Flow before = unassigned_;
  Flow after = before;
  std::unordered_set<std::string_view> labels;
  Index label = 0;   // the last one
  Index behind = 0;  // the first token after it
  // C# runs no section into the next.
  const auto ends_section = [&] {
    if (any && falls && pos_ > behind && !uses_goto_ && !opaque_) {
      note(NoteKind::statement, label, behind - 1, "this section of the switch runs into its end",
           "end it with break or return");
    }
    if (any && pos_ > behind) after = meet(after, unassigned_);
    unassigned_ = before;
    falls = true;
  };
  while (!failed() && !see("}")) {
    if (at_end()) {
      fail_after("the switch is not closed", "add '}'");
      return true;
    }
    if (see_word("case")) {
      ends_section();
      label = pos_;
      advance();
      if (is_punct(ahead(), ":") && now().kind != TokenKind::identifier && now().kind != TokenKind::placeholder) {
        const std::string_view value = s_.substr(now().begin, now().end - now().begin);
        if (!labels.insert(value).second)
          note(NoteKind::name, label, pos_, fmt::format("there are two labels 'case {}'", value), "remove one of them");
      }
      // `case var x:` and `case object x:` match whatever is left.
      has_default |=
          (see_word("var") || see_word("object")) && ahead().kind == TokenKind::identifier && is_punct(ahead(2), ":");
      pattern();
      if (accept_word("when")) expression();
      if (!failed() && !accept(":")) fail_after(fmt::format("':' is missing after case; found {}", shown(now())));
      behind = pos_;
    } else if (see_word("default") && is_punct(ahead(), ":")) {
      ends_section();
      label = pos_;
      pos_ += 2;
      if (has_default) note(NoteKind::name, label, label, "there are two labels 'default'", "remove one of them");
      has_default = true;
      behind = pos_;
    } else if (!any) {
      unexpected("'case' or 'default:'");
      return true;
    } else {
      falls = statement(falls);
      continue;
    }
    any = true;
  }
  const bool last_falls = falls;
  if (!failed()) ends_section();
  if (has_default) unassigned_ = std::move(after);
  accept("}");
  --switches_;
  leave(locals);
  const bool broke = breaks_;
  breaks_ = outer;
  return broke || !has_default || last_falls;
}

bool Parser::try_statement() {
  advance();
  if (!see("{")) {
    fail_after("'{' is missing after try");
    return true;
  }
  const Flow before = unassigned_;
  bool falls = block();
  Flow after = unassigned_;
  bool handled = false;
  while (!failed() && accept_word("catch")) {
    handled = true;
    const std::size_t locals = locals_.size();
    if (accept("(")) {
      if (!type()) return true;
      if (now().kind == TokenKind::identifier) {
        declare(pos_, true);
        advance();
      }
      expect(")", "the exception");
    }
    if (accept_word("when")) {
      expect("(", "when");
      expression();
      expect(")", "the filter");
    }
    if (failed()) return true;
    if (!see("{")) {
      fail_after("'{' is missing after catch");
      return true;
    }
    unassigned_ = before;
    const bool catch_falls = block();
    after = join(after, falls, unassigned_, catch_falls);
    falls = falls || catch_falls;
    leave(locals);
  }
  if (!failed() && accept_word("finally")) {
    handled = true;
    if (!see("{")) {
      fail_after("'{' is missing after finally");
      return true;
    }
    unassigned_ = before;
    falls = block() && falls;
    after = meet(after, unassigned_);
  }
  unassigned_ = std::move(after);
  if (!failed() && !handled) fail_after("try has neither catch nor finally", "add: catch { … }");
  return falls;
}

bool Parser::using_statement() {
  advance();
  if (!accept("(")) {  // using var x = …;
    return declaration_or_expression();
  }
  const std::size_t locals = locals_.size();
  if (declaration_follows()) {
    declarators();
  } else {
    expression();
  }
  expect(")", "using (");
  if (failed()) return true;
  const bool falls = embedded();
  leave(locals);
  return falls;
}

bool Parser::return_statement() {
  const Index at = pos_;
  advance();
  if (see(";")) {
    advance();
    if (function_depth_ == 1) {
      note(NoteKind::no_return, at, at, "'return' without a value; the block must return one", "write: return …;");
    }
    return false;
  }
  if (at_end() || see("}")) {
    fail_bytes(t_[at].begin, t_[at].end, "'return' has no value and no ';'", "write: return …;");
    return false;
  }
  const Index first = pos_;
  const Expr found = expression();
  if (found.shape == Expr::Shape::assignment && found.literal_assigned) {
    note(NoteKind::assignment, first, first, "an assignment stands where a value is due", "write == to compare",
         is_local(t_[first].text));
  }
  semicolon("the value of return");
  return false;
}

bool Parser::declaration_or_expression() {
  if (see_word("await") && ahead().kind == TokenKind::identifier && now().kind == TokenKind::identifier) {
    note(NoteKind::forbidden, pos_, pos_, "'await' is not allowed in policy expressions",
         "use the send-request policy");
    advance();
    return declaration_or_expression();
  }
  if (declaration_follows()) {
    const bool meant_return = is_slip_of(now(), "return");
    const bool function = declarators();
    if (function || failed()) return true;
    semicolon("the declaration");
    return !meant_return;
  }
  const Index first = pos_;
  const Expr found = expression();
  if (failed()) return true;
  if (found.shape == Expr::Shape::value || found.shape == Expr::Shape::literal ||
      found.shape == Expr::Shape::assignable || found.shape == Expr::Shape::name) {
    if (see(";")) {
      // (a, b) = … and other forms begin with a bracket; only the plain ones are sure.
      if (!is_punct(t_[first], "(")) {
        note(NoteKind::statement, first, pos_ - 1,
             "this expression does nothing as a statement: only assignment, call, ++, -- and new may stand alone",
             found.shape == Expr::Shape::value ? "write = to assign, or return it"
                                               : "call it with ( ), assign it, or return it");
      }
    }
  }
  semicolon("the statement");
  return true;
}

bool Parser::declarators() {
  const bool named_var = see_word("var");
  if (named_var && is_punct(ahead(), "(")) {
    advance();
    if (match_[pos_] != kNoMatch) declare_between(pos_, match_[pos_]);
    pos_ = match_[pos_] == kNoMatch ? pos_ : match_[pos_] + 1;
    if (!expect("=", "the names")) return false;
    expression();
    return false;
  }
  const Index type_at = pos_;
  const bool constant = type_at > 0 && is_word(t_[type_at - 1], "const");
  const bool modified = type_at > 0 && (is_word(t_[type_at - 1], "static") || is_word(t_[type_at - 1], "readonly"));
  const std::size_t notes_before = notes_.size();
  if (!type()) return false;
  const bool type_is_known = notes_.size() == notes_before;
  const Index type_end = pos_;
  const ContextType* declared = type_between(type_at, type_end);
  bool first = true;
  do {
    if (now().kind != TokenKind::identifier) {
      unexpected("the name of a variable");
      return false;
    }
    const Index name_at = pos_;
    declare(pos_, type_is_known, declared);
    const std::size_t local = locals_.size();
    advance();
    if (first && (see("(") || see("<"))) return local_function();
    if (first && modified) {
      note(NoteKind::statement, type_at - 1, type_at - 1, fmt::format("a variable cannot be {}", t_[type_at - 1].text),
           "remove the word");
    }
    first = false;
    if (accept("=")) {
      if (see(";") || at_end() || see("}")) {
        fail_after(fmt::format("the value of '{}' is missing after '='", t_[name_at].text));
        return false;
      }
      if (named_var && see("{")) {
        fail_here("'var' takes no list: its type is not known", "write: new[] { … }");
        return false;
      }
      const Expr value = initializer_value();
      if (failed()) return false;
      judge_initial_value(type_at, type_end, name_at, value);
      if (named_var && local > 0 && local <= locals_.size()) locals_[local - 1].type = kept_type(value);
    } else if ((named_var || constant) && (see(";") || see(","))) {
      const std::string_view word = constant ? "const" : "var";
      fail_bytes(t_[type_at].begin, t_[name_at].end, fmt::format("'{} {}' needs a value", word, t_[name_at].text),
                 "add '= …' behind the name");
      return false;
    } else if (!see(";") && !see(",") && !see(")")) {
      fail_after(fmt::format("'=' or ';' is missing after '{}'; found {}", t_[name_at].text, shown(now())));
      return false;
    } else {
      if (unassigned_.size() < kMaxFlow) unassigned_.push_back(static_cast<Index>(local - 1));
    }
    if (named_var && see(",")) {
      note(NoteKind::statement, type_at, type_at, "'var' declares one variable at a time",
           "write its type, or a declaration for each");
    }
  } while (accept(","));
  return false;
}

void Parser::judge_initial_value(Index type_at, Index type_end, Index name_at, const Expr& value) {
  if (value.scalar == Scalar::none) return;
  const std::string_view name = t_[name_at].text;
  if (is_word(t_[type_at], "var") && type_end == type_at + 1) {
    if (value.scalar == Scalar::null) {
      note(NoteKind::operand, name_at, name_at, fmt::format("'var {}' cannot be null: its type is not known", name),
           "write its type instead of var");
    }
    return;
  }
  const ContextType* declared = type_between(type_at, type_end);
  const bool may_be_null = value.lifted && (value.scalar == Scalar::boolean || value.scalar == Scalar::number);
  if (declared == nullptr || declared->scalar == Scalar::none || (declared->scalar == value.scalar && !may_be_null) ||
      (declared->scalar == Scalar::text && value.scalar == Scalar::null) ||
      (declared->scalar == Scalar::number && value.scalar == Scalar::character) ||
      (declared->scalar == Scalar::character && value.scalar == Scalar::number)) {
    return;
  }
  note(NoteKind::operand, name_at, name_at,
       fmt::format("'{}' is declared as {}, and its value is {}{}", name, t_[type_at].text, shown_scalar(value.scalar),
                   may_be_null ? " or null" : ""),
       may_be_null ? "say what it is without one: … ?? value" : "convert the value, or change the type");
}

bool Parser::local_function() {
  if (see("<")) type_arguments();
  if (!see("(") || match_[pos_] == kNoMatch) {
    fail_here("the parameters of the function are not closed");
    return true;
  }
  const Index close = match_[pos_];
  const std::size_t locals = locals_.size();
  lambda_parameters(close);
  if (see_word("where")) {  // the constraints of type parameters
    while (!at_end() && !see("{") && !see("=>") && !see(";")) advance();
  }
  if (failed()) return true;
  if (accept("=>")) {
    ++function_depth_;
    expression();
    --function_depth_;
    semicolon("the function");
  } else {
    function_body();
  }
  leave(locals);
  unassigned_.clear();  // a call of it may assign
  return true;
}

}  // namespace postern::policy::csharp
