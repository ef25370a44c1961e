#include "hooks/policy/csharp_parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "hooks/policy/context_members.h"

namespace postern::policy::csharp {
namespace {

constexpr int kMaxDepth = 200;
constexpr std::uint32_t kNoMatch = 0xffffffff;

using Index = std::uint32_t;

// What an expression turned out to be: as much as the checks need, no tree.
struct Expr {
  enum class Shape : std::uint8_t {
    value,       // anything that is only a value
    literal,     // number, string, character or null: never a condition
    assignable,  // name, member or element
    statement,   // call, assignment, ++, --, new, await: may stand as a statement
    assignment,
    name,     // one identifier
    unknown,  // a placeholder: could be anything
  };
  Shape shape = Shape::value;
  const ContextType* type = nullptr;  // where the chain from `context` stands
  bool context_chain = false;         // begins with `context`
  bool literal_assigned = false;      // assignment: its right side is a literal that is no bool
  Index first = 0;                    // token
};

bool one_of(std::string_view text, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), text) != set.end();
}

bool is_predefined_type(std::string_view word) {
  return one_of(word, {"bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte", "short",
                       "string", "uint", "ulong", "ushort"});
}

// Types and namespaces that an expression can never use: each needs the machine, the network or the runtime.
struct Forbidden {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array kForbiddenNamespaces = {Forbidden{"System.Net.Http", "the send-request policy"},
                                             Forbidden{"System.Diagnostics", "the trace policy"},
                                             Forbidden{"System.Reflection", ""},
                                             Forbidden{"System.Environment", "a named value {{name}}"},
                                             Forbidden{"System.IO.File", ""},
                                             Forbidden{"System.IO.Directory", ""},
                                             Forbidden{"System.Net.Sockets", "the send-request policy"},
                                             Forbidden{"System.Runtime", ""},
                                             Forbidden{"System.Net.WebClient", "the send-request policy"},
                                             Forbidden{"System.Net.WebRequest", "the send-request policy"}};
constexpr std::array kForbiddenTypes = {Forbidden{"HttpClient", "the send-request policy"},
                                        Forbidden{"HttpRequestMessage", "the send-request policy"},
                                        Forbidden{"WebClient", "the send-request policy"},
                                        Forbidden{"Process", ""},
                                        Forbidden{"FileStream", ""},
                                        Forbidden{"StreamReader", "context.Request.Body.As<string>()"},
                                        Forbidden{"StreamWriter", ""}};
constexpr std::array kForbiddenStatics = {
    Forbidden{"File", ""},     Forbidden{"Environment", "a named value {{name}}"}, Forbidden{"Process", ""},
    Forbidden{"Thread", ""},   Forbidden{"Console", "the trace policy"},           Forbidden{"Assembly", ""},
    Forbidden{"Activator", ""}};
// Not on APIM's list; documents with them exist, so they are no errors.
constexpr std::array kUnlisted = {Forbidden{"CultureInfo", ""}, Forbidden{"MemoryStream", ""},
                                  Forbidden{"Stopwatch", ""}};

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : s_(text), t_(std::move(tokens)) { match_brackets(); }

  void parse_form(Form form) {
    if (form == Form::expression) {
      if (at_end()) return fail_here("the expression @( ) is empty", "write a C# expression between the brackets");
      whole_expression();
      return;
    }
    if (at_end()) {
      note(NoteKind::no_return, 0, 0, "the block @{ } is empty; every path must return a value",
           "end it with: return …;");
      return;
    }
    function_depth_ = 1;
    bool falls = true;
    while (!at_end()) falls = statement(falls);
    if (!fault_ && falls && !uses_goto_) {
      const Token& last = t_[t_.size() > 1 ? t_.size() - 2 : 0];
      note_bytes(NoteKind::no_return, last.begin, last.end, "not every path through @{ … } returns a value",
                 "end the block with: return …;");
    }
  }

  // One hole of an interpolated string: expression [, alignment].
  void parse_hole() {
    if (at_end())
      return fail_here("an interpolated string has an empty hole { }",
                       "write an expression in it, or {{ }} for braces");
    expression();
    if (accept(",")) expression();
    if (!fault_ && !at_end()) unexpected("the end of the hole, '}'");
  }

  const std::optional<Fault>& fault() const { return fault_; }
  std::vector<Note>& notes() { return notes_; }
  void set_depth(int depth) { depth_ = depth; }

 private:
  // ---- tokens

  void match_brackets() {
    match_.assign(t_.size(), kNoMatch);
    std::vector<Index> open;
    for (Index i = 0; i < t_.size(); ++i) {
      if (t_[i].kind != TokenKind::punctuation) continue;
      const std::string_view p = t_[i].text;
      if (p == "(" || p == "[" || p == "{" || p == "?[") {
        open.push_back(i);
      } else if ((p == ")" || p == "]" || p == "}") && !open.empty()) {
        match_[open.back()] = i;
        open.pop_back();
      }
    }
  }

