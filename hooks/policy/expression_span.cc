#include "hooks/policy/expression_span.h"

#include <array>
#include <string_view>
#include <vector>

namespace postern::policy {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// What in code may be more than one character of it: brackets, quotes, marks, comments and markup.
constexpr std::array<bool, 256> kStops = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view("/\"'@$#()[]{}:<&")) out[static_cast<unsigned char>(c)] = true;
  return out;
}();

// How a literal was opened: both of its ends must be written alike.
struct Literal {
  bool entity = false;        // opened by &quot;
  bool verbatim = false;      // @"…"
  bool interpolated = false;  // $"…"
  std::uint32_t begin = 0;
};

class SpanLexer {
 public:
  SpanLexer(std::string_view text, std::uint32_t limit, Enclosure enclosure, bool allow_line_breaks)
      : text_(text.substr(0, limit)), enclosure_(enclosure), allow_line_breaks_(allow_line_breaks) {}

  ExpressionSpan scan(std::uint32_t at, std::uint32_t open_string = kNoString) {
    open_string_ = open_string;
    at_ = at + 1;
    own_open_ = text_[at_];
    own_close_ = own_open_ == '(' ? ')' : '}';
    while (!done_) {
      if (!holes_.empty() && holes_.back().in_text)
        read_string();
      else
        read_code();
    }
    return span_;
  }

 private:
  static constexpr std::uint32_t kNoString = 0xffffffff;

  // A hole of an interpolated string, and the string it stands in.
  struct Hole {
    Literal literal;
    std::uint32_t brackets = 0;  // size of brackets_ when the hole began
    bool in_text = true;         // reading the string's characters, not the hole's code
  };
  struct Bracket {
    char kind;
    std::uint32_t at;
  };
  struct CharacterEnd {
    std::uint32_t at;
    bool closed;
  };

