#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "hooks/template/specification.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

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

std::string_view line_at(std::string_view text, std::size_t begin) {
  return text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
}

// Where in a line a quoted text of that quote opens; npos: nowhere.
std::size_t opening_quote(std::string_view line, char quote) {
  for (std::size_t at = line.find(quote); at != std::string_view::npos; at = line.find(quote, at + 1)) {
    std::size_t before = at;
    while (before > 0 && line[before - 1] == ' ') --before;
    if (before == 0 || std::string_view(":-,[{").find(line[before - 1]) != std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

// A quote that was lost at the end of its text makes the library read on to the next one, lines below. The opening one,
// where the fault's line has such a quote and a line above it holds one that nothing closes; `at` where there is none.
std::size_t unclosed_quote(std::string_view text, std::size_t at, bool at_end) {
  constexpr int kMostLines = 300;
  const std::size_t fault = line_begin(text, at);
  for (const char quote : {'"', '\''}) {
    if (!at_end && line_at(text, fault).find(quote) == std::string_view::npos) continue;
    bool closed = false;
    std::size_t begin = fault;
    for (int lines = 0; lines < kMostLines && begin > 0; ++lines) {
      begin = line_begin(text, begin - 1);
      const std::string_view line = line_at(text, begin);
      if (std::count(line.begin(), line.end(), quote) % 2 == 0) continue;
      const std::size_t open = opening_quote(line, quote);
      if (open == std::string_view::npos) {
        closed = true;
      } else if (!std::exchange(closed, false)) {
        return begin + open;
      }
    }
  }
  return at;
}

// A bracket that the line above the fault's leaves open; `at` where there is none.
std::size_t open_bracket_above(std::string_view text, std::size_t at) {
  const std::size_t fault = line_begin(text, at);
  if (fault == 0) return at;
  const std::size_t begin = line_begin(text, fault - 1);
  const std::string_view line = line_at(text, begin);
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '[' || line[i] == '{') open.push_back(begin + i);
    if ((line[i] == ']' || line[i] == '}') && !open.empty()) open.pop_back();
  }
  return open.empty() ? at : open.back();
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
  if (message.find("illegal block entry") != std::string::npos) return open_bracket_above(text, at);
  const bool is_end = message.find("document indicator") != std::string::npos;
  if (const std::size_t quote = unclosed_quote(text, at, is_end); quote != at) return quote;
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

// Builds the tree of the first document; of others it only sees that they parse.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const PlaceTable& places) : places_(places) {}

  SpecTree take() { return std::move(tree_); }
  std::optional<YamlFault> take_repeat() { return std::move(repeat_); }
  // Where the last scalar began; nullopt: there is none.
  std::optional<TextPlace> last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark&) override { ++document_; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, SpecTree::Kind::nothing, {});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (document_ > 1) return;
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end() || open_.empty()) {
      leaf(mark, 0, SpecTree::Kind::nothing, {});
    } else if (takes_key()) {
      set_key({}, mark);
    } else {
      attach(known->second, mark);
    }
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    last_scalar_ = place(mark);
    leaf(mark, anchor, SpecTree::Kind::scalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor, SpecTree::Kind::list);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor, SpecTree::Kind::object);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    std::uint32_t node = 0;
    bool has_key = false;
    bool is_key = false;  // the collection itself is a key
    std::string key;
    TextPlace key_at;
  };

  TextPlace place(const YAML::Mark& mark) const {
    if (mark.line < 0) return {};
    // The library counts bytes in a line.
    return places_.at(places_.line_begin(static_cast<std::size_t>(mark.line)) +
                      static_cast<std::size_t>(std::max(mark.column, 0)));
  }
  SpecTree::Kind kind_of(const Frame& frame) { return tree_.nodes()[frame.node].kind; }
  bool takes_key() {
    return !open_.empty() && kind_of(open_.back()) == SpecTree::Kind::object && !open_.back().has_key;
  }
  void set_key(std::string key, const YAML::Mark& mark) {
    open_.back().key = std::move(key);
    open_.back().key_at = place(mark);
    open_.back().has_key = true;
  }
  // Hangs a node where the next value goes.
  void attach(std::uint32_t node, const YAML::Mark& mark) {
    Frame& frame = open_.back();
    const bool in_map = kind_of(frame) == SpecTree::Kind::object;
    tree_.nodes()[frame.node].members.push_back(
        {in_map ? std::move(frame.key) : std::string(), in_map ? frame.key_at : place(mark), node});
    frame.key.clear();
    frame.has_key = false;
  }
  std::uint32_t make(const YAML::Mark& mark, YAML::anchor_t anchor, SpecTree::Kind kind, std::string text) {
    std::uint32_t index = 0;  // the root is there from the beginning
    if (started_) {
      index = static_cast<std::uint32_t>(tree_.nodes().size());
      tree_.nodes().emplace_back();
    }
    started_ = true;
    SpecTree::Node& node = tree_.nodes()[index];
    node.kind = kind;
    node.text = std::move(text);
    node.at = place(mark);
    if (anchor != 0) anchors_[anchor] = index;
    return index;
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, SpecTree::Kind kind, std::string text) {
    if (document_ > 1) return;
    if (takes_key()) {
      if (anchor != 0) make(mark, anchor, kind, text);
      set_key(std::move(text), mark);
      return;
    }
    const std::uint32_t node = make(mark, anchor, kind, std::move(text));
    if (!open_.empty()) attach(node, mark);
  }
  void begin(const YAML::Mark& mark, YAML::anchor_t anchor, SpecTree::Kind kind) {
    if (document_ > 1) return;
    const bool is_key = takes_key();
    if (is_key) set_key({}, mark);
    const std::uint32_t node = make(mark, anchor, kind, {});
    if (!is_key && !open_.empty()) attach(node, mark);
    open_.push_back({node, false, is_key, {}, {}});
  }
  void end() {
    if (document_ > 1) return;
    if (kind_of(open_.back()) == SpecTree::Kind::object) find_repeat(tree_.nodes()[open_.back().node].members);
    open_.pop_back();
  }
  void find_repeat(const std::vector<SpecTree::Member>& members) {
    std::vector<const SpecTree::Member*> sorted;
    for (const SpecTree::Member& each : members)
      if (!each.key.empty() && each.key != "<<") sorted.push_back(&each);
    // Those of one key stay in their order: they stand one behind the other.
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
      const int order = a->key.compare(b->key);
      return order != 0 ? order < 0 : a < b;
    });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      const TextPlace at = sorted[i]->at;
      if (sorted[i]->key != sorted[i - 1]->key) continue;
      if (repeat_ && std::pair(repeat_->line, repeat_->column) <= std::pair(at.line, at.column)) continue;
      repeat_ = YamlFault{at.line, at.column, sorted[i]->key};
    }
  }

  const PlaceTable& places_;
  SpecTree tree_;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, std::uint32_t> anchors_;
  std::optional<YamlFault> repeat_;
  std::optional<TextPlace> last_scalar_;
  bool started_ = false;
  int document_ = 0;
};