  const Token& now() const { return t_[pos_]; }
  const Token& ahead(Index by = 1) const { return t_[std::min<std::size_t>(pos_ + by, t_.size() - 1)]; }
  bool at_end() const { return now().kind == TokenKind::end; }
  bool failed() const { return fault_.has_value(); }
  void advance() {
    if (!at_end()) ++pos_;
  }
  static bool is_punct(const Token& token, std::string_view text) {
    return token.kind == TokenKind::punctuation && token.text == text;
  }
  static bool is_word(const Token& token, std::string_view text) {
    return (token.kind == TokenKind::keyword || token.kind == TokenKind::identifier) && token.text == text;
  }
  bool see(std::string_view text) const { return is_punct(now(), text); }
  bool see_word(std::string_view text) const { return is_word(now(), text); }
  bool accept(std::string_view text) {
    if (!see(text)) return false;
    advance();
    return true;
  }
  bool accept_word(std::string_view text) {
    if (!see_word(text)) return false;
    advance();
    return true;
  }
  // `a >` `> b` written together.
  bool adjacent(Index by = 0) const { return t_[pos_ + by].end == ahead(by + 1).begin; }

  std::string shown(const Token& token) const {
    if (token.kind == TokenKind::end) return "the end of the expression";
    std::string_view text = s_.substr(token.begin, token.end - token.begin);
    const bool cut = text.size() > 30;
    if (cut) text = text.substr(0, 30);
    return fmt::format("'{}{}'", text, cut ? "…" : "");
  }

  // ---- faults

  void fail_bytes(std::uint32_t begin, std::uint32_t end, std::string message, std::string help = {}) {
    if (!fault_) fault_ = Fault{begin, end, std::move(message), std::move(help)};
    pos_ = static_cast<Index>(t_.size() - 1);
  }
  void fail_here(std::string message, std::string help = {}) {
    fail_bytes(now().begin, now().end, std::move(message), std::move(help));
  }
  // The fault of something that should stand right after the last token: a person points there, not at what follows.
  void fail_after(std::string message, std::string help = {}) {
    const Token& last = t_[pos_ > 0 ? pos_ - 1 : 0];
    fail_bytes(last.begin, last.end, std::move(message), std::move(help));
  }
  void unexpected(std::string_view wanted) {
    fail_here(fmt::format("unexpected {}; expected {}", shown(now()), wanted));
  }
  bool expect(std::string_view text, std::string_view after) {
    if (failed()) return false;
    if (accept(text)) return true;
    fail_after(fmt::format("'{}' is missing after {}; found {}", text, after, shown(now())));
    return false;
  }
  void note_bytes(NoteKind kind, std::uint32_t begin, std::uint32_t end, std::string message, std::string help = {}) {
    if (!failed()) notes_.push_back({kind, Fault{begin, end, std::move(message), std::move(help)}});
  }
  void note(NoteKind kind, Index first, Index last, std::string message, std::string help = {}) {
    note_bytes(kind, t_[first].begin, t_[last].end, std::move(message), std::move(help));
  }

