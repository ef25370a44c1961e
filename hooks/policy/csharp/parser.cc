#include "hooks/policy/csharp/parser.h"

#include <fmt/core.h>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

void Parser::parse_form(Form form) {
  if (form != Form::block) {
    if (at_end()) return fail_here("the expression @( ) is empty", "write a C# expression between the brackets");
    whole_expression(form == Form::condition);
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

void Parser::parse_hole() {
  if (at_end())
    return fail_here("an interpolated string has an empty hole { }", "write an expression in it, or {{ }} for braces");
  expression();
  if (accept(",")) expression();
  if (!fault_ && !at_end()) unexpected("the end of the hole, '}'");
}

Parser::Parser(Parser& outer, std::vector<Token> tokens) : Parser(outer.s_, std::move(tokens)) {
  outer_ = &outer;
  depth_ = outer.depth_ + 8;
  shadowed_ = outer.shadowed_;
  function_depth_ = outer.function_depth_;
}

void Parser::match_brackets() {
  match_.assign(t_.size(), kNoMatch);
  std::vector<Index> open;
  for (Index i = 0; i < t_.size(); ++i) {
    if (t_[i].kind != TokenKind::punctuation) continue;
    switch (t_[i].text.back()) {  // "?[" opens, too
      case '(':
      case '[':
      case '{': open.push_back(i); break;
      case ')':
      case ']':
      case '}':
        if (open.empty()) break;
        match_[open.back()] = i;
        open.pop_back();
        break;
      default: break;
    }
  }
}

std::string Parser::shown(const Token& token) const {
  if (token.kind == TokenKind::end) return "the end of the expression";
  std::string_view text = s_.substr(token.begin, token.end - token.begin);
  const bool cut = text.size() > 30;
  if (cut) text = text.substr(0, 30);
  return fmt::format("'{}{}'", text, cut ? "…" : "");
}

void Parser::fail_bytes(std::uint32_t begin, std::uint32_t end, std::string message, std::string help) {
  if (!fault_) fault_ = Fault{begin, end, std::move(message), std::move(help)};
  pos_ = static_cast<Index>(t_.size() - 1);
}

void Parser::fail_here(std::string message, std::string help) {
  fail_bytes(now().begin, now().end, std::move(message), std::move(help));
}

void Parser::fail_after(std::string message, std::string help) {
  const Token& last = t_[pos_ > 0 ? pos_ - 1 : 0];
  fail_bytes(last.begin, last.end, std::move(message), std::move(help));
}

void Parser::unexpected(std::string_view wanted) {
  fail_here(fmt::format("unexpected {}; expected {}", shown(now()), wanted));
}

bool Parser::expect(std::string_view text, std::string_view after) {
  if (failed()) return false;
  if (accept(text)) return true;
  fail_after(fmt::format("'{}' is missing after {}; found {}", text, after, shown(now())));
  return false;
}

void Parser::note_bytes(NoteKind kind, std::uint32_t begin, std::uint32_t end, std::string message, std::string help,
                        bool accepted) {
  if (failed() || notes_.size() >= kMaxNotes) return;
  notes_.push_back({kind, Fault{begin, end, std::move(message), std::move(help)}, accepted});
  if (notes_.size() == kMaxNotes) {
    notes_.back().at.message += " (and so many more that the rest of them is not listed)";
  }
}

void Parser::note(NoteKind kind, Index first, Index last, std::string message, std::string help, bool accepted) {
  note_bytes(kind, t_[first].begin, t_[last].end, std::move(message), std::move(help), accepted);
}

void Parser::rewind(const Mark& to) {
  pos_ = to.pos;
  notes_.resize(to.notes);
  leave(to.locals);
  fault_.reset();
}

void Parser::too_deep() {
  fail_here(fmt::format("the expression nests deeper than {} levels", kMaxDepth), "split it into variables");
}

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
    std::erase_if(out.notes, [&](const Note& each) {
      return each.kind == NoteKind::no_return || each.kind == NoteKind::statement ||
             (each.kind == NoteKind::name && parser.is_opaque());
    });
  }
  return out;
}

}  // namespace postern::policy::csharp