  LogicalChar peek(std::uint32_t offset) const { return logical_char(text_, offset, enclosure_ != Enclosure::cdata); }
  char raw(std::uint32_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  void stop(SpanOutcome outcome) {
    span_.outcome = outcome;
    span_.end = std::min<std::uint32_t>(at_, static_cast<std::uint32_t>(text_.size()));
    done_ = true;
  }
  void open_literal(std::uint32_t begin, const char* what) {
    span_.fault = {begin, std::max(begin + 1, std::min<std::uint32_t>(at_, static_cast<std::uint32_t>(text_.size())))};
    span_.literal = what;
    stop(SpanOutcome::open_literal);
  }
  void unbalanced(std::uint32_t at, bool opener) {
    if (span_.unbalanced.size() != 0) return;
    span_.unbalanced = {at, at + 1};
    span_.unbalanced_opener = opener;
  }

  void read_code() {
    while (at_ < text_.size() && !kStops[static_cast<unsigned char>(text_[at_])]) ++at_;
    if (at_ >= text_.size()) {
      if (!holes_.empty()) return open_literal(holes_.front().literal.begin, "string");
      return stop(SpanOutcome::never_closed);
    }
    const LogicalChar c = peek(at_);
    const std::uint32_t here = at_;
    if (enclosure_ != Enclosure::cdata && !c.entity) {
      // Neither is C#: the markup around us begins, so the expression was to end before it.
      if (c.value == '<' && raw(here + 1) == '/' && is_letter(raw(here + 2))) return stop(SpanOutcome::never_closed);
      if (c.value == '/' && raw(here + 1) == '>') return stop(SpanOutcome::never_closed);
    }
    switch (c.value) {
      case '/': {
        const LogicalChar next = peek(here + c.length);
        if (next.value == '/') {
          skip_line();
          return;
        }
        if (next.value == '*') {
          const std::size_t end = text_.find("*/", here + c.length + next.length);
          if (end == std::string_view::npos) return open_literal(here, "comment");
          at_ = static_cast<std::uint32_t>(end + 2);
          return;
        }
        break;
      }
      case '"': return begin_string(here, here, {});
      case '@':
      case '$': {
        Literal literal;
        std::uint32_t p = here;
        for (int i = 0; i < 2; ++i) {
          const char mark = raw(p);
          if (mark == '@' && !literal.verbatim)
            literal.verbatim = true;
          else if (mark == '$' && !literal.interpolated)
            literal.interpolated = true;
          else
            break;
          ++p;
        }
        if (peek(p).value == '"') return begin_string(here, p, literal);
        break;
      }
      case '\'':
        // Within single quotes it ends the value, unless it holds one character as 'x' does.
        if (enclosure_ == Enclosure::single_quoted && !c.entity && !character(here, c).closed)
          return stop(SpanOutcome::never_closed);
        return read_character(here, c);
      case '#':
        if (directive(here)) return skip_line();
        break;
      case '(':
      case '[':
      case '{': brackets_.push_back({c.value, here}); break;
      case ')':
      case ']':
      case '}':
        if (!close_bracket(c.value, here)) return;
        break;
      case ':':
        if (!holes_.empty() && brackets_.size() == holes_.back().brackets && raw(here + 1) != ':' &&
            raw(here - 1) != ':') {
          // The format of a hole runs to its closing brace.
          ++at_;
          while (at_ < text_.size() && text_[at_] != '}' && text_[at_] != '\n' && text_[at_] != '"') ++at_;
          return;
        }
        break;
      default: break;
    }
    at_ += std::max<std::uint32_t>(c.length, 1);
  }

  // False when the hole or the whole expression ended here.
  bool close_bracket(char close, std::uint32_t here) {
    const char open = close == ')' ? '(' : close == ']' ? '[' : '{';
    const std::size_t floor = holes_.empty() ? 0 : holes_.back().brackets;
    if (!holes_.empty() && close == '}' && brackets_.size() == floor) {
      holes_.back().in_text = true;
      ++at_;
      return false;
    }
    if (brackets_.size() > floor && brackets_.back().kind == open) {
      brackets_.pop_back();
    } else {
      std::size_t match = brackets_.size();
      while (match > floor && brackets_[match - 1].kind != open) --match;
      // Only the kind that opened the expression decides where it ends; the others are the C# compiler's business, and
      // are told apart here so that the finding stands at the bracket without a partner.
      if (match == floor) {
        unbalanced(here, false);
        if (!holes_.empty() && close == '}') {
          brackets_.resize(floor);
          holes_.back().in_text = true;
          ++at_;
          return false;
        }
      } else if (close == own_close_ || match > floor + 1) {
        unbalanced(brackets_.back().at, true);
        brackets_.resize(match - 1);
      } else {
        unbalanced(here, false);
      }
    }
    if (brackets_.empty() && close == own_close_) {
      ++at_;
      // An entity never stands for a bracket in practice, but must not leave us inside one.
      stop(SpanOutcome::closed);
      return false;
    }
    return true;
  }

  // To the end of the line, which the strict form writes as a reference.
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '&') {
        const LogicalChar c = peek(at_);
        if (c.entity && (c.value == '\n' || c.value == '\r')) return;
      }
      ++at_;
    }
  }

  // What `#region` says of its lines is no code: `#region don't`.
  bool directive(std::uint32_t at) const {
    const std::string_view rest = text_.substr(at + 1, 10);
    if (!rest.starts_with("region") && !rest.starts_with("endregion") && !rest.starts_with("pragma")) return false;
    while (at > 0 && (text_[at - 1] == ' ' || text_[at - 1] == '\t')) --at;
    return at > 0 && (text_[at - 1] == '\n' || text_[at - 1] == ';');  // `&#xA;` ends a line, too
  }

  void read_character(std::uint32_t begin, LogicalChar quote) {
    const CharacterEnd end = character(begin, quote);
    at_ = end.at;
    if (!end.closed) open_literal(begin, "character");
  }

  // Where the character literal that begins at `begin` ends, or was to end.
  CharacterEnd character(std::uint32_t begin, LogicalChar quote) const {
    std::uint32_t p = begin + quote.length;
    LogicalChar c = peek(p);
    if (const std::uint32_t length = placeholder_length(text_, p); length != 0 && peek(p + length).value == '\'') {
      p += length;  // '{{separator}}'
    } else if (c.value == '\\' && c.length != 0) {
      p += c.length;
      c = peek(p);
      p += c.length;
      for (int i = 0; i < 9 && peek(p).value != '\'' && peek(p).length != 0; ++i) ++p;
    } else if (c.length != 0 && c.value != '\'' && c.value != '\n') {
      // One code point; what C# thinks of those beyond the basic plane is not decided here.
      p += c.length;
      while (p < text_.size() && (static_cast<unsigned char>(text_[p]) & 0xc0) == 0x80) ++p;
    }
    c = peek(p);
    const bool closed = c.value == '\'' && c.length != 0 &&
                        (enclosure_ != Enclosure::single_quoted || quote.entity || p > begin + quote.length);
    return {closed ? p + c.length : p, closed};
  }

  // `begin` is the first byte of the literal, `quote` that of its opening quote.
  void begin_string(std::uint32_t begin, std::uint32_t quote, Literal literal) {
    const LogicalChar q = peek(quote);
    if (begin == open_string_) {
      at_ = quote;
      return skip_line();
    }
    literal.entity = q.entity;
    literal.begin = begin;
    at_ = quote + q.length;
    if (!literal.verbatim && is_quote(at_, literal) && is_quote(at_ + q.length, literal)) {
      // A raw string: as many quotes end it as began it. Newer than the C# of the service, but it must not lead us
      // astray.
      std::uint32_t quotes = 1;
      while (is_quote(at_, literal)) {
        at_ += q.length;
        ++quotes;
      }
      std::uint32_t run = 0;
      while (at_ < text_.size()) {
        if (is_quote(at_, literal)) {
          at_ += q.length;
          if (++run == quotes) return;
        } else {
          run = 0;
          ++at_;
        }
      }
      return open_literal(begin, "string");
    }
    holes_.push_back({literal, static_cast<std::uint32_t>(brackets_.size()), true});
  }

  bool is_quote(std::uint32_t offset, const Literal& literal) const {
    const LogicalChar c = peek(offset);
    return c.length != 0 && c.value == '"' && c.entity == literal.entity;
  }

  void read_string() {
    const Literal literal = holes_.back().literal;
    while (true) {
      if (at_ >= text_.size()) return open_literal(literal.begin, "string");
      const char byte = text_[at_];
      // Most characters of a string mean nothing to us.
      if (byte != '"' && byte != '&' && byte != '\\' && byte != '\n' && byte != '\r' && byte != '{' && byte != '}') {
        ++at_;
        continue;
      }
      const LogicalChar c = peek(at_);
      if (c.value == '"') {
        if (c.entity == literal.entity) {
          at_ += c.length;
          if (literal.verbatim && is_quote(at_, literal)) {
            at_ += c.length;
            continue;
          }
          holes_.pop_back();
          return;
        }
        if (literal.entity && enclosure_ == Enclosure::double_quoted) return open_literal(literal.begin, "string");
        at_ += c.length;
        continue;
      }
      if ((c.value == '\n' || c.value == '\r') && !c.entity) {
        if (!literal.verbatim) {
          if (!allow_line_breaks_) return open_literal(literal.begin, "string");
          if (!span_.line_break) span_.line_break_in = literal.begin;
          span_.line_break = true;
        } else if (const std::uint32_t count = span_.long_string_count;
                   count < span_.long_strings.size() &&
                   (count == 0 || span_.long_strings[count - 1] != literal.begin)) {
          span_.long_strings[span_.long_string_count++] = literal.begin;
        }
        ++at_;
        continue;
      }
      if (c.value == '\\' && !literal.verbatim) {
        at_ += c.length;
        const LogicalChar escaped = peek(at_);
        if (escaped.value != '\n' && escaped.value != '\r') at_ += escaped.length;
        continue;
      }
      if (literal.interpolated && c.value == '{') {
        if (raw(at_ + 1) == '{') {
          at_ += 2;
          continue;
        }
        ++at_;
        holes_.back().in_text = false;
        holes_.back().brackets = static_cast<std::uint32_t>(brackets_.size());
        return;
      }
      at_ += std::max<std::uint32_t>(c.length, 1);
    }
  }

  std::string_view text_;
  Enclosure enclosure_;
  bool allow_line_breaks_;
  std::uint32_t at_ = 0;
  char own_open_ = '(';
  char own_close_ = ')';
  bool done_ = false;
  std::uint32_t open_string_ = kNoString;
  std::vector<Bracket> brackets_;
  std::vector<Hole> holes_;
  ExpressionSpan span_;
};

}  // namespace

