#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <vector>

#include "hooks/template/specification.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

constexpr std::array kMethods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};

// Whether an escape of half a surrogate pair stands there: \uD83D.
bool is_half_pair(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u' || (text[at + 2] | 0x20) != 'd') return false;
  const char c = static_cast<char>(text[at + 3] | 0x20);
  return c == '8' || c == '9' || (c >= 'a' && c <= 'f');
}

// What the language or the readers of publishers let be and the library does not: a tab in front of a comment that has
// its line to itself, a line of nothing but tabs, the line ends of old, and characters that JSON writes as a pair of
// escapes. As long as the text, so that places stay.
std::string eased(std::string_view text) {
  std::string out(text);
  for (std::size_t at = out.find("\\u"); at != std::string::npos; at = out.find("\\u", at + 2)) {
    if (is_half_pair(out, at)) out.replace(at + 2, 4, "fffd");
  }
  const bool old_ends = out.find('\n') == std::string::npos;
  for (std::size_t begin = 0; begin < out.size();) {
    const std::size_t end = std::min(out.find(old_ends ? '\r' : '\n', begin), out.size());
    const std::size_t first = out.find_first_not_of(" \t", begin);
    const std::size_t to = std::min(first, end);
    if (to == end || out[to] == '#' || out[to] == '\r') std::fill(out.begin() + begin, out.begin() + to, ' ');
    if (old_ends && end < out.size()) out[end] = '\n';
    begin = end + 1;
  }
  return out;
}

std::size_t line_begin(std::string_view text, std::size_t offset) {
  return offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // npos + 1 is 0
}

// The byte of a mark; the library counts bytes in a line.
std::size_t offset_of(std::string_view text, const YAML::Mark& mark) {
  std::size_t begin = 0;
  for (int line = 0; line < mark.line; ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return text.size();
    begin = end + 1;
  }
  return std::min(begin + static_cast<std::size_t>(std::max(mark.column, 0)), text.size());
}

void place(std::string_view text, std::size_t offset, unsigned& line, unsigned& column) {
  const LineColumn at = line_column(text, offset);
  line = at.line;
  column = at.column;
}

// The beginning of a quoted text that ends just before `at` and began on another line: a quote that was not closed
// there swallows everything up to the next one. `at` where there is none.
std::size_t swallowing_quote(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end > 0 && text[end - 1] == ' ') --end;
  if (end == 0 || (text[end - 1] != '"' && text[end - 1] != '\'')) return at;
  const char quote = text[end - 1];
  for (std::size_t i = end - 1; i-- > 0;) {
    if (text[i] != quote || (quote == '"' && i > 0 && text[i - 1] == '\\')) continue;
    return line_begin(text, i) == line_begin(text, end) ? at : i;
  }
  return at;
}

// The place that a person would point to: for what never ends its beginning, and the key whose colon is missing, where
// the library names the place at which it noticed.
std::size_t cause_of(std::string_view text, std::size_t at, const std::string& message) {
  if (const std::size_t quote = swallowing_quote(text, at); quote != at) return quote;
  const char open = message.find("end of sequence flow") != std::string::npos ? '['
                    : message.find("end of map flow") != std::string::npos    ? '{'
                                                                              : '\0';
  if (open != '\0') {
    int depth = 0;
    for (std::size_t i = at; i-- > 0;) {
      if (text[i] == '}' || text[i] == ']') ++depth;
      if ((text[i] == '{' || text[i] == '[') && --depth < 0) return text[i] == open ? i : at;
    }
    return at;
  }
  if (message.find("illegal map value") == std::string::npos) return at;
  const std::size_t begin = line_begin(text, at);
  if (begin == 0) return at;
  const std::size_t before = line_begin(text, begin - 1);
  std::string_view line = text.substr(before, begin - 1 - before);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
  const std::size_t first = line.find_first_not_of(' ');
  const bool lacks_colon = first != std::string_view::npos && line[first] != '#' && !line.ends_with(':') &&
                           line.find(": ") == std::string_view::npos && line.find_first_of("\"'[]{}") == line.npos;
  return lacks_colon ? before + first : at;
}

// Where the last scalar of the text begins.
std::size_t last_scalar(std::string_view text) {
  std::size_t last = 0;
  for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
    YAML::Node node = document;
    for (int depth = 0; depth < 500 && (node.IsMap() || node.IsSequence()) && node.size() > 0; ++depth) {
      YAML::Node next;
      for (const auto& entry : node) next.reset(node.IsMap() ? entry.second : entry);
      node.reset(next);
    }
    if (node.Mark().line >= 0) last = offset_of(text, node.Mark());
  }
  return last;
}

