#include <charconv>

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

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    const ArtifactKind kind = file.artifact.kind;
    const bool is_json = kind == ArtifactKind::information || kind == ArtifactKind::link_list ||
                         (kind == ArtifactKind::specification && file.path.ends_with(".json"));
    if (!is_json) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    const Result<json::Value> value = parse_artifact(*text);
    if (value) continue;
    unsigned line = 1;
    unsigned column = 1;
    place_of(value.error().message, line, column);
    std::string what = value.error().message;
    if (const std::size_t colon = what.find(": "); colon != std::string::npos) what.erase(0, colon + 2);
    reporter.add_at(file.path, line, column, "not JSON: " + what,
                    "mend the JSON; no comma stands before a closing bracket");
  }
  return {};
}

}  // namespace

const TreeRule kArtifactJson{
    {"artifact-json", policy::Severity::error, "a JSON artifact parses",
     "The publisher reads every artifact before it writes the first one; a file that is no JSON stops the whole run.",
     "{ \"properties\": { \"displayName\": \"orders\", } }", "{ \"properties\": { \"displayName\": \"orders\" } }"},
    check};

}  // namespace postern::tree