LogicalChar entity_char(std::string_view text, std::uint32_t at) {
  const std::string_view rest = text.substr(at, 12);
  struct Named {
    std::string_view name;
    char value;
  };
  static constexpr Named kNamed[] = {{"&quot;", '"'}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}};
  for (const Named& named : kNamed) {
    if (rest.size() > 2 && rest[1] == named.name[1] && rest[2] == named.name[2] && rest.starts_with(named.name))
      return {named.value, static_cast<std::uint32_t>(named.name.size()), true};
  }
  if (rest.starts_with("&#")) {
    std::uint32_t value = 0;
    std::size_t i = 2;
    const bool hex = i < rest.size() && rest[i] == 'x';
    if (hex) ++i;
    const std::size_t digits = i;
    for (; i < rest.size() && value < 0x110000; ++i) {
      const char c = rest[i];
      if (c >= '0' && c <= '9')
        value = value * (hex ? 16 : 10) + static_cast<std::uint32_t>(c - '0');
      else if (hex && c >= 'a' && c <= 'f')
        value = value * 16 + static_cast<std::uint32_t>(c - 'a' + 10);
      else if (hex && c >= 'A' && c <= 'F')
        value = value * 16 + static_cast<std::uint32_t>(c - 'A' + 10);
      else
        break;
    }
    if (i > digits && i < rest.size() && rest[i] == ';')
      return {value < 0x80 ? static_cast<char>(value) : '\x7f', static_cast<std::uint32_t>(i + 1), true};
  }
  return {};
}

ExpressionSpan scan_expression(std::string_view text, std::uint32_t at, std::uint32_t limit, Enclosure enclosure,
                               bool allow_line_breaks) {
  return SpanLexer(text, limit, enclosure, allow_line_breaks).scan(at);
}

ExpressionSpan scan_past_string(std::string_view text, std::uint32_t at, std::uint32_t limit, Enclosure enclosure,
                                std::uint32_t open_string) {
  return SpanLexer(text, limit, enclosure, false).scan(at, open_string);
}

}  // namespace postern::policy
