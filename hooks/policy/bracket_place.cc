#include "hooks/policy/bracket_place.h"

#include <string>
#include <vector>

#include "hooks/policy/csharp/lexer.h"

namespace postern::policy {
namespace {

using csharp::Token;
using csharp::TokenKind;

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::size_t kLevels = 64;  // looked through for the block that a closing brace belongs to

class Search {
 public:
  Search(std::string_view code, char own, std::uint32_t indent) : code_(code) {
    csharp::Lexed lexed = csharp::lex(code, 0, static_cast<std::uint32_t>(code.size()));
    if (lexed.fault) return;
    tokens_ = std::move(lexed.tokens);
    tokens_.pop_back();  // the end
    find_lines(indent);
    open_.push_back({own, kNone, 0});
  }

  std::optional<BracketPlace> run() {
    for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
      const char mark = bracket(tokens_[i]);
      if (mark == ';') {
        const Open& top = open_.back();
        if (top.token != kNone && top.kind != '{' && !is_head_of_for(top.token)) return unclosed(top, i);
      } else if (mark == '(' || mark == '[' || mark == '{') {
        open_.push_back({mark, i, lines_of_[i]});
      } else if (mark != 0) {
        if (const auto found = close(mark, i)) return found;
      }
    }
    if (open_.size() > 1) return unclosed(open_.back(), static_cast<std::uint32_t>(tokens_.size()));
    return std::nullopt;
  }

 private:
  struct Line {
    std::uint32_t indent = 0;
    std::uint32_t first = kNone;  // token
    std::uint32_t last = kNone;
    int opened = 0;  // round and square brackets: opened less closed
    std::uint32_t begin = 0;
  };
  struct Open {
    char kind;
    std::uint32_t token;  // kNone: the bracket of the expression itself
    std::uint32_t line;
  };

  static char bracket(const Token& token) {
    if (token.kind != TokenKind::punctuation) return 0;
    if (token.text == "?[") return '[';
    return token.text.size() == 1 && std::string_view("()[]{};").find(token.text[0]) != std::string_view::npos
               ? token.text[0]
               : '\0';
  }

  void find_lines(std::uint32_t indent) {
    lines_.push_back({indent});
    std::uint32_t at = 0;
    lines_of_.reserve(tokens_.size());
    for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
      for (; at < tokens_[i].begin; ++at) {
        if (code_[at] != '\n') continue;
        Line line;
        line.begin = at + 1;
        while (line.begin + line.indent < code_.size() &&
               (code_[line.begin + line.indent] == ' ' || code_[line.begin + line.indent] == '\t')) {
          ++line.indent;
        }
        lines_.push_back(line);
      }
      Line& line = lines_.back();
      if (line.first == kNone) line.first = i;
      line.last = i;
      const char mark = bracket(tokens_[i]);
      if (mark == '(' || mark == '[') ++line.opened;
      if (mark == ')' || mark == ']') --line.opened;
      lines_of_.push_back(static_cast<std::uint32_t>(lines_.size() - 1));
    }
  }

  bool is_head_of_for(std::uint32_t token) const { return token > 0 && tokens_[token - 1].text == "for"; }
  bool is_first(std::uint32_t token) const { return lines_[lines_of_[token]].first == token; }
  // The next line that holds a token; kNone when there is none.
  std::uint32_t next_line(std::uint32_t line) const {
    for (++line; line < lines_.size(); ++line) {
      if (lines_[line].first != kNone) return line;
    }
    return kNone;
  }
  bool begins_with_closer(std::uint32_t line) const {
    const char mark = bracket(tokens_[lines_[line].first]);
    return mark == ')' || mark == ']' || mark == '}';
  }

  BracketPlace at_token(BracketPlace::Kind kind, char mark, std::uint32_t partner, std::uint32_t token) const {
    return {kind, mark, partner, tokens_[token].begin, tokens_[token].end};
  }

  // `open` has no partner before token `stop`.
  std::optional<BracketPlace> unclosed(const Open& open, std::uint32_t stop) const {
    if (open.token == kNone || stop == 0) return std::nullopt;
    const std::uint32_t opener = tokens_[open.token].begin;
    std::uint32_t place = stop - 1;
    if (open.kind == '{') {
      // The first line that stands no deeper than the one with the brace is behind the block.
      const std::uint32_t last = stop < tokens_.size() ? lines_of_[stop] : lines_of_[stop - 1];
      for (std::uint32_t line = open.line + 1; line <= last; ++line) {
        const std::uint32_t first = lines_[line].first;
        if (first == kNone || first == 0) continue;
        if (lines_[line].indent > lines_[open.line].indent && first != stop) continue;
        // An empty line above it is where the brace stood.
        if (lines_[line - 1].first == kNone && line - 1 > open.line) {
          const std::uint32_t begin = lines_[line - 1].begin + lines_[line - 1].indent;
          return BracketPlace{BracketPlace::Kind::unclosed, open.kind, opener, begin, begin + 1};
        }
        place = first - 1;
        break;
      }
    } else {
      // The first line that leaves a bracket open though the next one stands no deeper.
      for (std::uint32_t line = open.line; line < lines_of_[stop - 1]; ++line) {
        if (lines_[line].first == kNone || lines_[line].opened <= 0) continue;
        const std::uint32_t next = next_line(line);
        if (next == kNone || lines_[next].indent > lines_[line].indent || begins_with_closer(next)) continue;
        place = lines_[line].last;
        break;
      }
    }
    if (lines_of_[place] == open.line) place = open.token;
    return at_token(BracketPlace::Kind::unclosed, open.kind, opener, place);
  }

