#include "hooks/policy/csharp/lexer.h"

#include <algorithm>
#include <array>

#include "hooks/policy/document.h"

namespace postern::policy::csharp {
namespace {

constexpr std::array<std::string_view, 77> kKeywords = {
    "abstract", "as",      "base",    "bool",       "break",    "byte",     "case",      "catch",     "char",
    "checked",  "class",   "const",   "continue",   "decimal",  "default",  "delegate",  "do",        "double",
    "else",     "enum",    "event",   "explicit",   "extern",   "false",    "finally",   "fixed",     "float",
    "for",      "foreach", "goto",    "if",         "implicit", "in",       "int",       "interface", "internal",
    "is",       "lock",    "long",    "namespace",  "new",      "null",     "object",    "operator",  "out",
    "override", "params",  "private", "protected",  "public",   "readonly", "ref",       "return",    "sbyte",
    "sealed",   "short",   "sizeof",  "stackalloc", "static",   "string",   "struct",    "switch",    "this",
    "throw",    "true",    "try",     "typeof",     "uint",     "ulong",    "unchecked", "unsafe",    "ushort",
    "using",    "virtual", "void",    "volatile",   "while"};
static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end()));

// Where the keywords of each letter begin.
constexpr std::array<std::uint8_t, 27> kKeywordsOf = [] {
  std::array<std::uint8_t, 27> begins{};
  for (std::size_t letter = 0; letter < 27; ++letter)
    while (begins[letter] < kKeywords.size() &&
           kKeywords[begins[letter]].front() < static_cast<char>('a' + static_cast<char>(letter)))
      ++begins[letter];
  return begins;
}();

bool is_keyword(std::string_view word) {
  if (word.front() < 'a' || word.front() > 'z') return false;
  const auto letter = static_cast<std::size_t>(word.front() - 'a');
  return std::find(kKeywords.begin() + kKeywordsOf[letter], kKeywords.begin() + kKeywordsOf[letter + 1], word) !=
         kKeywords.begin() + kKeywordsOf[letter + 1];
}

// Longest first. '>' is never joined: List<List<int>> closes with two.
constexpr std::array<std::string_view, 26> kJoined = {"?\?=", "<<=", "...", "=>", "==", "!=", "<=", "&&", "||",
                                                      "++",   "--",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=",
                                                      "^=",   "<<",  "->",  "??", "?.", "?[", "::", ".."};
constexpr std::string_view kSingle = "(){}[].,;:?~!%^&*-+=|<>/#";

// What a byte can be, bits.
enum Class : std::uint8_t { kLetter = 1, kDigit = 2, kMark = 4, kJoins = 8 };
constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80) out[c] |= kLetter;
  for (unsigned c = '0'; c <= '9'; ++c) out[c] |= kDigit;
  for (const char c : kSingle) out[static_cast<unsigned char>(c)] |= kMark;
  for (const std::string_view mark : kJoined) out[static_cast<unsigned char>(mark[1])] |= kJoins;
  return out;
}();

