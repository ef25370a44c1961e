#include "hooks/template/graphql.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "gateway/base/encoding.h"

namespace postern::tree {
namespace {

enum class Kind { end, name, number, text, mark };

struct Token {
  Kind kind = Kind::end;
  std::size_t begin = 0;
  std::size_t end = 0;
};

constexpr std::array<std::string_view, 8> kDefinitions = {"schema", "scalar", "type",  "interface",
                                                          "union",  "enum",   "input", "directive"};
constexpr std::array<std::string_view, 4> kExecutable = {"query", "mutation", "subscription", "fragment"};
constexpr int kMaxDepth = 200;

bool one_of(std::string_view word, auto&& words) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads definition after definition; every read_… gives false once a fault is known or nothing more can be said.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<GraphqlFault> run() {
    next();
    while (!stopped_ && token_.kind != Kind::end && read_definition()) {
    }
    return std::move(fault_);
  }

 private:
  std::string_view word() const { return text_.substr(token_.begin, token_.end - token_.begin); }
  bool is(std::string_view mark) const { return token_.kind == Kind::mark && word() == mark; }
  bool is_name() const { return token_.kind == Kind::name; }

  bool stop() {
    stopped_ = true;
    token_ = {Kind::end, text_.size(), text_.size()};
    return false;
  }
  bool refuse(std::size_t begin, std::size_t end, std::string message) {
    if (!stopped_) fault_ = GraphqlFault{begin, end, std::move(message)};
    return stop();
  }
  bool refuse(std::string message) { return refuse(token_.begin, token_.end, std::move(message)); }
  bool expected(std::string_view what) {
    if (token_.kind == Kind::end) {
      const std::size_t last = text_.empty() ? 0 : text_.size() - 1;
      return refuse(last, text_.size(), fmt::format("the schema ends where {} is due", what));
    }
    return refuse(fmt::format("'{}' where {} is due", printable(word(), 40), what));
  }