  // The closing bracket at token `at` has no partner.
  std::optional<BracketPlace> no_opener(char mark, std::uint32_t at) const {
    const std::uint32_t partner = tokens_[at].begin;
    const std::uint32_t line = lines_of_[at];
    if (mark != '}') {
      // The first line that closes more than it opens though the next one stands no less deep.
      for (std::uint32_t l = open_.back().line; l < line; ++l) {
        if (lines_[l].first == kNone || lines_[l].opened >= 0 || begins_with_closer(l)) continue;
        const std::uint32_t next = next_line(l);
        const bool ours = next == line && is_first(at);
        if (next == kNone || (!ours && (lines_[next].indent < lines_[l].indent || begins_with_closer(next)))) continue;
        return at_token(BracketPlace::Kind::no_opener, mark, partner, lines_[l].last);
      }
      return at_token(BracketPlace::Kind::no_opener, mark, partner, at);
    }
    if (const std::uint32_t header = header_of(at); header != kNone) return behind(header, mark, partner);
    return at_token(BracketPlace::Kind::no_opener, mark, partner, at);
  }

  // The line that a closing brace belongs to by its indentation, which holds no brace of its own; kNone when none does.
  std::uint32_t header_of(std::uint32_t closer) const {
    if (!is_first(closer)) return kNone;
    const std::uint32_t line = lines_of_[closer];
    for (std::uint32_t l = line; l-- > 1;) {
      if (lines_[l].first == kNone || lines_[l].indent > lines_[line].indent) continue;
      if (lines_[l].indent < lines_[line].indent || begins_with_closer(l)) return kNone;
      const char last = bracket(tokens_[lines_[l].last]);
      return last == ';' || last == '{' || last == '}' || last == '(' ? kNone : l;
    }
    return kNone;
  }

  BracketPlace behind(std::uint32_t header, char mark, std::uint32_t partner) const {
    // An empty line below it is where the brace stood.
    if (header + 1 < lines_.size() && lines_[header + 1].first == kNone) {
      const std::uint32_t begin = lines_[header + 1].begin + lines_[header + 1].indent;
      return {BracketPlace::Kind::no_opener, mark, partner, begin, begin + 1};
    }
    return at_token(BracketPlace::Kind::no_opener, mark, partner, lines_[header].last);
  }

  std::optional<BracketPlace> close(char mark, std::uint32_t at) {
    const char opener = mark == ')' ? '(' : mark == ']' ? '[' : '{';
    std::size_t match = open_.size();
    while (match > 0 && open_[match - 1].kind != opener) --match;
    if (match == 0 || (match == 1 && open_.size() == 1)) {
      // The expression's own bracket closes nothing that stands in it, unless this is where it ends.
      if (match == 1 && at + 1 == tokens_.size()) return std::nullopt;
      return no_opener(mark, at);
    }
    if (match < open_.size()) return unclosed(open_.back(), at);
    const Open top = open_.back();
    const std::uint32_t indent = lines_[lines_of_[at]].indent;
    const std::uint32_t of_top = lines_[top.line].indent;
    if (is_first(at) && top.token != kNone && top.line != lines_of_[at]) {
      if (indent < of_top) {
        const std::size_t deepest = open_.size() > kLevels ? open_.size() - kLevels : 0;
        for (std::size_t k = open_.size() - 1; k-- > deepest;) {
          if (open_[k].kind == opener && open_[k].line != top.line && lines_[open_[k].line].indent == indent) {
            return unclosed(top, at);
          }
        }
      } else if (indent > of_top && mark == '}' && header_of(at) != kNone) {
        return behind(header_of(at), mark, tokens_[at].begin);
      }
    }
    if (mark == '}' && !is_first(at) && top.token != kNone && top.line != lines_of_[at]) {
      // A brace amid a line closes what the line opened, unless the block ends with it.
      const std::uint32_t next = next_line(lines_of_[at]);
      if (next != kNone && lines_[next].indent >= indent && !begins_with_closer(next)) {
        return at_token(BracketPlace::Kind::no_opener, mark, tokens_[at].begin, at);
      }
    }
    open_.pop_back();
    return std::nullopt;
  }

  std::string_view code_;
  std::vector<Token> tokens_;
  std::vector<std::uint32_t> lines_of_;  // by token
  std::vector<Line> lines_;
  std::vector<Open> open_;
};

}  // namespace

std::optional<BracketPlace> find_bracket(std::string_view code, char own, std::uint32_t indent) {
  return Search(code, own, indent).run();
}

}  // namespace postern::policy
