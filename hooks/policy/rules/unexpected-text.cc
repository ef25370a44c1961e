// Rule unexpected-text: text stands only where it means something.
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

// `name attribute="`
bool is_lost_tag(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos || text[begin] < 'a' || text[begin] > 'z') return false;
  constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyz-";
  std::size_t at = text.find_first_not_of(kName, begin);
  if (at == std::string_view::npos || kSpace.find(text[at]) == std::string_view::npos) return false;
  at = text.find_first_not_of(kSpace, at);
  if (at == std::string_view::npos) return false;
  at = text.find_first_not_of(kName, at);
  return at != std::string_view::npos && (text.substr(at).starts_with("=\"") || text.substr(at).starts_with("='"));
}

// Words beside a placeholder: no mark of a tool that fills templates is in them.
bool is_plain(const Node& node, std::string_view text) {
  return node.kind == NodeKind::text &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t\r\n;>.,:-") ==
             std::string_view::npos;
}

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (!e.has_text || e.guessed || e.place == Place::payload || e.place == Place::unknown || e.first_text == kNoNode)
      continue;
    // Beside placeholders and missing tags text may be anything, but for plain words and a tag that lost its '<'.
    const Node& first = s.document.node(e.first_text);
    const bool lost_bracket = is_lost_tag(s.document.text(first.range));
    if (e.unsettled && !lost_bracket && !(s.node(e).closed && is_plain(first, s.document.text(first.range)))) continue;
    const bool bare = (e.place == Place::root && e.policy == nullptr) || e.place == Place::section;
    if (!bare && (e.spec == nullptr || e.spec->text != catalogue::Text::none || e.spec->mixed || e.spec->opaque))
      continue;
    Range range = first.range;
    while (range.begin < range.end &&
           std::string_view(" \t\r\n").find(s.document.text()[range.begin]) != std::string_view::npos)
      ++range.begin;
    const std::size_t line = s.document.text(range).find_first_of("\r\n");
    if (line != std::string_view::npos) range.end = range.begin + static_cast<std::uint32_t>(line);
    // A fault of the text itself in it is the finding.
    bool told = false;
    for (const SyntaxFault& f : s.document.faults())
      told |= f.range.begin < s.document.node(e.first_text).range.end &&
              f.range.begin >= s.document.node(e.first_text).range.begin;
    if (told) continue;
    const std::vector<std::string_view> names = bare ? std::vector<std::string_view>() : s.model.accepted(e);
    const bool value = !bare && catalogue::find_child(*e.spec, "value") != nullptr;
    r.add(range,
          names.empty() || names.size() > 12
              ? fmt::format("<{}> cannot contain text", s.name(e))
              : fmt::format("<{}> cannot contain text; it takes {}", s.name(e), any_of(names)),
          lost_bracket ? "is this a tag without its '<'?"
          : value      ? "put the text into <value>"
                       : "remove it");
  }
}

}  // namespace

extern const Rule k_unexpected_text;
const Rule k_unexpected_text = {
    .id = "unexpected-text",
    .severity = Severity::error,
    .summary = "Text stands only where it means something.",
    .why = "The service says: the element cannot contain text.",
    .bad = "<set-header name=\"X-A\" exists-action=\"override\">1</set-header>",
    .good = "<set-header name=\"X-A\" exists-action=\"override\"><value>1</value></set-header>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
