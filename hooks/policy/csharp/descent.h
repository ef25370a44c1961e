// The recursive descent behind parser.h, in one class over several files: parser.cc (entry, faults), types.cc,
// expressions.cc, patterns.cc, statements.cc, names.cc (what a name means) and scopes.cc (what is declared where). Not
// for use beside them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "hooks/policy/csharp/context_members.h"
#include "hooks/policy/csharp/dotnet_types.h"
#include "hooks/policy/csharp/lexer.h"
#include "hooks/policy/csharp/parser.h"

namespace postern::policy::csharp {

constexpr int kMaxDepth = 200;
// What is told of one expression.
constexpr std::size_t kMaxNotes = 200;
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
  const ContextType* type = nullptr;    // where the chain from `context` stands
  const DotnetType* of_type = nullptr;  // the expression is this type's name, so a static member follows
  bool context_chain = false;           // begins with `context`
  bool quiet = false;                   // what it is was a fault already, or is hidden: its members are not judged
  Scalar scalar = Scalar::none;
  // The last name of a chain, where it is known to be a property or a method.
  enum class Member : std::uint8_t { unknown, property, method };
  Member member = Member::unknown;
  const ContextType* returns = nullptr;  // of a method: the type of what a call of it gives, where that is known
  std::string_view takes = "*";          // of a method: its arguments, as in ContextMember
  Index name_at = 0;                     // of a member: the token of its name
  bool lifted = false;                   // behind ?. : a bool here is a bool?
  bool literal_assigned = false;         // assignment: its right side is a literal that is no bool
  Index first = 0;                       // token
};

inline bool one_of(std::string_view text, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), text) != set.end();
}

inline bool is_predefined_type(std::string_view word) {
  return one_of(word, {"bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte", "short",
                       "string", "uint", "ulong", "ushort"});
}

