// Rule lost-mark: expressions begin with @, and named values stand in two braces.
#include <fmt/core.h>

#include <string>
#include <string_view>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/expression_tokens.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/value.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// context.Member, as code writes it.
bool names_context(std::string_view text) {
  for (std::size_t at = text.find("context"); at != std::string_view::npos; at = text.find("context", at + 1)) {
    std::string_view rest = text.substr(at + 7);
    if (rest.starts_with('?')) rest.remove_prefix(1);
    if (rest.size() > 2 && rest[0] == '.' && rest[1] >= 'A' && rest[1] <= 'Z') return true;
  }
  return false;
}

// ( … context.Member … ) or { … context.Member … return … }
bool is_code(std::string_view text) {
  text = xml::trimmed(text);
  if (text.empty()) return false;
  const bool block = text.front() == '{';
  if (block ? text.back() != '}' || text.starts_with("{{") || text.starts_with("{%")
            : text.front() != '(' || text.back() != ')') {
    return false;
  }
  if (block && text.find("return ") == std::string_view::npos) return false;
  return names_context(text);
}

// @@( … ), @ ( … ), @$( … ) or text before @( … ): code that is not taken as such. What is wrong with it.
std::string_view fault_of_mark(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (text.substr(0, at).find('<') != std::string_view::npos || !names_context(text.substr(at)))
    return {};  // a comment or CDATA section before it is no text
  if (at != begin) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    return next == '(' || next == '{' ? "text stands before this expression, so that it is taken as plain text" : "";
  }
  const std::size_t open = text.find_first_not_of(" \t\r\n@$", at);
  if (open == std::string_view::npos || open == at + 1 || (text[open] != '(' && text[open] != '{')) return {};
  return "this is no expression: its bracket stands right behind one '@'";
}

// A string of code that may hold a named value; braces that belong to JSON, GraphQL or a pattern are left alone.
void judge_string(Reporter& r, Range range, std::string_view text) {
  std::size_t lost = std::string_view::npos;  // where the pair begins that lacks one
  std::size_t lost_end = 0;
  std::string_view name;
  for (std::size_t i = text.find_first_of("{}"); i < text.size(); i = text.find_first_of("{}", i)) {
    const std::size_t begin = text.find_first_not_of('{', i);
    if (begin == std::string_view::npos) return;
    std::size_t end = begin;
    while (end < text.size() && is_name(text[end])) ++end;
    std::size_t close = end;
    while (close < text.size() && text[close] == '}') ++close;
    const std::size_t opened = begin - i;
    const std::size_t closed = close - end;
    const bool other_tool = i > 0 && std::string_view("$#%@").find(text[i - 1]) != std::string_view::npos;
    const bool named = end > begin && !(text[begin] >= '0' && text[begin] <= '9') && !other_tool;
    if (!named || opened + closed < 3 || opened + closed > 4 || opened > 2 || closed > 2) return;
    if (opened + closed == 3 && lost == std::string_view::npos) {
      lost = i;
      lost_end = close;
      name = text.substr(begin, end - begin);
    }
    i = close;
  }
  if (lost == std::string_view::npos) return;
  r.add(range,
        fmt::format("'{}' has lost a brace: a named value stands in two", shown(text.substr(lost, lost_end - lost))),
        fmt::format("write {{{{{}}}}}", name));
}

void judge_strings(const Subject& s, Reporter& r) {
  for (const Expression& e : s.document.expressions()) {
    const std::string_view code = s.document.text(e.code);
    if (code.find("{{") == std::string_view::npos && code.find("}}") == std::string_view::npos) continue;
    const LexedExpression lexed(s.document, e);
    for (const csharp::Token& t : lexed.tokens())
      if (t.kind == csharp::TokenKind::string) judge_string(r, lexed.range(t), lexed.content(t));
  }
}

// {{name} or {name}}, once per value.
void judge_braces(const Subject& s, Reporter& r, Range value) {
  const std::string_view text = s.document.text(value);
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  for (std::size_t i = text.find('{'); i != std::string_view::npos; i = text.find('{', i + 1)) {
    std::size_t name = i;
    while (at(name) == '{') ++name;
    std::size_t end = name;
    while (is_name(at(end))) ++end;
    std::size_t close = end;
    while (at(close) == '}') ++close;
    const std::size_t opened = name - i;
    const std::size_t closed = close - end;
    const bool other_tool = i > 0 && std::string_view("$#%@").find(text[i - 1]) != std::string_view::npos;
    i = close > i ? close - 1 : i;
    // {{name alone, to the end of the value: both are lost.
    const bool cut_off = opened == 2 && closed == 0 && name == 2 && end == text.size();
    if (end == name || other_tool || (!cut_off && (opened + closed != 3 || closed == 0))) continue;
    const auto from = static_cast<std::uint32_t>(value.begin + name - opened);
    const auto to = static_cast<std::uint32_t>(value.begin + close);
    r.add({from, to},
          fmt::format("'{}' has lost a brace: a named value stands in two", shown(s.document.text({from, to}))),
          fmt::format("write {{{{{}}}}}", text.substr(name, end - name)));
    return;
  }
}

void judge(const Subject& s, Reporter& r, Range value) {
  if (is_code(s.document.text(value)))
    r.add(value, "this looks like an expression without its '@'; it is taken as plain text", "write @ before it");
  else if (const std::string_view fault = fault_of_mark(s.document.text(value)); !fault.empty())
    r.add(value, std::string(fault), "make the whole value one expression: @( … ) or @{ … }");
  else
    judge_braces(s, r, value);
}

// bad-value says of a number, bool or word that it is none.
bool is_told(const Subject& s, const ModelElement& e, const Attribute& a) {
  if (e.guessed || s.document.has_placeholder(a)) return false;
  const catalogue::Attribute* entry = catalogue::find_attribute(*e.spec, s.document.name(a));
  return entry != nullptr && !judge_value(*entry, s.document.decoded(a.value)).what.empty();
}

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.place == Place::unknown || e.place == Place::payload) continue;
    for (const Attribute& a : s.document.attributes(s.node(e)))
      if (a.has_value && !s.document.is_expression(a) && !is_told(s, e, a)) judge(s, r, a.value);
    const Node& node = s.node(e);
    // Liquid has braces of its own.
    if (!e.has_text || e.child_count > 0 || s.document.attribute(node, "template") != nullptr) continue;
    if (e.first_text == kNoNode || s.document.node(e.first_text).kind == NodeKind::expression || !node.closed) continue;
    if (s.document.text(node.content).starts_with('>'))
      r.add({node.content.begin, node.content.begin + 1},
            "this '>' is the beginning of the text: the tag has ended before it", "remove it, or write &gt;");
    else
      judge(s, r, node.content);
  }
  judge_strings(s, r);
}

}  // namespace

extern const Rule k_lost_mark;
const Rule k_lost_mark = {
    .id = "lost-mark",
    .severity = Severity::warning,
    .summary = "Expressions begin with @, and named values stand in two braces.",
    .why =
        "Without its mark an expression or a named value is plain text: the service takes the document and sends the "
        "text.",
    .bad = "<value>(context.Api.Name)</value>",
    .good = "<value>@(context.Api.Name)</value>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
