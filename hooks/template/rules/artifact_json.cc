#include <algorithm>
#include <charconv>

#include "gateway/base/encoding.h"
#include "hooks/template/information.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// "JSON, line 2 column 8: …" -> 2, 8.
void place_of(const std::string& message, unsigned& line, unsigned& column) {
  constexpr std::string_view kLine = "line ";
  constexpr std::string_view kColumn = " column ";
  const std::size_t at = message.find(kLine);
  const std::size_t between = message.find(kColumn);
  if (at == std::string::npos || between == std::string::npos) return;
  std::from_chars(message.data() + at + kLine.size(), message.data() + between, line);
  std::from_chars(message.data() + between + kColumn.size(), message.data() + message.size(), column);
}

unsigned line_of_foreign_byte(std::string_view text) {
  unsigned line = 1;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    if (!is_utf8(text.substr(0, end))) break;
    text.remove_prefix(end + 1);
    ++line;
  }
  return line;
}

// The reader stumbles over the token that ends at that place. Where it is the first of its line and a value stands
// before it, the comma between them was lost: the byte behind that value.
std::optional<std::size_t> lost_comma_before(std::string_view text, unsigned line, unsigned column) {
  std::size_t begin = 0;
  for (; line > 1 && begin < text.size(); ++begin) line -= text[begin] == '\n' ? 1 : 0;
  const std::size_t end = begin + column - 1;
  const std::size_t first = text.find_first_not_of(" \t\r", begin);
  if (first == std::string_view::npos || end >= text.size() || first > end) return std::nullopt;
  if (text[first] == '"') {
    std::size_t close = first + 1;
    while (close < text.size() && text[close] != '"' && text[close] != '\n') close += text[close] == '\\' ? 2 : 1;
    if (close != end) return std::nullopt;
  } else if ((text[first] != '{' && text[first] != '[') || first != end) {
    return std::nullopt;
  }
  const std::size_t before = begin == 0 ? std::string_view::npos : text.find_last_not_of(" \t\r\n", begin - 1);
  if (before == std::string_view::npos) return std::nullopt;
  const char c = text[before];
  const bool value = c == '"' || c == '}' || c == ']' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  return value ? std::optional(before + 1) : std::nullopt;
}

// Whether nothing is wrong but commas in front of closing brackets, which are YAML.
bool is_json_but_commas(std::string_view text) {
  std::string out(text);
  std::size_t comma = std::string::npos;
  bool in_string = false;
  for (std::size_t at = 0; at < out.size(); ++at) {
    const char c = out[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == ',') {
      comma = at;
    } else if (c == '}' || c == ']') {
      if (comma != std::string::npos) out[comma] = ' ';
      comma = std::string::npos;
    } else if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
      comma = std::string::npos;
      in_string = c == '"';
    }
  }
  return parse_artifact(out).has_value();
}

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    const ArtifactKind kind = file.artifact.kind;
    const bool is_json = kind == ArtifactKind::information || kind == ArtifactKind::link_list ||
                         (kind == ArtifactKind::specification && file.path.ends_with(".json"));
    if (!is_json) continue;
    // A file of another kind may have a name of that form.
    if (kind == ArtifactKind::information && !is_known_kind(information_kind(file))) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (is_pointer(*text)) continue;
    std::optional<Error> doubt;
    const Result<json::Value> value = parse_artifact(*text, &doubt);
    if (value && !doubt) continue;
    std::string what = doubt ? doubt->message : value.error().message;
    unsigned line = 1;
    unsigned column = 1;
    place_of(what, line, column);
    bool lost_comma = false;
    if (!doubt) {
      if (const std::optional<std::size_t> at = lost_comma_before(*text, line, column)) {
        const LineColumn place = line_column(*text, *at);
        line = place.line;
        column = place.column;
        lost_comma = true;
      }
    }
    if (doubt && !is_utf8(*text)) line = line_of_foreign_byte(*text);
    if (const std::size_t colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
    if (lost_comma) {
      reporter.add_at(file.path, line, column, "not JSON: ',' is missing here", "add the ','");
    } else if (doubt) {
      reporter.add_at(file.path, line, column, "not every reader takes this JSON: " + what, {},
                      policy::Severity::warning);
    } else if (kind == ArtifactKind::specification && is_json_but_commas(*text)) {
      // The service, and publishers before Azure/apiops 7, read a specification with a reader of YAML.
      reporter.add_at(file.path, line, column, "not every publisher takes this JSON: " + what,
                      "mend the JSON; no comma stands before a closing bracket", policy::Severity::warning);
    } else {
      reporter.add_at(file.path, line, column, "not JSON: " + what,
                      "mend the JSON; no comma stands before a closing bracket");
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactJson{
    {"artifact-json", policy::Severity::error, "A JSON artifact parses.",
     "The publisher reads every artifact before it writes the first one; a file that is no JSON stops the whole run.",
     "{ \"properties\": { \"displayName\": \"orders\", } }", "{ \"properties\": { \"displayName\": \"orders\" } }"},
    check};

}  // namespace postern::tree
