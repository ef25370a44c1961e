#include "hooks/policy/expression.h"

#include <algorithm>

namespace postern::policy {
namespace {

constexpr std::uint32_t kNoAttribute = 0xffffffff;

std::string_view rule_of(csharp::NoteKind kind) {
  switch (kind) {
    case csharp::NoteKind::no_return: return "expression-return";
    case csharp::NoteKind::assignment:
    case csharp::NoteKind::statement: return "expression-statement";
    case csharp::NoteKind::name: return "expression-name";
    case csharp::NoteKind::operand: return "expression-operand";
    case csharp::NoteKind::unknown_member: return "expression-context";
    case csharp::NoteKind::forbidden: return "expression-type";
    case csharp::NoteKind::unlisted: return "expression-unlisted";
  }
  return "expression-unlisted";
}

// A // that is no part of a URL: it ends with its line.
bool holds_comment(std::string_view code) {
  for (std::size_t at = code.find("//"); at != std::string_view::npos; at = code.find("//", at + 2)) {
    if (at == 0 || code[at - 1] != ':') return true;
  }
  return false;
}

// Text of both kinds of quotes was written by someone who did not mean `&quot;` to end a string, as in
// Replace("\"", "&quot;"). Whether the service reads it so is not known: what is right either way is not told.
bool fine_as_written(std::string_view raw, csharp::Form form) {
  if (raw.find('"') == std::string_view::npos || raw.find("&quot;") == std::string_view::npos) return false;
  const csharp::Parsed parsed = csharp::parse(raw, 0, static_cast<std::uint32_t>(raw.size()), form);
  return !parsed.syntax && parsed.notes.empty();
}

csharp::Form form_of(const PolicyDocument& document, const Expression& expression) {
  if (expression.block) return csharp::Form::block;
  if (expression.attribute == kNoAttribute) return csharp::Form::expression;
  const std::string_view name = document.name(document.attributes()[expression.attribute]);
  return name == "condition" || name.ends_with("-condition") ? csharp::Form::condition : csharp::Form::expression;
}

}  // namespace

std::vector<ExpressionFault> judge_expressions(const PolicyDocument& document) {
  std::vector<ExpressionFault> out;
  for (const Expression& expression : document.expressions()) {
    if (!expression.complete || !expression.balanced) continue;
    const DecodedText code = document.decoded_code(expression);
    const auto size = static_cast<std::uint32_t>(code.text.size());
    const csharp::Form form = form_of(document, expression);
    csharp::Parsed parsed = csharp::parse(code.text, 0, size, form);
    std::string one_line;
    if (parsed.syntax && expression.attribute != kNoAttribute && code.text.find('\n') != std::string::npos) {
      // XML makes blanks of the line breaks in an attribute, so a string may run over them; the reader warns of it.
      one_line = code.text;
      std::replace_if(one_line.begin(), one_line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
      csharp::Parsed joined = csharp::parse(one_line, 0, size, form);
      if (!joined.syntax && !holds_comment(code.text)) parsed = std::move(joined);
    }
    if (parsed.syntax && !expression.in_cdata && fine_as_written(document.text(expression.code), form)) continue;
    const auto add = [&](std::string_view rule, csharp::Fault& fault, bool warning) {
      // A fault at the very end points to the closing bracket; an empty one to the whole expression.
      Range range{code.source(fault.begin), code.source(fault.end)};
      if (size == 0) range = expression.range;
      if (range.end <= range.begin) range.end = range.begin + 1;
      out.push_back({rule, range, std::move(fault.message), std::move(fault.help), warning});
    };
    if (parsed.syntax) add("expression-syntax", *parsed.syntax, false);
    for (csharp::Note& note : parsed.notes) add(rule_of(note.kind), note.at, note.accepted);
  }
  return out;
}

}  // namespace postern::policy