  // A step that may turn out to be something else.
  struct Mark {
    Index pos;
    std::size_t notes;
  };
  Mark mark() const { return {pos_, notes_.size()}; }
  void rewind(const Mark& to) {
    pos_ = to.pos;
    notes_.resize(to.notes);
    fault_.reset();
  }

  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) {
        parser_.fail_here(fmt::format("the expression nests deeper than {} levels", kMaxDepth),
                          "split it into variables");
      }
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  // ---- types (ECMA-334 §8)

  bool type(bool in_pattern = false) {
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
    } else if (!name_with_arguments(true)) {
      return false;
    }
    return type_suffix(in_pattern);
  }

  bool type_fault() {
    fail_here(fmt::format("a type is missing; found {}", shown(now())));
    return false;
  }

  bool type_suffix(bool in_pattern) {
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
  bool array_rank_at(Index by) const {
    while (is_punct(ahead(by), ",")) ++by;
    return is_punct(ahead(by), "]");
  }
  // In `x is T ? a : b` the mark belongs to the conditional unless nothing of one follows it.
  bool nullable_mark_follows() const {
    const Token& next = ahead();
    if (next.kind == TokenKind::end) return true;
    return next.kind == TokenKind::punctuation &&
           one_of(next.text, {")", ";", ",", "]", "}", "&&", "||", "==", "!=", "??", "?", ":", "=>"});
  }

  // a.b<T>.c ; with `as_type`, '<' can only open type arguments.
  bool name_with_arguments(bool as_type) {
    for (;;) {
      if (now().kind != TokenKind::identifier) return type_fault();
      if (as_type && now().text == "dynamic" && !is_punct(ahead(), ".")) {
        note(NoteKind::forbidden, pos_, pos_, "type 'dynamic' is not allowed in policy expressions",
             "use var, object or JToken");
      }
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

  bool type_arguments() {
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

  // ---- expressions (ECMA-334 §12)

  void whole_expression() {
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

  // Something stands where an operator or the end is due.
  void after_operand() {
    if (see(")") || see("]") || see("}"))
      return fail_here(fmt::format("{} closes nothing", shown(now())), "remove it, or open its partner before");
    fail_here(fmt::format("unexpected {}; expected an operator or the end of the expression", shown(now())));
  }

  Expr expression() {
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
    if (left.shape != Expr::Shape::assignable && left.shape != Expr::Shape::name &&
        left.shape != Expr::Shape::unknown && !is_punct(t_[left.first], "(")) {
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
    return result;
  }

  bool assignment_operator() {
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

  bool lambda_follows() const {
    const Token& token = now();
    if (is_word(token, "async")) {
      return is_punct(ahead(), "(") || (ahead().kind == TokenKind::identifier && is_punct(ahead(2), "=>"));
    }
    if (is_word(token, "delegate")) return true;
    if (token.kind == TokenKind::identifier) return is_punct(ahead(), "=>");
    if (is_punct(token, "(") && match_[pos_] != kNoMatch) return is_punct(t_[match_[pos_] + 1], "=>");
    return false;
  }

  Expr lambda() {
    accept_word("async");
    bool shadows = false;
    if (accept_word("delegate")) {
      if (see("(")) pos_ = match_[pos_] == kNoMatch ? pos_ : match_[pos_] + 1;
      function_body();
      return {};
    }
    if (see("(")) {
      const Index close = match_[pos_];
      for (Index i = pos_; i < close; ++i) shadows |= is_word(t_[i], "context");
      lambda_parameters(close);
    } else {
      shadows = see_word("context");
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
    return {};
  }

  void lambda_parameters(Index close) {
    advance();
    while (pos_ < close && !failed()) {
      if (accept(",")) continue;
      while (see_word("ref") || see_word("out") || see_word("in") || see_word("params")) advance();
      if (now().kind == TokenKind::identifier && (is_punct(ahead(), ",") || pos_ + 1 == close)) {
        advance();
        continue;
      }
      if (!type()) return;
      if (now().kind != TokenKind::identifier) return unexpected("the name of a parameter");
      advance();
      if (accept("=")) expression();
    }
    if (!failed()) pos_ = close + 1;
  }

  // A block whose returns are not ours.
  void function_body() {
    if (!see("{")) return unexpected("'{'");
    const bool outer_goto = uses_goto_;
    ++function_depth_;
    block();
    --function_depth_;
    uses_goto_ = outer_goto;
  }

  bool query_follows() const {
    if (!is_word(now(), "from") || now().kind != TokenKind::identifier) return false;
    if (ahead().kind == TokenKind::identifier && is_word(ahead(2), "in")) return true;
    return (ahead().kind == TokenKind::identifier || ahead().kind == TokenKind::keyword) &&
           ahead(2).kind == TokenKind::identifier && is_word(ahead(3), "in");
  }

  Expr query() {
    const Index first = pos_;
    const auto from = [&] {
      advance();
      if (!is_word(ahead(), "in")) type();
      advance();
      if (!failed() && !accept_word("in")) return unexpected("'in'");
      expression();
    };
    from();
    while (!failed()) {
      if (see_word("from")) {
        from();
      } else if (accept_word("let")) {
        advance();
        expect("=", "the name");
        expression();
      } else if (accept_word("where")) {
        expression();
      } else if (accept_word("join")) {
        if (!is_word(ahead(), "in")) type();
        advance();
        if (!accept_word("in")) unexpected("'in'");
        expression();
        if (!failed() && !accept_word("on")) unexpected("'on'");
        expression();
        if (!failed() && !accept_word("equals")) unexpected("'equals'");
        expression();
        if (accept_word("into")) advance();
      } else if (accept_word("orderby")) {
        do {
          expression();
          if (!accept_word("ascending")) accept_word("descending");
        } while (!failed() && accept(","));
      } else if (accept_word("select")) {
        expression();
        if (!accept_word("into")) break;
        advance();
      } else if (accept_word("group")) {
        expression();
        if (!failed() && !accept_word("by")) unexpected("'by'");
        expression();
        if (!accept_word("into")) break;
        advance();
      } else {
        unexpected("a clause of the query: from, let, where, join, orderby, select or group");
      }
    }
    Expr result;
    result.first = first;
    return result;
  }

  Expr conditional() {
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

  static int precedence(const Token& token, const Token& next, bool adjacent_next) {
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
    if (p == "..") return 12;
    return -1;
  }

  Expr binary(int least) {
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
      if (text == "is") {
        pattern();
      } else if (text == "as") {
        type(true);
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
          binary(level + 1);
        }
      }
      Expr joined;
      joined.first = left.first;
      left = joined;
    }
    return left;
  }

  bool operand_follows() const {
    if (at_end()) return false;
    if (now().kind == TokenKind::punctuation) {
      return one_of(now().text, {"(", "!", "~", "-", "+", "++", "--", "&", "*", "^", "..", "[", "{"});
    }
    if (now().kind == TokenKind::keyword) {
      return !one_of(now().text,
                     {"is", "as", "in", "else", "return", "if", "while", "for", "foreach", "switch", "case", "break"});
    }
    return true;
  }

  void switch_arms() {
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

  // Patterns of C# 7 (constant, type with a name, var) and, leniently, what came later.
  void pattern() {
    const Deeper deeper(*this);
    if (failed()) return;
    pattern_one();
    while (!failed() && (see_word("and") || see_word("or"))) {
      advance();
      pattern_one();
    }
  }
  void pattern_one() {
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
      pos_ += 2;
      return;
    }
    // A type with a name, a type alone, or a constant; a constant member reads as a type, which is as well.
    const Mark start = mark();
    if (now().kind != TokenKind::string && now().kind != TokenKind::number && type(true) && !see("(")) {
      if (see("{")) {
        property_pattern();
        if (now().kind == TokenKind::identifier && !see_word("and") && !see_word("or") && !see_word("when")) advance();
        return;
      }
      if (now().kind == TokenKind::identifier && !see_word("and") && !see_word("or") && !see_word("when")) advance();
      if (pattern_ends()) return;
    }
    rewind(start);
    binary(9);
  }
  bool pattern_ends() const {
    if (at_end() || see_word("and") || see_word("or") || see_word("when")) return true;
    return now().kind == TokenKind::punctuation &&
           one_of(now().text, {")", ";", ",", "]", "}", "&&", "||", "==", "!=", "??", "?", ":", "=>", "&", "|", "^"});
  }
  void property_pattern() {
    advance();
    while (!failed() && !see("}")) {
      advance();
      while (accept(".")) advance();
      if (!expect(":", "the property")) return;
      pattern();
      if (!accept(",")) break;
    }
    expect("}", "the property pattern");
    if (now().kind == TokenKind::identifier && !see_word("and") && !see_word("or") && !see_word("when")) advance();
  }

  Expr unary() {
    const Deeper deeper(*this);
    if (failed()) return {};
    const Index first = pos_;
    const Token& token = now();
    if (token.kind == TokenKind::punctuation) {
      if (one_of(token.text, {"+", "-", "!", "~", "^", "&", "*", ".."})) {
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
        type();
        advance();  // ')'
        unary();
        Expr result;
        result.first = first;
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

  // ECMA-334 §12.9.7: "(x)" is a cast when x reads as a type and what follows can begin an operand.
  bool cast_follows() {
    const Mark start = mark();
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

  Expr primary() {
    Expr found = primary_start();
    while (!failed()) {
      if (see(".") || see("?.") || see("->")) {
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
      } else if (see("(")) {
        call_arguments(")");
        found = after_call(found);
      } else if (see("[") || see("?[")) {
        call_arguments("]");
        Expr element = found;
        element.shape = Expr::Shape::assignable;
        element.type = nullptr;
        found = element;
      } else if (see("++") || see("--")) {
        advance();
        found.shape = Expr::Shape::statement;
        found.type = nullptr;
      } else if (see("!") && !is_punct(ahead(), "=") && null_forgiving()) {
        advance();
      } else {
        return found;
      }
    }
    return found;
  }
  bool null_forgiving() const {
    const Token& next = ahead();
    return next.kind == TokenKind::end ||
           (next.kind == TokenKind::punctuation && one_of(next.text, {".", ")", ";", ",", "]", "}", "?.", "["}));
  }
  static Expr unknown(const Expr& from) {
    Expr result;
    result.first = from.first;
    result.shape = Expr::Shape::unknown;
    return result;
  }
  Expr after_call(const Expr& callee) const {
    Expr result;
    result.first = callee.first;
    result.shape = Expr::Shape::statement;
    return result;
  }

  Expr member(const Expr& owner) {
    const Index name_at = pos_;
    const Token& name = now();
    Expr result;
    result.first = owner.first;
    result.shape = Expr::Shape::assignable;
    result.context_chain = owner.context_chain;
    advance();
    if (owner.type != nullptr) {
      const ContextMember* known = find_member(*owner.type, name.text);
      if (known != nullptr) {
        result.type = known->type;
      } else {
        const std::string_view near = near_member(*owner.type, name.text);
        // Open types take extension methods: only a slip of letter case is sure.
        const bool case_slip = !near.empty() && near.size() == name.text.size() &&
                               std::equal(near.begin(), near.end(), name.text.begin(),
                                          [](char a, char b) { return (a | 32) == (b | 32); });
        if (owner.type->closed || case_slip) {
          std::string help;
          if (!near.empty()) {
            help = fmt::format("did you mean {}?", near);
          } else {
            help = "accepted: ";
            for (const ContextMember& candidate : owner.type->members) {
              if (&candidate != owner.type->members.data()) help += ", ";
              help += candidate.name;
            }
          }
          const bool sure = !near.empty() || owner.type == &context_type();
          note(sure ? NoteKind::unknown_member : NoteKind::unlisted, name_at, name_at,
               fmt::format("{} has no member '{}'", owner.type->name, name.text), std::move(help));
        }
      }
    }
    if (see("<")) generic_call();
    return result;
  }

  // After a name, '<' opens type arguments only when what follows their '>' says so (ECMA-334 §6.2.5).
  void generic_call() {
    const Mark start = mark();
    if (type_arguments()) {
      const Token& next = now();
      if (next.kind == TokenKind::end ||
          (next.kind == TokenKind::punctuation && one_of(next.text, {"(",  ")", "]",  "}",  ":",  ";", ",",
                                                                     ".",  "?", "==", "!=", "|",  "^", "&&",
                                                                     "||", "&", "[",  "{",  "?.", "::"})) ||
          next.kind == TokenKind::identifier) {
        if (next.kind != TokenKind::identifier) return;
      }
    }
    rewind(start);
  }

  void call_arguments(std::string_view close) {
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

  // out var x, out T x, out x
  void argument_declaration() {
    const Mark start = mark();
    if (type() && now().kind == TokenKind::identifier) {
      advance();
      if (see(",") || see(")") || see("]")) return;
    }
    rewind(start);
    expression();
  }

  Expr primary_start() {
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
        return result;
      case TokenKind::interpolated:
        advance();
        holes(token);
        result.shape = Expr::Shape::literal;
        return result;
      case TokenKind::placeholder:
        advance();
        result.shape = Expr::Shape::unknown;
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
      Expr inner = expression();
      while (!failed() && accept(",")) {
        inner = {};
        if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) pos_ += 2;
        expression();
      }
      if (!failed() && see(":")) {  // a named tuple element
        advance();
        expression();
        while (!failed() && accept(",")) {
          if (now().kind == TokenKind::identifier && is_punct(ahead(), ":")) pos_ += 2;
          expression();
        }
        inner = {};
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
    if (see("{")) {  // an array initialiser
      initializer();
      return result;
    }
    if (see(")") || see("]") || see("}")) {
      fail_here(fmt::format("an operand is missing before {}", shown(token)));
    } else {
      fail_here(fmt::format("an operand is missing; found {}", shown(token)));
    }
    return {};
  }

  void holes(const Token& token) {
    for (const Hole& hole : token.holes) {
      Lexed lexed = lex(s_, hole.begin, hole.end);
      if (lexed.fault) {
        return fail_bytes(lexed.fault->begin, lexed.fault->end, std::move(lexed.fault->message),
                          std::move(lexed.fault->help));
      }
      if (lexed.has_placeholder) continue;
      // Liquid or a named value between doubled braces leaves nothing here; a name with blanks does not come.
      Parser inner(s_, std::move(lexed.tokens));
      inner.set_depth(depth_ + 8);
      inner.parse_hole();
      if (inner.fault()) {
        const Fault& fault = *inner.fault();
        return fail_bytes(fault.begin, fault.end, fault.message, fault.help);
      }
      for (Note& each : inner.notes()) notes_.push_back(std::move(each));
    }
  }

  static const Forbidden* listed(std::span<const Forbidden> list, std::string_view name) {
    for (const Forbidden& entry : list) {
      if (entry.name == name) return &entry;
    }
    return nullptr;
  }

  // The dotted name that begins here, as written: "System.IO.File".
  std::string dotted() const {
    std::string out;
    for (Index i = pos_;; i += 2) {
      if (t_[i].kind != TokenKind::identifier) return out;
      out += t_[i].text;
      if (!is_punct(t_[i + 1], ".")) return out;
      if (out.size() > 200) return out;
      out += '.';
    }
  }

  void judge_name(bool is_new) {
    const std::string_view first = now().text;
    const auto refuse = [&](const Forbidden& entry, std::string_view name) {
      std::string help = entry.instead.empty() ? std::string() : fmt::format("use {}", entry.instead);
      note(NoteKind::forbidden, pos_, pos_, fmt::format("type '{}' is not allowed in policy expressions", name),
           std::move(help));
    };
    if (first == "System") {
      const std::string name = dotted();
      for (const Forbidden& entry : kForbiddenNamespaces) {
        if (name.starts_with(entry.name) && (name.size() == entry.name.size() || name[entry.name.size()] == '.')) {
          return refuse(entry, entry.name);
        }
      }
      if (name.starts_with("System.Globalization.")) {
        note(NoteKind::unlisted, pos_, pos_,
             "System.Globalization is not on the list of types that policy expressions may use");
      }
      return;
    }
    if (is_new) {
      if (const Forbidden* entry = listed(kForbiddenTypes, first)) refuse(*entry, first);
    } else if (is_punct(ahead(), ".")) {
      if (const Forbidden* entry = listed(kForbiddenStatics, first)) refuse(*entry, first);
    }
    if (const Forbidden* entry = listed(kUnlisted, first); entry != nullptr && (is_new || is_punct(ahead(), "."))) {
      note(NoteKind::unlisted, pos_, pos_,
           fmt::format("type '{}' is not on the list of types that policy expressions may use", first));
    }
  }

  Expr name() {
    Expr result;
    result.first = pos_;
    result.shape = Expr::Shape::name;
    const Token& token = now();
    if (locals_.empty() || std::find(locals_.begin(), locals_.end(), token.text) == locals_.end()) judge_name(false);
    if (token.text == "context" && shadowed_ == 0) {
      result.type = &context_type();
      result.context_chain = true;
    } else if (near_context(token.text) && is_punct(ahead(), ".") &&
               std::find(locals_.begin(), locals_.end(), token.text) == locals_.end()) {
      note(NoteKind::unknown_member, pos_, pos_, fmt::format("there is no '{}'", token.text), "did you mean context?");
    }
    advance();
    if (see("::")) {
      advance();
      if (now().kind == TokenKind::identifier) advance();
      result.type = nullptr;
    }
    if (see("<")) generic_call();
    return result;
  }
  static bool near_context(std::string_view name) {
    return one_of(name,
                  {"Context", "CONTEXT", "contex", "contxt", "conext", "contetx", "cotext", "contect", "contextt"});
  }

  Expr keyword_primary() {
    Expr result;
    result.first = pos_;
    const std::string_view word = now().text;
    if (word == "true" || word == "false" || word == "this" || word == "base") {
      advance();
      return result;
    }
    if (word == "null") {
      advance();
      result.shape = Expr::Shape::literal;
      return result;
    }
    if (is_predefined_type(word)) {  // int.Parse, string.Join
      advance();
      if (!see(".")) {
        fail_after(fmt::format("type '{}' stands where a value is due; found {} after it", word, shown(now())));
        return {};
      }
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

  Expr creation() {
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
    if (now().kind == TokenKind::identifier) judge_name(true);
    // The type without its ranks: "new T[n]" holds an expression there.
    if (now().kind == TokenKind::keyword && is_predefined_type(now().text)) {
      advance();
    } else if (now().kind == TokenKind::placeholder) {
      advance();
    } else if (!name_with_arguments(true)) {
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

  // { a, b } · { Name = value, … } · { [key] = value, … } · { { k, v }, … }
  void initializer() {
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
  void initializer_value() {
    if (see("{")) {
      initializer();
    } else {
      expression();
    }
  }

  // A condition that is an assignment, by mistake or on purpose.
  void condition_value(const Expr& found) {
    if (found.shape == Expr::Shape::assignment && found.literal_assigned) {
      note(NoteKind::assignment, found.first, found.first, "an assignment stands where a condition is due",
           "write == to compare");
    }
  }

  // ---- statements (ECMA-334 §13). Each returns whether its end can be reached.

  bool block() {
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
    locals_.resize(locals);
    return falls;
  }

  bool semicolon(std::string_view after) {
    if (failed()) return false;
    if (accept(";")) return true;
    if (see(")") || see("]")) {
      fail_here(fmt::format("{} closes nothing", shown(now())));
    } else {
      fail_after(fmt::format("';' is missing after {}; found {}", after, shown(now())), "end the statement with ;");
    }
    return false;
  }

  void condition(std::string_view after) {
    if (!expect("(", after)) return;
    if (see(")")) return fail_here(fmt::format("the condition of '{}' is empty", after));
    const Expr found = expression();
    condition_value(found);
    if (failed()) return;
    if (!accept(")")) fail_after(fmt::format("')' is missing after the condition; found {}", shown(now())));
  }

  bool condition_is_true() const { return is_punct(now(), "(") && is_word(ahead(), "true") && is_punct(ahead(2), ")"); }

  bool embedded() {
    if (at_end() || see("}")) {
      fail_after(fmt::format("a statement is missing after {}", shown(t_[pos_ - 1])));
      return true;
    }
    return statement(true);
  }

  bool loop_body() {
    const bool outer = breaks_;
    breaks_ = false;
    embedded();
    const bool broke = breaks_;
    breaks_ = outer;
    return broke;
  }

  bool statement(bool reachable) {
    const Deeper deeper(*this);
    if (failed()) return true;
    const bool falls = statement_flow();
    return reachable && falls;
  }

  bool statement_flow() {
    const Token& token = now();
    if (see("{")) return block();
    if (accept(";")) return true;
    if (token.kind == TokenKind::placeholder) {  // may stand for any statements
      advance();
      accept(";");
      uses_goto_ = true;
      return true;
    }
    if (token.kind == TokenKind::keyword) {
      if (token.text == "if") return if_statement();
      if (token.text == "while") {
        advance();
        const bool forever = condition_is_true();
        condition("while");
        if (failed()) return true;
        const bool broke = loop_body();
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
          advance();
        }
        semicolon("goto");
        return false;
      }
      if ((token.text == "checked" || token.text == "unchecked") && is_punct(ahead(), "{")) {
        advance();
        return block();
      }
      if (token.text == "const" || token.text == "static" || token.text == "readonly") {
        advance();
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
      if (one_of(token.text, {"unsafe", "fixed", "namespace", "class", "struct", "interface", "enum", "public",
                              "private", "internal"})) {
        fail_here(fmt::format("'{}' is not allowed in policy expressions", token.text));
        return true;
      }
    }
    if (token.kind == TokenKind::identifier) {
      if (is_punct(ahead(), ":") && !is_punct(ahead(), "::")) {  // label
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

  bool if_statement() {
    advance();
    condition("if");
    if (failed()) return true;
    const bool then_falls = embedded();
    if (failed() || !accept_word("else")) return true;
    const bool else_falls = embedded();
    return then_falls || else_falls;
  }

  bool for_statement() {
    advance();
    if (!expect("(", "for")) return true;
    const std::size_t locals = locals_.size();
    if (!accept(";")) declaration_or_expression();
    const bool forever = see(";");
    if (!forever && !failed()) {
      const Expr found = expression();
      condition_value(found);
    }
    semicolon("the condition of for");
    while (!failed() && !see(")")) {
      expression();
      if (!accept(",")) break;
    }
    expect(")", "the head of for");
    if (failed()) return true;
    const bool broke = loop_body();
    locals_.resize(locals);
    return !forever || broke;
  }

  bool foreach_statement() {
    advance();
    if (!expect("(", "foreach")) return true;
    const std::size_t locals = locals_.size();
    if (see_word("var") && is_punct(ahead(), "(")) {  // deconstruction
      advance();
      pos_ = match_[pos_] == kNoMatch ? pos_ : match_[pos_] + 1;
    } else if (see("(") && match_[pos_] != kNoMatch && is_word(t_[match_[pos_] + 1], "in")) {
      pos_ = match_[pos_] + 1;
    } else {
      if (!type()) return true;
      if (now().kind != TokenKind::identifier) {
        unexpected("the name of the loop variable");
        return true;
      }
      locals_.push_back(now().text);
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
    loop_body();
    locals_.resize(locals);
    return true;
  }

  bool switch_statement() {
    advance();
    condition("switch");
    if (!expect("{", "switch ( )")) return true;
    const bool outer = breaks_;
    breaks_ = false;
    bool has_default = false;
    bool falls = true;
    bool any = false;
    while (!failed() && !see("}")) {
      if (at_end()) {
        fail_after("the switch is not closed", "add '}'");
        return true;
      }
      if (see_word("case")) {
        advance();
        pattern();
        if (accept_word("when")) expression();
        if (!failed() && !accept(":")) fail_after(fmt::format("':' is missing after case; found {}", shown(now())));
        falls = true;
      } else if (see_word("default") && is_punct(ahead(), ":")) {
        pos_ += 2;
        has_default = true;
        falls = true;
      } else if (!any) {
        unexpected("'case' or 'default:'");
        return true;
      } else {
        falls = statement(falls);
        continue;
      }
      any = true;
    }
    accept("}");
    const bool broke = breaks_;
    breaks_ = outer;
    return broke || !has_default || falls;
  }

  bool try_statement() {
    advance();
    if (!see("{")) {
      fail_after("'{' is missing after try");
      return true;
    }
    bool falls = block();
    bool handled = false;
    while (!failed() && accept_word("catch")) {
      handled = true;
      const std::size_t locals = locals_.size();
      if (accept("(")) {
        if (!type()) return true;
        if (now().kind == TokenKind::identifier) {
          locals_.push_back(now().text);
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
      falls = block() || falls;
      locals_.resize(locals);
    }
    if (!failed() && accept_word("finally")) {
      handled = true;
      if (!see("{")) {
        fail_after("'{' is missing after finally");
        return true;
      }
      falls = block() && falls;
    }
    if (!failed() && !handled) fail_after("try has neither catch nor finally", "add: catch { … }");
    return falls;
  }

  bool using_statement() {
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
    locals_.resize(locals);
    return falls;
  }

  bool return_statement() {
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
      note(NoteKind::assignment, first, first, "an assignment stands where a value is due", "write == to compare");
    }
    semicolon("the value of return");
    return false;
  }

  // "T name" followed by what ends or begins a declarator.
  bool declaration_follows() {
    const Mark start = mark();
    if (see_word("var") && is_punct(ahead(), "(")) return true;  // var (a, b) = …
    const bool reads = type() && now().kind == TokenKind::identifier && now().text != "switch";
    bool follows = false;
    if (reads) {
      const Token& next = ahead();
      follows = next.kind == TokenKind::end ||
                (next.kind == TokenKind::punctuation && one_of(next.text, {"=", ";", ",", "(", "<", ")", "}"})) ||
                // A missing '=' or ';': still a declaration in its author's mind.
                next.kind == TokenKind::keyword || next.kind == TokenKind::identifier ||
                next.kind == TokenKind::string || next.kind == TokenKind::number;
      if (next.kind == TokenKind::keyword && one_of(next.text, {"in", "is", "as"})) follows = false;
    }
    rewind(start);
    return follows;
  }

  bool declaration_or_expression() {
    if (see_word("await") && ahead().kind == TokenKind::identifier && now().kind == TokenKind::identifier) {
      note(NoteKind::forbidden, pos_, pos_, "'await' is not allowed in policy expressions",
           "use the send-request policy");
      advance();
      return declaration_or_expression();
    }
    if (declaration_follows()) {
      const bool function = declarators();
      if (function || failed()) return true;
      semicolon("the declaration");
      return true;
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

  // After declaration_follows(). True when it was a local function.
  bool declarators() {
    const bool named_var = see_word("var");
    if (named_var && is_punct(ahead(), "(")) {
      advance();
      pos_ = match_[pos_] == kNoMatch ? pos_ : match_[pos_] + 1;
      if (!expect("=", "the names")) return false;
      expression();
      return false;
    }
    const Index type_at = pos_;
    if (now().kind == TokenKind::identifier) judge_name(true);
    if (!type()) return false;
    bool first = true;
    do {
      if (now().kind != TokenKind::identifier) {
        unexpected("the name of a variable");
        return false;
      }
      const Index name_at = pos_;
      locals_.push_back(now().text);
      advance();
      if (first && (see("(") || see("<"))) return local_function();
      first = false;
      if (accept("=")) {
        if (see(";") || at_end() || see("}")) {
          fail_after(fmt::format("the value of '{}' is missing after '='", t_[name_at].text));
          return false;
        }
        initializer_value();
        if (failed()) return false;
      } else if (named_var && (see(";") || see(","))) {
        fail_bytes(t_[type_at].begin, t_[name_at].end, fmt::format("'var {}' needs a value", t_[name_at].text),
                   "write: var name = …;");
        return false;
      } else if (!see(";") && !see(",") && !see(")")) {
        fail_after(fmt::format("'=' or ';' is missing after '{}'; found {}", t_[name_at].text, shown(now())));
        return false;
      }
    } while (accept(","));
    return false;
  }

  bool local_function() {
    if (see("<")) type_arguments();
    if (!see("(") || match_[pos_] == kNoMatch) {
      fail_here("the parameters of the function are not closed");
      return true;
    }
    const Index close = match_[pos_];
    lambda_parameters(close);
    if (failed()) return true;
    if (accept("=>")) {
      ++function_depth_;
      expression();
      --function_depth_;
      semicolon("the function");
      return true;
    }
    function_body();
    return true;
  }

  std::string_view s_;
  std::vector<Token> t_;
  std::vector<Index> match_;  // of an opening bracket: its closing one
  Index pos_ = 0;
  int depth_ = 0;
  int shadowed_ = 0;        // a lambda parameter hides `context`
  int function_depth_ = 0;  // 1: the block itself; more: inside a lambda or local function
  bool breaks_ = false;     // the innermost loop or switch is left by break
  bool uses_goto_ = false;  // flow is not followed
  std::vector<std::string_view> locals_;
  std::optional<Fault> fault_;
  std::vector<Note> notes_;
};

}  // namespace

Parsed parse(std::string_view text, std::uint32_t begin, std::uint32_t end, Form form) {
  Lexed lexed = lex(text, begin, end);
  Parsed out;
  if (lexed.fault) {
    if (!lexed.has_placeholder) out.syntax = std::move(lexed.fault);
    return out;
  }
  const bool has_placeholder = lexed.has_placeholder;
  Parser parser(text, std::move(lexed.tokens));
  parser.parse_form(form);
  if (parser.fault()) {
    // What the placeholder will hold may well mend it.
    if (!has_placeholder) out.syntax = parser.fault();
    return out;
  }
  out.notes = std::move(parser.notes());
  if (has_placeholder) {
    std::erase_if(out.notes, [](const Note& each) {
      return each.kind == NoteKind::no_return || each.kind == NoteKind::statement;
    });
  }
  return out;
}

}  // namespace postern::policy::csharp