  void next() {
    if (stopped_) return;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
        ++at_;
      } else if (text_.substr(at_).starts_with("\xef\xbb\xbf")) {
        at_ += 3;
      } else {
        break;
      }
    }
    token_ = {Kind::end, at_, at_};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (begins_name(c)) {
      while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
      token_ = {Kind::name, token_.begin, at_};
    } else if (is_digit(c) || c == '-') {
      ++at_;
      while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || begins_name(text_[at_]) ||
                                    ((text_[at_] == '-' || text_[at_] == '+') && (text_[at_ - 1] | 0x20) == 'e')))
        ++at_;
      token_ = {Kind::number, token_.begin, at_};
    } else if (c == '"') {
      read_text();
    } else if (text_.substr(at_).starts_with("...")) {
      at_ += 3;
      token_ = {Kind::mark, token_.begin, at_};
    } else {
      ++at_;
      while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xc0) == 0x80) ++at_;
      token_ = {Kind::mark, token_.begin, at_};
      if (std::string_view("!$&()@:=[]{}|").find(c) == std::string_view::npos)
        refuse(fmt::format("'{}' has no meaning in a schema", printable(word(), 8)));
    }
  }

  void read_text() {
    const std::size_t begin = at_;
    if (text_.substr(at_).starts_with("\"\"\"")) {
      std::size_t end = at_;
      do {
        end = text_.find("\"\"\"", end + 3);
      } while (end != std::string_view::npos && text_[end - 1] == '\\');
      if (end == std::string_view::npos) {
        refuse(begin, begin + 3, "this block string never ends");
        return;
      }
      at_ = end + 3;
    } else {
      for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n' && text_[at_] != '\r'; ++at_) {
        if (text_[at_] == '\\') ++at_;
      }
      if (at_ >= text_.size() || text_[at_] != '"') {
        refuse(begin, begin + 1, "this string never ends");
        return;
      }
      ++at_;
    }
    token_ = {Kind::text, begin, at_};
  }

  bool take(std::string_view mark, std::string_view what = {}) {
    if (!is(mark)) return expected(what.empty() ? fmt::format("'{}'", mark) : std::string(what));
    next();
    return !stopped_;
  }
  bool take_name(std::string_view what) {
    if (!is_name()) return expected(what);
    next();
    return !stopped_;
  }
  void take_description() {
    if (token_.kind == Kind::text) next();
  }

  // Whether a definition begins here although a bracket is open: a keyword, a name, and what only a definition goes on
  // with. Fields and values may be called as the keywords are.
  bool begins_definition() const {
    if (!is_name() || !(one_of(word(), kDefinitions) || word() == "extend")) return false;
    std::string_view rest = text_.substr(token_.end);
    const auto skip = [&rest](auto&& inside) {
      std::size_t n = 0;
      while (n < rest.size() && inside(rest[n])) ++n;
      rest.remove_prefix(n);
      return n;
    };
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    const auto of_name = [](char c) { return begins_name(c) || is_digit(c); };
    if (word() == "extend") {
      skip(blank);
      if (skip(of_name) == 0) return false;
    }
    if (skip(blank) == 0 || skip(of_name) == 0) return false;
    skip(blank);
    return rest.starts_with('{') || rest.starts_with('=') || rest.starts_with("implements");
  }

  // `open` … `close` around what `read` reads; empty ones pass.
  template <class Read>
  bool in_brackets(std::string_view open, std::string_view close, const Read& read) {
    const Token opened = token_;
    if (!take(open)) return false;
    if (++depth_ > kMaxDepth) return stop();
    while (!stopped_ && !is(close)) {
      if (token_.kind == Kind::end) return refuse(opened.begin, opened.end, fmt::format("'{}' is never closed", open));
      if (begins_definition())
        return refuse(opened.begin, opened.end,
                      fmt::format("'{}' is not closed before '{}' on line {}", open, word(),
                                  1 + std::count(text_.begin(),
                                                 text_.begin() + static_cast<std::ptrdiff_t>(token_.begin), '\n')));
      if (token_.kind == Kind::mark && (is("}") || is(")") || is("]")))
        return refuse(opened.begin, opened.end, fmt::format("'{}' is not closed before '{}'", open, word()));
      if (!read()) return false;
    }
    --depth_;
    if (stopped_) return false;
    next();
    return !stopped_;
  }

  bool read_type() {
    if (is("[")) {
      const Token opened = token_;
      next();
      if (++depth_ > kMaxDepth) return stop();
      if (stopped_ || !read_type()) return false;
      if (!is("]")) return refuse(opened.begin, opened.end, "'[' is never closed");
      --depth_;
      next();
    } else if (!take_name("a type")) {
      return false;
    }
    if (is("!")) next();
    return !stopped_;
  }

  bool read_value() {
    if (is("[")) return in_brackets("[", "]", [this] { return read_value(); });
    if (is("{"))
      return in_brackets("{", "}", [this] { return take_name("a field's name") && take(":") && read_value(); });
    if (is("$")) {
      next();
      return take_name("a variable's name");
    }
    if (token_.kind != Kind::name && token_.kind != Kind::number && token_.kind != Kind::text)
      return expected("a value");
    next();
    return !stopped_;
  }

  bool read_directives() {
    while (!stopped_ && is("@")) {
      next();
      if (!take_name("a directive's name")) return false;
      if (is("(") &&
          !in_brackets("(", ")", [this] { return take_name("an argument's name") && take(":") && read_value(); }))
        return false;
    }
    return !stopped_;
  }

  // "name: Type = value @directive", of arguments and of inputs.
  bool read_input(std::string_view what) {
    take_description();
    if (!take_name(what) || !take(":") || !read_type()) return false;
    if (is("=")) {
      next();
      if (stopped_ || !read_value()) return false;
    }
    return read_directives();
  }

  bool read_field() {
    take_description();
    if (is("}")) return true;  // a description of nothing: some readers let it be
    if (!take_name("a field's name")) return false;
    if (is("(") && !in_brackets("(", ")", [this] { return read_input("an argument's name"); })) return false;
    return take(":") && read_type() && read_directives();
  }

  bool read_members() {
    if (is("|")) next();
    while (!stopped_) {
      if (!take_name("a name")) return false;
      if (!is("|")) return true;
      next();
    }
    return false;
  }

  bool read_definition() {
    take_description();
    if (stopped_ || token_.kind == Kind::end) return false;
    if (is("{")) return stop();  // a query
    if (token_.kind == Kind::mark) {
      if (is("}") || is(")") || is("]")) return refuse(fmt::format("'{}' closes nothing", word()));
      return expected("a definition");
    }
    if (!is_name()) return expected("a definition");
    if (one_of(word(), kExecutable)) return stop();
    if (word() == "extend") {
      next();
      if (stopped_) return false;
    }
    const std::string_view keyword = word();
    if (!is_name() || !one_of(keyword, kDefinitions))
      return expected("a definition (type, input, enum, interface, union, scalar, schema, directive, extend)");
    next();
    if (stopped_) return false;
    if (keyword == "schema") {
      if (!read_directives()) return false;
      return !is("{") || in_brackets("{", "}", [this] {
        take_description();
        return take_name("query, mutation or subscription") && take(":") && take_name("a type");
      });
    }
    if (keyword == "directive") {
      if (!take("@") || !take_name("a directive's name")) return false;
      if (is("(") && !in_brackets("(", ")", [this] { return read_input("an argument's name"); })) return false;
      if (is_name() && word() == "repeatable") next();
      if (!is_name() || word() != "on") return expected("'on'");
      next();
      return !stopped_ && read_members();
    }
    if (!take_name("a type's name")) return false;
    if (is_name() && word() == "implements" && (keyword == "type" || keyword == "interface")) {
      next();
      if (is("&")) next();
      // Older schemas leave the '&' out.
      do {
        if (is("&")) next();
        if (!take_name("an interface's name")) return false;
      } while (is("&") || (is_name() && !one_of(word(), kDefinitions) && word() != "extend"));
    }
    if (!read_directives()) return false;
    if (keyword == "union") {
      if (!is("=")) return true;
      next();
      return !stopped_ && read_members();
    }
    if (keyword == "scalar" || !is("{")) return true;
    if (keyword == "enum")
      return in_brackets("{", "}", [this] {
        take_description();
        return take_name("an enum's value") && read_directives();
      });
    if (keyword == "input") return in_brackets("{", "}", [this] { return read_input("a field's name"); });
    return in_brackets("{", "}", [this] { return read_field(); });
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Token token_;
  bool stopped_ = false;
  std::optional<GraphqlFault> fault_;
};

}  // namespace

std::optional<GraphqlFault> find_graphql_fault(std::string_view text) { return Reader(text).run(); }

}  // namespace postern::tree