std::optional<YamlFault> fault_in(std::string_view text) {
  YamlFault out;
  try {
    // The end of the document is written out, since the library takes a quote that never ends for one that does.
    YAML::LoadAll(std::string(text) + "\n...\n");
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    out.message = fault.msg;
    place(text, cause_of(text, offset_of(text, fault.mark), fault.msg), out.line, out.column);
  }
  if (out.message.find("document indicator") == std::string::npos) return out;
  try {
    place(text, last_scalar(text), out.line, out.column);
    out.message = "this quote never ends";
  } catch (const YAML::Exception&) {
    // A real mark of a document's end stands inside of quotes.
  }
  return out;
}

OpenApi::Shape shape_of(const YAML::Node& node) {
  if (node.IsMap()) return OpenApi::Shape::object;
  if (node.IsSequence()) return OpenApi::Shape::list;
  return node.IsScalar() ? OpenApi::Shape::scalar : OpenApi::Shape::nothing;
}

void read_operations(const YAML::Node& paths, OpenApi& out) {
  for (const auto& path : paths) {
    if (!path.second.IsMap()) {
      // Merged in from an anchor.
      if (path.first.IsScalar() && path.first.Scalar() == "<<") out.complete = false;
      continue;
    }
    if (path.second["$ref"] || path.second["<<"] || (path.first.IsScalar() && path.first.Scalar() == "<<"))
      out.complete = false;
    for (const char* method : kMethods) {
      const YAML::Node operation = path.second[method];
      if (!operation || !operation.IsMap()) continue;
      if (operation["operationId"] && operation["operationId"].IsScalar()) {
        out.operation_ids.insert(operation["operationId"].Scalar());
      } else {
        out.complete = false;
      }
    }
  }
}

}  // namespace

namespace {

// The library's limit for a key, which the language has too, and which not every reader keeps.
constexpr unsigned kLongestKey = 1024;

// Whether something that a deployment fills in stands in that line or the one before it.
bool is_filled_in(std::string_view text, unsigned line) {
  std::size_t begin = 0;
  for (unsigned at = 1; at + 1 < line && begin < text.size(); ++at) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  std::size_t end = text.find('\n', begin);
  if (end != std::string_view::npos && line > 1) end = text.find('\n', end + 1);
  const std::string_view lines = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  for (const std::string_view open : {"{{", "#{", "{#", "${", "$(", "@@", "[[", "{%", "%{", "<%", ": %", ": @"}) {
    if (lines.find(open) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::optional<YamlFault> find_yaml_fault(std::string_view text) {
  std::optional<YamlFault> fault = fault_in(text);
  if (!fault) return fault;
  if (fault->column > kLongestKey || is_filled_in(text, fault->line) || !fault_in(eased(text))) return std::nullopt;
  return fault;
}

std::optional<YamlFault> find_yaml_repeat(std::string_view text) {
  try {
    const std::string easy = eased(text);
    std::vector<YAML::Node> open{YAML::Load(easy)};
    // An anchor's node is seen once per use: no more than this many.
    for (std::size_t seen = 0; !open.empty() && seen < 1000000; ++seen) {
      const YAML::Node node = open.back();
      open.pop_back();
      std::set<std::string> keys;
      for (const auto& entry : node) {
        if (!node.IsMap()) {
          open.push_back(entry);
          continue;
        }
        open.push_back(entry.second);
        if (!entry.first.IsScalar() || entry.first.Scalar() == "<<" || keys.insert(entry.first.Scalar()).second)
          continue;
        YamlFault out{1, 1, entry.first.Scalar()};
        place(easy, offset_of(easy, entry.first.Mark()), out.line, out.column);
        return out;
      }
    }
  } catch (const YAML::Exception&) {
  }
  return std::nullopt;
}

std::optional<OpenApi> read_openapi_yaml(std::string_view text) {
  try {
    const std::string easy = eased(text);
    const YAML::Node root = YAML::Load(easy);
    OpenApi out;
    out.shape = shape_of(root);
    if (!root.IsMap()) return out;
    for (const auto& entry : root) {
      const YAML::Node& key = entry.first;
      const YAML::Node& value = entry.second;
      if (!key.IsScalar()) continue;
      OpenApi::Member member{shape_of(value), value.IsScalar() ? value.Scalar() : std::string(), 1, 1};
      if (key.Mark().line >= 0) place(easy, offset_of(easy, key.Mark()), member.line, member.column);
      out.members.emplace(key.Scalar(), std::move(member));
    }
    if (const YAML::Node paths = root["paths"]; paths && paths.IsMap()) read_operations(paths, out);
    return out;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  }
}

}  // namespace postern::tree