void parse_into(std::string text, Builder& builder) {
  std::istringstream stream(std::move(text));
  YAML::Parser parser(stream);
  while (parser.HandleNextDocument(builder)) {
  }
}

// The end of the document is written out, since the library takes a quote that never ends for one that does.
constexpr std::string_view kEnd = "\n...\n";

std::optional<YamlFault> fault_in(std::string_view text) {
  const PlaceTable places(text);
  YamlFault out;
  try {
    Builder builder(places);
    parse_into(std::string(text) + std::string(kEnd), builder);
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    const std::size_t at = cause_of(text, offset_of(text, fault.mark), fault.msg);
    const bool at_quote = at < text.size() && (text[at] == '"' || text[at] == '\'');
    const bool at_end = fault.msg.find("document indicator") != std::string::npos;
    out.message = at_end && at_quote ? "this quote never ends" : fault.msg;
    place(text, at, out.line, out.column);
  }
  if (out.message.find("document indicator") == std::string::npos) return out;
  try {
    Builder builder(places);
    parse_into(std::string(text), builder);
    const TextPlace at = builder.last_scalar().value_or(TextPlace());
    out = {at.line, at.column, "this quote never ends"};
  } catch (const YAML::Exception&) {
    // A real mark of a document's end stands inside of quotes.
  }
  return out;
}

}  // namespace

namespace {

// The library's limit for a key, which the language has too, and which not every reader keeps.
constexpr unsigned kLongestKey = 1024;

// The same text, byte for byte as long, with a word for each placeholder.
std::string filled_in(std::string text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t length = placeholder_length(std::string_view(text).substr(at));
    if (length == 0) continue;
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), length, 'x');
    at += length - 1;
  }
  return text;
}

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

YamlText read_yaml(std::string_view text) {
  YamlText out;
  const auto try_text = [&out](const std::string& easy) {
    try {
      const PlaceTable places(easy);
      Builder builder(places);
      parse_into(easy + std::string(kEnd), builder);
      out.repeat = builder.take_repeat();
      out.tree = builder.take();
      return true;
    } catch (const YAML::Exception&) {
      return false;
    }
  };
  const std::string easy = eased(text);
  if (try_text(easy) || try_text(filled_in(easy))) return out;
  out.fault = fault_in(text);
  if (out.fault && (out.fault->column > kLongestKey || is_filled_in(text, out.fault->line))) out.fault.reset();
  return out;
}

std::optional<YamlFault> find_yaml_fault(std::string_view text) { return read_yaml(text).fault; }

}  // namespace postern::tree