// "a string", for messages.
std::string_view shown_scalar(Scalar scalar);
// The type of a value of that kind, null where there is none.
const ContextType* type_of(Scalar scalar);

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : s_(text), t_(std::move(tokens)) {
    match_brackets();
    find_early_names();
  }
  // A hole of an interpolated string, which sees what `outer` sees.
  Parser(Parser& outer, std::vector<Token> tokens);

  void parse_form(Form form);
  // One hole of an interpolated string: expression [, alignment].
  void parse_hole();
  const std::optional<Fault>& fault() const { return fault_; }
  std::vector<Note>& notes() { return notes_; }
  bool is_opaque() const { return opaque_; }

 private:
  // ---- tokens

  void match_brackets();
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
  std::string shown(const Token& token) const;

  // ---- faults

  void fail_bytes(std::uint32_t begin, std::uint32_t end, std::string message, std::string help = {});
  void fail_here(std::string message, std::string help = {});
  // The fault of something that should stand right after the last token: a person points there, not at what follows.
  void fail_after(std::string message, std::string help = {});
  void unexpected(std::string_view wanted);
  void too_deep();
  bool expect(std::string_view text, std::string_view after);
  void note_bytes(NoteKind kind, std::uint32_t begin, std::uint32_t end, std::string message, std::string help = {},
                  bool accepted = false);
  void note(NoteKind kind, Index first, Index last, std::string message, std::string help = {}, bool accepted = false);
  // A step that may turn out to be something else.
  struct Mark {
    Index pos;
    std::size_t notes;
    std::size_t locals;
  };
  Mark mark() const { return {pos_, notes_.size(), locals_.size()}; }
  void rewind(const Mark& to);
  // While one lives, what is read is rewound in any case.
  class Trial {
   public:
    explicit Trial(Parser& parser) : parser_(parser) { ++parser_.trials_; }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial() { --parser_.trials_; }

   private:
    Parser& parser_;
  };
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.too_deep();
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  // ---- types (ECMA-334 §8)

  bool type(bool in_pattern = false);
  bool type_fault();
  bool type_suffix(bool in_pattern);
  bool array_rank_at(Index by) const;
  // In `x is T ? a : b` the mark belongs to the conditional unless nothing of one follows it.
  bool nullable_mark_follows() const;
  // a.b<T>.c
  bool name_with_arguments();
  bool type_arguments();

  // ---- expressions (ECMA-334 §12)

  void whole_expression(bool decides);
  // Something stands where an operator or the end is due.
  void after_operand();
  Expr expression();
  bool assignment_operator();
  bool lambda_follows() const;
  Expr lambda();
  void lambda_parameters(Index close);
  // A block whose returns are not ours.
  void function_body();
  bool query_follows() const;
  Expr query();
  Expr conditional();
  static int precedence(const Token& token, const Token& next, bool adjacent_next);
  Expr binary(int least);
  // Judges an operator whose operands are of types that are known.
  void judge_operands(Index op, std::string_view text, const Expr& left, const Expr& right);
  bool operand_follows() const;
  void switch_arms();
  // Patterns of C# 7 (constant, type with a name, var) and, leniently, what came later.
  void pattern();
  void pattern_one();
  // The name that a pattern gives to what it matched, if there is one.
  void designation();
  bool pattern_ends() const;
  void property_pattern();
  bool positional_follows() const;
  void positional_pattern();
  Expr unary();
  // ECMA-334 §12.9.7: "(x)" is a cast when x reads as a type and what follows can begin an operand.
  bool cast_follows();
  Expr primary();
  bool null_forgiving() const;
  // ++ and -- stand at something that can be assigned.
  void judge_step(const Expr& operand, Index at);
  static Expr unknown(const Expr& from);
  Expr after_call(const Expr& callee) const;
  // What stood between the brackets of a call; not sure where names or `out` stand beside the values.
  struct Arguments {
    std::vector<Scalar> kinds;
    bool sure = true;
  };
  void judge_arguments(const Expr& callee, const Arguments& given);
  Expr member(const Expr& owner);
  // After a name, '<' opens type arguments only when what follows their '>' says so (ECMA-334 §6.2.5).
  // The one type argument when it is a plain name, or an empty text.
  std::string_view generic_call();
  // A member that is no method is called or the other way round.
  void judge_use(const Expr& member);
  void judge_as(Index name_at, bool has_type_argument);
  // The type that stands between these tokens, where it is one that is known here.
  const ContextType* type_between(Index first, Index last) const;
  // "TryParse(" without an `out` between its brackets.
  void judge_out_argument();
  Arguments call_arguments(std::string_view close);
  // out var x, out T x, out x
  void argument_declaration();
  Expr primary_start();
  // An expression, or a variable that a deconstruction declares: (var a, int b) = …
  Expr tuple_element();
  void holes(const Token& token);
  // The dotted name that begins here, as written: "System.IO.File".
  std::string dotted() const;
  // Judges the type whose first name stands here.
  void judge_type();
  // True when the name that stands here leads to what no expression may use; says so.
  bool judge_forbidden();
  void refuse_type(std::string_view name, std::string_view instead);
  void unlisted_type(Index at);
  // Judges a name that stands for a value and is neither local nor `context`; the type that it names, or null.
  const DotnetType* judge_value_name();
  // Judges a type that stands where a value is due; no member of it follows.
  void judge_type_as_value(Index at);
  void judge_context_member(const ContextType& owner, Index at);
  void judge_member(const Expr& owner, Index at);
  Expr name();

  // ---- scopes (ECMA-334 §7.7). A scope is the part of locals_ that its owner cuts off at its end. The variables of
  // patterns and `out` live as long as the block around them, which is longer than C# says here and there.

  struct Local {
    std::string_view name;
    bool plain;
    const ContextType* type;  // null where it is not known
    int function_depth;       // of its declaration
  };
  // The innermost of that name, or null.
  const Local* find_local(std::string_view name) const;
  bool is_local(std::string_view name) const { return find_local(name) != nullptr; }
  // Whether one of that name came when there were so many, or later.
  bool is_declared_since(std::size_t locals, std::string_view name) const;
  bool is_function(std::string_view name) const;
  bool is_own_member(std::string_view name) const;
  bool is_label(std::string_view name);
  // The end of a scope that began with so many variables.
  void leave(std::size_t locals);
  // The name at this token is a variable from here on; `plain` is one that may not stand twice.
  void declare(Index at, bool plain = false, const ContextType* type = nullptr);
  const ContextType* local_type(std::string_view name) const;

  // Definite assignment (ECMA-334 §9.4), leniently: what is assigned in a part of an expression that may not run
  // counts as assigned. A flow is what has no value yet at some place: indices into locals_, ascending.
  using Flow = std::vector<Index>;
  // What may have no value where two ways meet; a way that cannot be gone says nothing.
  static Flow join(const Flow& a, bool a_falls, const Flow& b, bool b_falls);
  static Flow meet(const Flow& a, const Flow& b);
  // The variable at this token is read or assigned here.
  void use_local(Index at);
  // It has a value from here on; whether it had none, in this function.
  bool give_value(std::string_view name, int function_depth);
  bool assigns(Index at) const;
  bool told_missing(std::string_view name) const;
  // A variable of a type that is known here cannot hold what it is given.
  void judge_initial_value(Index type_at, Index type_end, Index name_at, const Expr& value);
  // The token is no name that is known, and looks like the keyword misspelt.
  bool is_slip_of(const Token& token, std::string_view keyword) const;
  // Every name between the brackets.
  void declare_between(Index open, Index close);
  // Names that can be used before the parser comes to them: local functions, and members of anonymous types and tuples.
  void find_early_names();
  Expr keyword_primary();
  Expr creation();
  // { a, b } · { Name = value, … } · { [key] = value, … } · { { k, v }, … }
  void initializer();
  Expr initializer_value();
  // A condition that is an assignment, by mistake or on purpose.
  void condition_value(const Expr& found, std::string_view after = "?");
  // The same of a whole expression, which compiles: the gateway finds out.
  void deciding_value(const Expr& found);

  // ---- statements (ECMA-334 §13). Each returns whether its end can be reached.

  bool block();
  // Whether the token, first on its line, begins no statement but goes on with what stands before it.
  bool goes_on_below() const;
  bool semicolon(std::string_view after);
  void condition(std::string_view after);
  bool condition_is_true() const { return is_punct(now(), "(") && is_word(ahead(), "true") && is_punct(ahead(2), ")"); }
  bool embedded();
  bool loop_body();
  bool statement(bool reachable);
  bool statement_flow();
  bool if_statement();
  bool for_statement();
  bool foreach_statement();
  bool switch_statement();
  bool try_statement();
  bool using_statement();
  bool return_statement();
  // "T name" followed by what ends or begins a declarator.
  bool declaration_follows();
  bool declaration_or_expression();
  // After declaration_follows(). True when it was a local function.
  bool declarators();
  bool local_function();
  std::string_view s_;
  std::vector<Token> t_;
  std::vector<Index> match_;  // of an opening bracket: its closing one
  Index pos_ = 0;
  int depth_ = 0;
  int trials_ = 0;
  int shadowed_ = 0;         // a lambda parameter hides `context`
  int function_depth_ = 0;   // 1: the block itself; more: inside a lambda or local function
  bool breaks_ = false;      // the innermost loop or switch is left by break
  int loops_ = 0;            // around this place, in its own function
  int switches_ = 0;         // the same
  bool uses_goto_ = false;   // flow is not followed
  Parser* outer_ = nullptr;  // of a hole
  std::vector<Local> locals_;
  struct Places {
    std::vector<Index> at;  // in locals_
    std::size_t plain = 0;
  };
  std::unordered_map<std::string_view, Places> places_;
  Flow unassigned_;
  std::unordered_set<std::string_view> functions_;    // local functions of the whole expression
  std::unordered_set<std::string_view> own_members_;  // members that the expression itself makes up
  std::optional<std::unordered_set<std::string_view>> labels_;
  bool opaque_ = false;  // a placeholder may hold declarations
  std::optional<Fault> fault_;
  std::vector<Note> notes_;
};

}  // namespace postern::policy::csharp