bool is_letter(unsigned char c) { return (kClasses[c] & kLetter) != 0; }
bool is_digit(unsigned char c) { return (kClasses[c] & kDigit) != 0; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Lexer {
 public:
  Lexer(std::string_view text, std::uint32_t begin, std::uint32_t end) : s_(text), at_(begin), end_(end) {}

  Lexed run() {
    out_.tokens.reserve((end_ - at_) / 4 + 4);
    while (!out_.fault && skip_trivia() && at_ < end_) next();
    if (!out_.fault) {
      Token& token = out_.tokens.emplace_back();
      token.begin = token.end = end_;
    }
    return std::move(out_);
  }

 private:
  char peek(std::uint32_t ahead = 0) const { return at_ + ahead < end_ ? s_[at_ + ahead] : '\0'; }
  bool starts(std::string_view prefix) const {
    return end_ - at_ >= prefix.size() && s_.substr(at_, prefix.size()) == prefix;
  }
  void fault(std::uint32_t begin, std::uint32_t end, std::string message, std::string help = {}) {
    if (!out_.fault) out_.fault = Fault{begin, end, std::move(message), std::move(help)};
  }
  void push(TokenKind kind, std::uint32_t begin, std::uint32_t text_begin) {
    Token& token = out_.tokens.emplace_back();
    token.kind = kind;
    token.begin = begin;
    token.end = at_;
    token.text = s_.substr(text_begin, at_ - text_begin);
  }

  bool skip_trivia() {
    while (at_ < end_) {
      switch (static_cast<unsigned char>(s_[at_])) {
        case ' ':
        case '\t':
        case '\r':
        case '\n':
        case '\f':
        case '\v': ++at_; continue;
        case 0xc2:
          if (!starts("\xc2\xa0")) return true;
          at_ += 2;
          continue;
        case 0xe2:
        case 0xef:
          if (!starts("\xef\xbb\xbf") && !starts("\xe2\x80\xa8") && !starts("\xe2\x80\xa9")) return true;
          at_ += 3;
          continue;
        case '#':
          if (!directive()) return true;
          skip_line();
          continue;
        case '/':
          if (peek(1) == '/') {
            skip_line();
            continue;
          }
          if (peek(1) != '*') return true;
          if (!skip_comment()) return false;
          continue;
        default: return true;
      }
    }
    return true;
  }

  void skip_line() {
    while (at_ < end_ && s_[at_] != '\n' && s_[at_] != '\r') ++at_;
  }

  bool skip_comment() {
    const std::size_t close = s_.find("*/", at_ + 2);
    if (close == std::string_view::npos || close + 2 > end_) {
      fault(at_, at_ + 2, "comment /* is not closed", "close it with */");
      return false;
    }
    at_ = static_cast<std::uint32_t>(close + 2);
    return true;
  }

  // #region, #pragma and the like: first on their line, which they take whole.
  bool directive() const {
    if (peek() != '#' || peek(1) < 'a' || peek(1) > 'z') return false;
    std::uint32_t p = at_;
    while (p > 0 && (s_[p - 1] == ' ' || s_[p - 1] == '\t')) --p;
    if (p > 0 && s_[p - 1] != '\n') return false;
    const std::string_view rest = s_.substr(at_ + 1, 10);
    const std::size_t length = std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), rest.size());
    static constexpr std::array<std::string_view, 9> kDirectives = {"region", "endregion", "pragma", "if",      "else",
                                                                    "elif",   "endif",     "line",   "nullable"};
    return std::find(kDirectives.begin(), kDirectives.end(), rest.substr(0, length)) != kDirectives.end();
  }

  // A deployment placeholder where code should be: what it will hold is not known.
  bool placeholder() {
    const auto until = [&](std::string_view open, std::string_view close, bool name_only) {
      if (!starts(open)) return false;
      const std::size_t from = at_ + open.size();
      const std::size_t stop = s_.find(close, from);
      if (stop == std::string_view::npos || stop + close.size() > end_ || stop == from || stop - from > 256)
        return false;
      const std::string_view inside = s_.substr(from, stop - from);
      if (inside.find('\n') != std::string_view::npos) return false;
      if (name_only && !std::all_of(inside.begin(), inside.end(), [](char c) {
            return is_letter(static_cast<unsigned char>(c)) || is_digit(static_cast<unsigned char>(c)) || c == '-' ||
                   c == '.';
          })) {
        return false;
      }
      const std::uint32_t begin = at_;
      at_ = static_cast<std::uint32_t>(stop + close.size());
      push(TokenKind::placeholder, begin, begin);
      out_.has_placeholder = true;
      return true;
    };
    if (until("{{", "}}", true) || until("${", "}", false) || until("#{", "}#", false) || until("#{", "}", false) ||
        until("{#", "#}", false) || until("%{", "}", false) || until("$(", ")", true) || until("@@", "@@", true) ||
        until("<%", "%>", false)) {
      return true;
    }
    // What an operator could be as well is one where an operand ended.
    return !operand_ended() && (until("[[", "]]", true) || until("%", "%", true));
  }

  bool operand_ended() const {
    if (out_.tokens.empty()) return false;
    const Token& last = out_.tokens.back();
    return last.kind == TokenKind::punctuation ? last.text == ")" || last.text == "]" || last.text == "}"
                                               : last.kind != TokenKind::keyword;
  }

  // __NAME__, which a deployment replaces.
  static bool is_token_name(std::string_view word) {
    return word.size() > 4 && word.starts_with("__") && word.ends_with("__") && word[2] != '_' &&
           std::all_of(word.begin(), word.end(), [](char c) {
             return (c >= 'A' && c <= 'Z') || c == '_' || is_digit(static_cast<unsigned char>(c));
           });
  }

  void next() {
    const std::uint32_t begin = at_;
    const auto c = static_cast<unsigned char>(s_[at_]);
    if (is_letter(c) || (c == '\\' && peek(1) == 'u')) return word(begin);
    if ((c == '$' || c == '@') && string_prefix()) return;
    if ((c == '{' || c == '$' || c == '#' || c == '%' || c == '@' || c == '<' || c == '[') && placeholder()) return;
    if (c == '"') {
      if (starts("\"\"\"")) {
        raw_string(begin);
      } else {
        regular_string(begin);
      }
      return;
    }
    if (c == '\'') return character(begin);
    if (is_digit(c) || (c == '.' && is_digit(static_cast<unsigned char>(peek(1))))) return number(begin);
    if (c == '@' && is_letter(static_cast<unsigned char>(peek(1)))) {
      ++at_;
      const std::uint32_t name = at_;
      while (at_ < end_ && is_name_byte()) ++at_;
      return push(TokenKind::identifier, begin, name);
    }
    if ((kClasses[c] & kMark) != 0) {
      at_ += mark_length(c);
      return push(TokenKind::punctuation, begin, begin);
    }
    fault(begin, begin + 1, std::string("unexpected character '") + static_cast<char>(c) + "' in the expression");
  }

  void word(std::uint32_t begin) {
    while (at_ < end_ && is_name_byte()) ++at_;
    const std::string_view text = s_.substr(begin, at_ - begin);
    if (is_token_name(text)) {
      out_.has_placeholder = true;
      return push(TokenKind::placeholder, begin, begin);
    }
    push(is_keyword(text) ? TokenKind::keyword : TokenKind::identifier, begin, begin);
  }

  // Of the mark that stands here and begins with `c`.
  std::uint32_t mark_length(unsigned char c) const {
    if ((kClasses[static_cast<unsigned char>(peek(1))] & kJoins) == 0) return 1;
    for (const std::string_view mark : kJoined) {
      if (mark.front() != static_cast<char>(c) || !starts(mark)) continue;
      // "x ?.5 : y" is a conditional, not a null-conditional access.
      if (mark == "?." && is_digit(static_cast<unsigned char>(peek(2)))) continue;
      return static_cast<std::uint32_t>(mark.size());
    }
    return 1;
  }

  bool is_name_byte() const {
    const auto c = static_cast<unsigned char>(s_[at_]);
    return (kClasses[c] & (kLetter | kDigit)) != 0 || c == '\\';
  }

  // $"…", $@"…", @$"…", @"…": true when one was lexed (or its fault noted).
  bool string_prefix() {
    const std::uint32_t begin = at_;
    if (starts("$\"\"\"") || starts("$$\"\"\"")) {
      while (peek() == '$') ++at_;
      raw_string(begin);
      return true;
    }
    if (starts("@\"")) {
      at_ += 2;
      verbatim_string(begin);
      return true;
    }
    if (starts("$\"")) {
      at_ += 2;
      interpolated(begin, false);
      return true;
    }
    if (starts("$@\"") || starts("@$\"")) {
      at_ += 3;
      interpolated(begin, true);
      return true;
    }
    return false;
  }

  void unterminated(std::uint32_t begin, std::uint32_t stop) {
    fault(begin, stop, "string literal is not closed on its line",
          "close it with \", or write @\"…\" for text over several lines");
  }

  // ECMA-334 §6.4.5.5 and §6.4.5.6. False when no escape of C# stands here.
  bool escape() {
    const auto hex_digits = [&](std::uint32_t from, std::uint32_t most) {
      std::uint32_t n = 0;
      while (n < most && is_hex(peek(from + n))) ++n;
      return n;
    };
    const std::uint32_t begin = at_;
    const char kind = peek(1);
    std::uint32_t length = 2;
    bool known = std::string_view("'\"\\0abfnrtv").find(kind) != std::string_view::npos;
    if (kind == 'u' || kind == 'U') {
      const std::uint32_t digits = kind == 'u' ? 4 : 8;
      known = hex_digits(2, digits) == digits;
      length += digits;
    } else if (kind == 'x') {
      const std::uint32_t digits = hex_digits(2, 4);
      known = digits > 0;
      length += digits;
    }
    if (known) {
      at_ += length;
      return true;
    }
    if (begin + 1 >= end_ || kind == '\n' || kind == '\r') {  // the string ends without its quote
      at_ += 1;
      return true;
    }
    std::uint32_t stop = begin + 2;
    while (stop < end_ && (static_cast<unsigned char>(s_[stop]) & 0xc0) == 0x80) ++stop;
    fault(begin, stop, "'" + std::string(s_.substr(begin, stop - begin)) + "' is no escape of C#",
          "write \\\\ for a backslash, or a verbatim string @\"…\"");
    return false;
  }

  void regular_string(std::uint32_t begin) {
    ++at_;
    while (at_ < end_) {
      const char c = s_[at_];
      if (c == '\\') {
        if (!escape()) return;
      } else if (c == '"') {
        ++at_;
        return push(TokenKind::string, begin, begin);
      } else if (c == '\n' || c == '\r') {
        break;
      } else {
        ++at_;
      }
    }
    unterminated(begin, std::min(at_, end_));
  }

  void verbatim_string(std::uint32_t begin) {
    while (at_ < end_) {
      if (s_[at_] == '"') {
        if (peek(1) != '"') {
          ++at_;
          return push(TokenKind::string, begin, begin);
        }
        ++at_;
      }
      ++at_;
    }
    fault(begin, begin + 2, "verbatim string @\" is not closed", "close it with \"; a quote inside is written \"\"");
  }

  void raw_string(std::uint32_t begin) {
    std::uint32_t quotes = 0;
    while (peek() == '"') {
      ++quotes;
      ++at_;
    }
    // Six quotes and more in C# 7 are an empty string beside another; nobody writes either.
    std::uint32_t run = 0;
    while (at_ < end_) {
      run = s_[at_] == '"' ? run + 1 : 0;
      ++at_;
      if (run == quotes) {
        while (peek() == '"') ++at_;
        return push(TokenKind::string, begin, begin);
      }
    }
    fault(begin, begin + quotes, "raw string is not closed");
  }

  void interpolated(std::uint32_t begin, bool verbatim) {
    Token token;
    token.kind = TokenKind::interpolated;
    token.begin = begin;
    while (at_ < end_) {
      const char c = s_[at_];
      if (c == '"') {
        if (verbatim && peek(1) == '"') {
          at_ += 2;
          continue;
        }
        ++at_;
        token.end = at_;
        token.text = s_.substr(begin, at_ - begin);
        out_.tokens.push_back(std::move(token));
        return;
      }
      if (c == '\\' && !verbatim) {
        if (!escape()) return;
      } else if ((c == '\n' || c == '\r') && !verbatim) {
        return unterminated(begin, at_);
      } else if (c == '{' && peek(1) == '{') {
        at_ += 2;
      } else if (c == '}' && peek(1) == '}') {
        at_ += 2;
      } else if (c == '{') {
        if (!hole(token)) return;
      } else if (c == '}') {
        fault(at_, at_ + 1, "'}' of an interpolated string closes no hole", "open it with {, or write }} for a brace");
        return;
      } else {
        ++at_;
      }
    }
    fault(begin, begin + (verbatim ? 3 : 2), "interpolated string is not closed", "close it with \"");
  }

  // From '{' to the matching '}'. Nested strings are skipped by lexing them; brackets are counted.
  bool hole(Token& token) {
    const std::uint32_t open = at_++;
    Hole found{at_, at_};
    if (++nesting_ > 16) {
      fault(open, open + 1, "interpolated strings nest deeper than 16 levels");
      return false;
    }
    int depth = 0;
    bool in_format = false;
    while (at_ < end_ && !out_.fault) {
      const char c = s_[at_];
      if (in_format) {
        if (c == '}') {
          ++at_;
          --nesting_;
          token.holes.push_back(found);
          return true;
        }
        if (c == '"' || c == '\n') break;
        ++at_;
        continue;
      }
      if (c == '"' || c == '\'' || ((c == '$' || c == '@') && (peek(1) == '"' || peek(2) == '"'))) {
        const std::size_t before = out_.tokens.size();
        next();
        if (out_.fault) return false;
        out_.tokens.resize(before);
        continue;
      }
      if (c == '(' || c == '[' || c == '{') ++depth;
      if (c == ')' || c == ']') --depth;
      if (c == '}') {
        if (depth == 0) {
          found.end = at_;
          ++at_;
          --nesting_;
          token.holes.push_back(found);
          return true;
        }
        --depth;
      }
      if (c == ':' && depth == 0) {
        if (peek(1) == ':') {
          ++at_;
        } else {
          found.end = at_;
          in_format = true;
        }
      }
      ++at_;
    }
    fault(open, open + 1, "hole { of an interpolated string is not closed", "close it with }, or write {{ for a brace");
    return false;
  }

  void character(std::uint32_t begin) {
    ++at_;
    if (const std::uint32_t length = placeholder_length(s_.substr(0, end_), at_);
        length != 0 && peek(length) == '\'') {  // '{{separator}}'
      at_ += length;
      out_.has_placeholder = true;
    } else if (peek() == '\\') {
      ++at_;
      if (peek() == 'u' || peek() == 'x' || peek() == 'U') {
        ++at_;
        while (at_ < end_ && s_[at_] != '\'' && s_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    } else if (peek() == '\'') {
      fault(begin, begin + 2, "character literal '' is empty",
            "one character stands between the quotes; text takes \"…\"");
      return;
    } else {
      ++at_;
      while (at_ < end_ && (static_cast<unsigned char>(s_[at_]) & 0xc0) == 0x80) ++at_;
    }
    if (peek() != '\'') {
      fault(begin, begin + 1, "character literal holds more than one character or is not closed",
            "text takes double quotes: \"…\"");
      return;
    }
    ++at_;
    push(TokenKind::character, begin, begin);
  }

  void number(std::uint32_t begin) {
    const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    const bool binary = peek() == '0' && (peek(1) == 'b' || peek(1) == 'B');
    if (hex || binary) at_ += 2;
    const auto digits = [&] {
      while (at_ < end_ && (is_digit(static_cast<unsigned char>(s_[at_])) || s_[at_] == '_' ||
                            (hex && std::string_view("abcdefABCDEF").find(s_[at_]) != std::string_view::npos))) {
        ++at_;
      }
    };
    digits();
    if ((hex || binary) && at_ == begin + 2) {
      fault(begin, at_, "'" + std::string(s_.substr(begin, 2)) + "' is a number without digits");
      return;
    }
    if (!hex && !binary) {
      if (peek() == '.' && is_digit(static_cast<unsigned char>(peek(1)))) {
        ++at_;
        digits();
      }
      if ((peek() == 'e' || peek() == 'E') &&
          (is_digit(static_cast<unsigned char>(peek(1))) ||
           ((peek(1) == '+' || peek(1) == '-') && is_digit(static_cast<unsigned char>(peek(2)))))) {
        at_ += 2;
        digits();
      }
    }
    while (at_ < end_ && std::string_view("uUlLfFdDmM").find(s_[at_]) != std::string_view::npos) ++at_;
    if (at_ < end_ && is_letter(static_cast<unsigned char>(s_[at_]))) {
      while (at_ < end_ && is_name_byte()) ++at_;
      fault(begin, at_, "'" + std::string(s_.substr(begin, at_ - begin)) + "' is neither a number nor a name",
            "a name begins with a letter; a number may end in U, L, F, D or M");
      return;
    }
    push(TokenKind::number, begin, begin);
  }

  std::string_view s_;
  std::uint32_t at_;
  std::uint32_t end_;
  int nesting_ = 0;
  Lexed out_;
};

}  // namespace

Lexed lex(std::string_view text, std::uint32_t begin, std::uint32_t end) { return Lexer(text, begin, end).run(); }

}  // namespace postern::policy::csharp
