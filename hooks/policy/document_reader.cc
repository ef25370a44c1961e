// PolicyDocument::parse: a flat pass over the text that never looks back, then one over the tags that builds the tree.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"
#include "hooks/policy/bracket_place.h"
#include "hooks/policy/document.h"
#include "hooks/policy/expression_span.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

constexpr std::size_t kMaxFaults = 100;
constexpr std::uint32_t kMaxExpression = 1U << 20;
constexpr std::uint32_t kColumnStep = 512;
constexpr std::size_t kLookAhead = 200;  // tags that a guess about a missing tag is weighed against

enum : std::uint8_t { kSpace = 1, kNameStart = 2, kNameChar = 4, kTextStop = 8, kValueStop = 16, kIllegal = 32 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    std::uint8_t k = 0;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') k |= kSpace;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c >= 0x80;
    if (letter) k |= kNameStart | kNameChar;
    if ((c >= '0' && c <= '9') || c == '-' || c == '.') k |= kNameChar;
    if (c < 0x20 && !(k & kSpace)) k |= kIllegal;
    for (char s : {'<', '&', '{', '$', '%', '#', '_', '@', '[', ']'})
      if (c == s) k |= kTextStop;
    for (char s : {'<', '&', '{', '$', '%', '#', '_', '@', '[', '"', '\''})
      if (c == s) k |= kValueStop;
    if (k & kIllegal) k |= kTextStop | kValueStop;
    t[static_cast<std::size_t>(c)] = k;
  }
  return t;
}
constexpr std::array<std::uint8_t, 256> kClass = make_classes();

bool is(char c, std::uint8_t what) { return (kClass[static_cast<unsigned char>(c)] & what) != 0; }

}  // namespace

class DocumentReader {
 public:
  explicit DocumentReader(std::string_view text) : text_(text), size_(static_cast<std::uint32_t>(text.size())) {
    document_.text_ = text;
  }

  PolicyDocument read() {
    document_.nodes_.reserve(text_.size() / 48 + 8);
    document_.attributes_.reserve(text_.size() / 64 + 8);
    document_.parts_.reserve(text_.size() / 64 + 8);
    events_.reserve(text_.size() / 40 + 8);
    find_lines();
    check_encoding();
    read_content();
    build_tree();
    check_root();
    std::stable_sort(document_.faults_.begin(), document_.faults_.end(),
                     [](const SyntaxFault& a, const SyntaxFault& b) { return a.range.begin < b.range.begin; });
    return std::move(document_);
  }

 private:
  enum class Tag : std::uint8_t { leaf, start, end };
  struct Event {
    Tag tag = Tag::leaf;
    NodeId node = kNoNode;  // leaf and start
    Range range;            // end: the whole tag
    Range name;             // start and end
  };

  char at(std::uint32_t i) const { return i < size_ ? text_[i] : '\0'; }
  std::string_view view(Range r) const { return text_.substr(r.begin, r.size()); }
  std::uint32_t skip_space(std::uint32_t i) const {
    while (i < size_ && is(text_[i], kSpace)) ++i;
    return i;
  }
  bool starts_expression(std::uint32_t i) const { return at(i) == '@' && (at(i + 1) == '(' || at(i + 1) == '{'); }
  bool at_name(std::uint32_t i) const { return i < size_ && is(text_[i], kNameStart); }
  std::uint32_t name_end(std::uint32_t i) const {
    while (i < size_) {
      if (is(text_[i], kNameChar)) {
        ++i;
      } else if (text_[i] == '{' || text_[i] == '$' || text_[i] == '#') {
        // A placeholder may be part of a name.
        const std::uint32_t length = placeholder_length(text_, i);
        if (length == 0) return i;
        i += length;
      } else {
        return i;
      }
    }
    return i;
  }

  void fault(std::string_view rule, Range range, std::string message, std::string help = {}, NodeId node = kNoNode,
             bool warning = false) {
    if (document_.faults_.size() >= kMaxFaults) return;
    SyntaxFault f;
    f.rule = rule;
    f.range = range;
    f.message = std::move(message);
    f.help = std::move(help);
    f.node = node;
    f.warning = warning;
    document_.faults_.push_back(std::move(f));
    if (document_.faults_.size() == kMaxFaults) {
      document_.faults_.back().message += " (and so many more that the rest of them is not listed)";
    }
  }
  bool full() const { return document_.faults_.size() >= kMaxFaults; }

  void find_lines() {
    auto& lines = document_.lines_;
    lines.reserve(text_.size() / 40 + 2);
    lines.push_back(0);
    std::uint32_t begin = 0;
    while (true) {
      const std::size_t next = text_.find('\n', begin);
      const std::uint32_t end = next == std::string_view::npos ? size_ : static_cast<std::uint32_t>(next);
      if (end - begin > kColumnStep) mark_columns(begin, end);
      if (next == std::string_view::npos) return;
      begin = end + 1;
      lines.push_back(begin);
    }
  }

  void mark_columns(std::uint32_t begin, std::uint32_t end) {
    std::uint32_t at_byte = begin == 0 && text_.starts_with("\xef\xbb\xbf") ? 3 : begin;
    std::uint32_t column = 1;
    std::uint32_t next = at_byte + kColumnStep;
    while (at_byte < end) {
      if (at_byte >= next) {
        document_.columns_.emplace_back(at_byte, column);
        next = at_byte + kColumnStep;
      }
      at_byte = next_column(text_, at_byte, end);
      ++column;
    }
  }

  void check_encoding() {
    if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff")) {
      fault("encoding", {0, 2}, "the file is UTF-16", "save it as UTF-8");
      return;
    }
    if (is_utf8(text_)) return;
    // The first offence is enough: find it line by line, so that the search stays linear.
    const auto& lines = document_.lines_;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::uint32_t begin = lines[i];
      const std::uint32_t end = i + 1 < lines.size() ? lines[i + 1] : size_;
      if (is_utf8(text_.substr(begin, end - begin))) continue;
      std::uint32_t at_byte = begin;
      while (at_byte < end && static_cast<unsigned char>(text_[at_byte]) < 0x80) ++at_byte;
      for (std::uint32_t from = at_byte; from < end && from - at_byte < 4096;) {
        const auto lead = static_cast<unsigned char>(text_[from]);
        const std::uint32_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (!is_utf8(text_.substr(from, std::min(length, end - from)))) {
          at_byte = from;
          break;
        }
        from += length;
      }
      // In a comment it changes nothing for whoever takes the file.
      const std::size_t comment = text_.substr(0, at_byte).rfind("<!--");
      const bool in_comment = comment != std::string_view::npos &&
                              text_.substr(comment, at_byte - comment).find("-->") == std::string::npos;
      fault("encoding", {at_byte, at_byte + 1},
            fmt::format("byte 0x{:02x} is not valid UTF-8", static_cast<unsigned char>(text_[at_byte])),
            "save the file as UTF-8", kNoNode, in_comment);
      return;
    }
  }

  // ---- the flat pass

  NodeId add_node(NodeKind kind, Range range, Range content) {
    Node node;
    node.kind = kind;
    node.range = range;
    node.content = content;
    document_.nodes_.push_back(node);
    const auto id = static_cast<NodeId>(document_.nodes_.size() - 1);
    events_.push_back({Tag::leaf, id, range, {}});
    return id;
  }

  void read_content() {
    std::uint32_t p = text_.starts_with("\xef\xbb\xbf") ? 3 : 0;
    first_ = p;
    bool value_start = false;
    while (p < size_) {
      if (text_[p] != '<') {
        p = read_text(p, value_start);
        value_start = false;
        continue;
      }
      const std::string_view rest = text_.substr(p, 16);
      if (rest.starts_with("<!--")) {
        p = read_comment(p);  // leaves value_start as it was: an expression may follow a comment
      } else if (rest.starts_with("<![CDATA[")) {
        p = read_cdata(p);
        value_start = false;
      } else if (rest.starts_with("<?")) {
        p = read_instruction(p);
      } else if (rest.starts_with("<!")) {
        p = read_doctype(p);
      } else if (rest.starts_with("</")) {
        p = read_end_tag(p);
        value_start = true;
      } else if (at_name(p + 1) || name_end(p + 1) > p + 1) {
        p = read_start_tag(p);
        value_start = true;
      } else if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        add_node(NodeKind::placeholder, {p, p + length}, {p, p + length});
        p += length;
      } else {
        const std::uint32_t begin = p;
        while (p < size_ && text_[p] == '<' && !at_name(p + 1) && at(p + 1) != '/' && at(p + 1) != '!') ++p;
        if (p == begin) ++p;
        fault("xml-syntax", {begin, std::min(p, begin + 1)}, "'<' stands in text and begins no tag",
              "write it as &lt;");
        add_node(NodeKind::text, {begin, p}, {begin, p});
      }
    }
  }

  // Text up to the next `<`, cut into text, expression and placeholder nodes.
  std::uint32_t read_text(std::uint32_t p, bool value_start) {
    std::uint32_t begin = p;
    if (value_start) {
      const std::uint32_t q = skip_space(p);
      if (starts_expression(q)) {
        if (q > p) add_node(NodeKind::text, {p, q}, {p, q});
        return read_text_expression(q);
      }
    }
    while (p < size_) {
      while (p < size_ && !is(text_[p], kTextStop)) ++p;
      if (p >= size_ || text_[p] == '<') break;
      const char c = text_[p];
      if (c == '&') {
        check_entity(p);
        ++p;
      } else if (c == ']') {
        if (at(p + 1) == ']' && at(p + 2) == '>')
          fault("xml-syntax", {p, p + 3}, "']]>' stands outside of a CDATA section", "write it as ]]&gt;");
        ++p;
      } else if (is(c, kIllegal)) {
        p = illegal(p);
      } else if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        if (p > begin) add_node(NodeKind::text, {begin, p}, {begin, p});
        add_node(NodeKind::placeholder, {p, p + length}, {p, p + length});
        p += length;
        begin = p;
      } else {
        ++p;
      }
    }
    if (p > begin) add_node(NodeKind::text, {begin, p}, {begin, p});
    return p;
  }

  std::uint32_t illegal(std::uint32_t p) {
    std::uint32_t q = p;
    while (q < size_ && is(text_[q], kIllegal)) ++q;
    fault("xml-syntax", {p, p + 1},
          fmt::format("character 0x{:02x} is not allowed in XML", static_cast<unsigned char>(text_[p])), "remove it");
    return q;
  }

  void check_entity(std::uint32_t p) {
    const LogicalChar c = logical_char(text_, p, true);
    if (c.entity) {
      if (c.value == '\0') fault("xml-syntax", {p, p + c.length}, "a reference to character 0 is not allowed in XML");
      return;
    }
    std::uint32_t q = p + 1;
    while (q < size_ && q - p < 40 && is(text_[q], kNameChar)) ++q;
    if (q > p + 1 && at(q) == ';')
      fault("xml-syntax", {p, q + 1}, fmt::format("entity {} is not defined", view({p, q + 1})),
            "only &amp; &lt; &gt; &quot; &apos; and numeric references are known");
    else
      fault("xml-syntax", {p, p + 1}, "'&' stands outside of an expression and begins no entity", "write it as &amp;");
  }

  std::uint32_t read_comment(std::uint32_t p) {
    const std::size_t end = comments_end_ ? std::string_view::npos : text_.find("-->", p + 4);
    if (end == std::string_view::npos) {
      comments_end_ = true;
      std::size_t line = text_.find('\n', p);
      const auto stop = line == std::string_view::npos ? size_ : static_cast<std::uint32_t>(line);
      fault("xml-syntax", {p, std::min(p + 4, size_)}, "this comment never ends", "close it with -->");
      add_node(NodeKind::comment, {p, stop}, {std::min(p + 4, stop), stop});
      return stop;
    }
    const auto e = static_cast<std::uint32_t>(end);
    const std::size_t dashes = text_.substr(0, e + 1).find("--", p + 4);
    if (dashes != std::string_view::npos && dashes < e) {
      const bool nested = text_.substr(dashes >= 2 ? dashes - 2 : 0).starts_with("<!--");
      if (nested)
        fault("xml-syntax", {p, p + 4}, "another comment begins before this one ends", "close this one with -->");
      else
        fault("xml-syntax", {static_cast<std::uint32_t>(dashes), static_cast<std::uint32_t>(dashes) + 2},
              "'--' is not allowed inside a comment", "use a single dash");
    } else if (e > p + 4 && text_[e - 1] == '-') {
      fault("xml-syntax", {e - 1, e + 3}, "a comment must not end with '--->'", "write -->");
    }
    add_node(NodeKind::comment, {p, e + 3}, {p + 4, e});
    return e + 3;
  }

  std::uint32_t read_cdata(std::uint32_t p) {
    const std::size_t end = text_.find("]]>", p + 9);
    if (end == std::string_view::npos) {
      fault("xml-syntax", {p, p + 9}, "this CDATA section never ends", "close it with ]]>");
      add_node(NodeKind::cdata, {p, size_}, {p + 9, size_});
      return size_;
    }
    auto e = static_cast<std::uint32_t>(end);
    const std::uint32_t q = skip_space(p + 9);
    if (q < e && starts_expression(q)) {
      ExpressionSpan span = scan_expression(text_, q, std::min(size_, q + kMaxExpression), Enclosure::cdata, false);
      // A `]]>` may be C# (`a[b[0]]>c`): the section ends at the first one behind the expression.
      if (span.outcome == SpanOutcome::closed && span.end > e) {
        const std::size_t later = text_.find("]]>", span.end);
        if (later == std::string_view::npos || skip_space(span.end) != later)
          span = scan_expression(text_, q, e, Enclosure::cdata, false);
        else
          e = static_cast<std::uint32_t>(later);
      } else if (span.end > e) {
        span = scan_expression(text_, q, e, Enclosure::cdata, false);
      }
      add_node(NodeKind::cdata, {p, e + 3}, {p + 9, e});
      const std::uint32_t stop = span.outcome == SpanOutcome::closed ? span.end : e;
      const std::uint32_t index = add_expression(q, stop, span, Enclosure::cdata);
      const NodeId id = add_node(NodeKind::expression, {q, stop}, document_.expressions_[index].code);
      document_.nodes_[id].expression = index;
      return e + 3;
    }
    for (std::uint32_t i = p + 9; i < e; ++i) {
      if (is(text_[i], kIllegal)) {
        illegal(i);
        break;
      }
    }
    add_node(NodeKind::cdata, {p, e + 3}, {p + 9, e});
    return e + 3;
  }

  std::uint32_t read_instruction(std::uint32_t p) {
    const std::size_t end = text_.find("?>", p + 2);
    if (end == std::string_view::npos) {
      fault("xml-syntax", {p, p + 2}, "this processing instruction never ends", "close it with ?>");
      std::uint32_t q = p + 2;
      while (q < size_ && text_[q] != '>' && text_[q] != '\n') ++q;
      add_node(NodeKind::instruction, {p, q}, {p + 2, q});
      return q;
    }
    const auto e = static_cast<std::uint32_t>(end);
    const std::string_view target = text_.substr(p + 2, 4);
    if (target.starts_with("xml") && (target.size() < 4 || is(target[3], kSpace)) && p != first_)
      fault("xml-syntax", {p, p + 5}, "the XML declaration must be the very first thing in the file",
            "move it to the top or remove it");
    add_node(NodeKind::instruction, {p, e + 2}, {p + 2, e});
    return e + 2;
  }

  std::uint32_t read_doctype(std::uint32_t p) {
    std::uint32_t q = p + 2;
    int brackets = 0;
    while (q < size_ && !(text_[q] == '>' && brackets <= 0)) {
      if (text_[q] == '[') ++brackets;
      if (text_[q] == ']') --brackets;
      if (brackets == 0 && text_[q] == '<') break;
      ++q;
    }
    const bool doctype = text_.substr(p).starts_with("<!DOCTYPE");
    if (!doctype) {
      fault("xml-syntax", {p, p + 2}, "'<!' begins neither a comment nor a CDATA section",
            "a comment begins with <!--, a CDATA section with <![CDATA[");
      // Nothing is known about where it was to end.
      const std::uint32_t stop = p + 2;
      add_node(NodeKind::text, {p, stop}, {p, stop});
      return stop;
    }
    const bool closed = q < size_ && text_[q] == '>';
    const std::uint32_t stop = closed ? q + 1 : q;
    const bool subset = view({p, stop}).find('[') != std::string_view::npos;
    if (!closed)
      fault("doctype", {p, p + 9}, "this DOCTYPE never ends", "remove it");
    else if (subset)
      fault("doctype", {p, p + 9}, "a DOCTYPE that declares entities is not read",
            "remove it and write the text itself");
    else
      fault("doctype", {p, p + 9}, "a DOCTYPE has no meaning in a policy document", "remove it", kNoNode, true);
    add_node(NodeKind::doctype, {p, stop}, {p, stop});
    return stop;
  }

  std::uint32_t read_end_tag(std::uint32_t p) {
    const std::uint32_t n = p + 2;
    const std::uint32_t e = name_end(n);
    std::uint32_t q = skip_space(e);
    Event event;
    event.tag = Tag::end;
    event.name = {n, e};
    if (e == n) {
      // `</>` or `</ name>`: said once, and no use is made of it.
      while (q < size_ && text_[q] != '>' && text_[q] != '<') ++q;
      fault("xml-syntax", {p, p + 2}, "an end tag without a name", "write it as </name>");
      event.range = {p, q < size_ && text_[q] == '>' ? q + 1 : q};
      event.name = {n, n};
      events_.push_back(event);
      return event.range.end;
    }
    if (at(q) != '>') {
      const std::uint32_t from = q;
      while (q < size_ && text_[q] != '>' && text_[q] != '<' && text_[q] != '\n') ++q;
      if (at(q) == '>')
        fault("xml-syntax", {from, q}, fmt::format("end tag </{}> holds more than its name", view(event.name)),
              "an end tag takes no attributes");
      else
        fault("xml-syntax", {p, e}, fmt::format("end tag </{}> is not closed by '>'", view(event.name)), "add '>'");
    }
    event.range = {p, at(q) == '>' ? q + 1 : q};
    events_.push_back(event);
    return event.range.end;
  }

  std::uint32_t read_start_tag(std::uint32_t p) {
    Node node;
    node.kind = NodeKind::element;
    const std::uint32_t n = p + 1;
    std::uint32_t q = name_end(n);
    node.name = {n, q};
    node.first_attribute = static_cast<std::uint32_t>(document_.attributes_.size());
    const auto id = static_cast<NodeId>(document_.nodes_.size());
    document_.nodes_.push_back(node);  // keeps its place before what its attributes add
    bool told = false;                 // one finding per tag
    bool unsure = false;
    bool self_closed = false;
    bool spaced = true;
    auto tell = [&](Range range, std::string message, std::string help) {
      unsure = true;
      if (told) return;
      told = true;
      fault("xml-syntax", range, std::move(message), std::move(help));
    };
    std::uint32_t end = size_;
    while (true) {
      const std::uint32_t before = q;
      q = skip_space(q);
      spaced = q > before;
      if (q >= size_) {
        tell({p, node.name.end}, fmt::format("tag <{}> is not closed by '>' before the file ends", view(node.name)),
             "add '>'");
        end = size_;
        break;
      }
      const char c = text_[q];
      if (c == '>') {
        end = q + 1;
        break;
      }
      if (c == '/' && at(q + 1) == '>') {
        self_closed = true;
        end = q + 2;
        break;
      }
      if (const std::uint32_t length = c == '<' || is(c, kNameStart) ? 0 : placeholder_length(text_, q); length != 0) {
        unsure = true;
        q += length;
        continue;
      }
      if (c == '<') {
        if (const std::uint32_t length = placeholder_length(text_, q); length != 0) {
          unsure = true;
          q += length;
          continue;
        }
        tell({p, node.name.end}, fmt::format("tag <{}> is not closed by '>'", view(node.name)), "add '>'");
        end = q;
        break;
      }
      if (!is(c, kNameStart) && view({before, q}).find('\n') != std::string_view::npos) {
        // What stands on another line is not the tag's: its '>' was forgotten where the line ended.
        tell({before - 1, before}, fmt::format("tag <{}> is not closed by '>'", view(node.name)), "add '>'");
        end = before;
        break;
      }
      if (!is(c, kNameStart)) {
        tell({q, q + 1}, fmt::format("{} is not expected in tag <{}>", shown(q), view(node.name)),
             "an attribute is written as name=\"value\"");
        ++q;
        while (q < size_ && !is(text_[q], kSpace) && text_[q] != '>' && text_[q] != '<' && text_[q] != '/') ++q;
        continue;
      }
      Attribute a;
      const std::uint32_t a0 = q;
      q = name_end(q);
      a.name = {a0, q};
      a.first_part = static_cast<std::uint32_t>(document_.parts_.size());
      if (!spaced)
        tell({a0, q}, fmt::format("white space is missing before '{}' in tag <{}>", view(a.name), view(node.name)),
             "is a quote missing, or one too many?");
      const std::uint32_t equals = skip_space(q);
      if (at(equals) != '=') {
        if (const std::uint32_t length = placeholder_length(text_, a0); length != 0) {
          unsure = true;
          q = a0 + length;
          continue;
        }
        tell(a.name, fmt::format("attribute '{}' of <{}> has no value", view(a.name), view(node.name)),
             fmt::format("write {}=\"…\"", view(a.name)));
        a.has_value = false;
        a.value = {q, q};
        a.whole = a.name;
        document_.attributes_.push_back(a);
        continue;
      }
      const std::uint32_t v = skip_space(equals + 1);
      if (at(v) != '"' && at(v) != '\'') {
        tell({a0, q},
             fmt::format("the value of attribute '{}' of <{}> is not in quotes", view(a.name), view(node.name)),
             "put it in double quotes");
        std::uint32_t e = v;
        if (starts_expression(v)) {
          const ExpressionSpan span = scan(v, Enclosure::double_quoted);
          if (span.outcome == SpanOutcome::closed) e = span.end;
        }
        while (e < size_ && !is(text_[e], kSpace) && text_[e] != '>' && text_[e] != '<') ++e;
        if (e > v && text_[e - 1] == '/' && at(e) == '>') --e;
        a.value = {v, e};
        a.whole = {a0, e};
        a.has_value = false;
        document_.attributes_.push_back(a);
        q = e;
        continue;
      }
      a.quote = text_[v];
      bool ends_tag = false;
      q = read_value(id, a, v + 1, told, unsure, ends_tag);
      a.part_count = static_cast<std::uint32_t>(document_.parts_.size()) - a.first_part;
      a.whole = {a0, q};
      for (std::uint32_t i = node.first_attribute; i < document_.attributes_.size(); ++i) {
        if (document_.attributes_.size() - node.first_attribute > 64) break;
        if (view(document_.attributes_[i].name) != view(a.name) || told) continue;
        fault("duplicate-attribute", a.name,
              fmt::format("attribute '{}' of <{}> stands here for the second time", view(a.name), view(node.name)),
              "remove one of them", id);
        break;
      }
      document_.attributes_.push_back(a);
      if (ends_tag) {
        // The value ran into the next tag: `q` is where this tag ends.
        self_closed = q >= 2 && text_[q - 2] == '/';
        end = q;
        break;
      }
    }
    Node& made = document_.nodes_[id];
    made.attribute_count = static_cast<std::uint32_t>(document_.attributes_.size()) - made.first_attribute;
    made.open = {p, end};
    made.range = {p, end};
    made.content = {end, end};
    made.self_closed = self_closed;
    made.attributes_unsure = unsure;
    events_.push_back({self_closed ? Tag::leaf : Tag::start, id, made.open, made.name});
    return end;
  }

  std::string shown(std::uint32_t p) const {
    const char c = at(p);
    if (static_cast<unsigned char>(c) < 0x20) return fmt::format("character 0x{:02x}", static_cast<unsigned char>(c));
    std::uint32_t e = p + 1;
    while (e < size_ && (static_cast<unsigned char>(text_[e]) & 0xc0) == 0x80) ++e;
    return fmt::format("'{}'", view({p, e}));
  }

  void add_part(NodeKind kind, Range range, std::uint32_t expression = 0xffffffff) {
    document_.parts_.push_back({kind, range, expression});
  }

  // True when what follows the quote at `q` can follow an attribute's value.
  bool ends_value(std::uint32_t q) const {
    const char next = at(q + 1);
    if (next == '>' || next == '?') return true;
    if (next == '/') return at(q + 2) == '>';
    if (!is(next, kSpace) || q + 1 >= size_) return false;
    std::uint32_t p = skip_space(q + 1);
    if (at(p) == '>' || (at(p) == '/' && at(p + 1) == '>')) return true;
    if (!at_name(p)) return false;
    p = skip_space(name_end(p));
    if (at(p) != '=') return false;
    p = skip_space(p + 1);
    return at(p) == '"' || at(p) == '\'';
  }

  ExpressionSpan scan(std::uint32_t at_expression, Enclosure enclosure) {
    // What fails is read again by other means; the budget keeps the sum of it linear in the size of the text.
    if (scan_budget_ == 0) {
      ExpressionSpan none;
      none.outcome = SpanOutcome::never_closed;
      none.end = at_expression + 2;
      return none;
    }
    const std::uint32_t limit = size_ - at_expression > kMaxExpression ? at_expression + kMaxExpression : size_;
    ExpressionSpan span = scan_expression(text_, at_expression, limit, enclosure, false);
    if (span.outcome == SpanOutcome::closed) return span;
    const std::uint64_t used = span.end - at_expression;
    scan_budget_ -= std::min<std::uint64_t>(scan_budget_, used);
    return span;
  }

  // What the lines tell about a bracket without a partner; false when they tell nothing. `e.code` ends with the bracket
  // that was to end the expression where that one is left over.
  bool tell_bracket(const Expression& e) {
    const DecodedText code = document_.decoded_code(e);
    const std::uint32_t line = *(std::upper_bound(document_.lines_.begin(), document_.lines_.end(), e.range.begin) - 1);
    std::uint32_t indent = 0;
    while (at(line + indent) == ' ' || at(line + indent) == '\t') ++indent;
    const auto found = find_bracket(code.text, at(e.range.begin + 1), indent);
    if (!found) return false;
    const Range place{code.source(found->begin), code.source(found->end)};
    const char given = found->bracket;
    const bool is_opener = given == '(' || given == '[' || given == '{';
    const char other = given == '('   ? ')'
                       : given == '[' ? ']'
                       : given == '{' ? '}'
                       : given == ')' ? '('
                       : given == ']' ? '['
                                      : '{';
    const bool at_partner = found->begin == found->partner;
    const std::string partner = where(code.source(found->partner));
    if (is_opener)
      fault("expression-balance", place,
            at_partner ? fmt::format("'{}' in the expression is never closed", given)
                       : fmt::format("'{}' is missing here: the '{}' of {} is never closed", other, given, partner),
            fmt::format("add '{}'", other));
    else
      fault("expression-balance", place,
            at_partner ? fmt::format("'{}' in the expression closes nothing", given)
                       : fmt::format("'{}' is missing here: the '{}' of {} closes nothing", other, given, partner),
            at_partner ? std::string("remove it, or add the bracket that it was to close")
                       : fmt::format("add '{}', or remove the '{}'", other, given));
    return true;
  }

  // Where an expression that was closed at `end` was to end if a bracket in it is one too many: the last bracket of its
  // kind before `stop`; 0 when what follows is no code.
  std::uint32_t surplus_end(std::uint32_t begin, std::uint32_t end, std::uint32_t stop) {
    const char open = at(begin + 1);
    const char close = open == '{' ? '}' : ')';
    while (stop > end && is(text_[stop - 1], kSpace)) --stop;
    if (stop <= end || text_[stop - 1] != close || stop - end > scan_budget_) return 0;
    scan_budget_ -= stop - end;
    int depth = 0;
    for (std::uint32_t i = end; i < stop; ++i) {
      if (text_[i] == open) ++depth;
      if (text_[i] == close) --depth;
      if (starts_expression(i)) return 0;
    }
    return depth < 0 ? stop : 0;
  }

  std::uint32_t add_expression(std::uint32_t begin, std::uint32_t end, const ExpressionSpan& span, Enclosure enclosure,
                               bool surplus = false) {
    Expression e;
    e.range = {begin, end};
    e.block = at(begin + 1) == '{';
    e.complete = span.outcome == SpanOutcome::closed;
    e.code = {std::min(begin + 2, end), e.complete ? end - 1 : end};
    if (e.code.end < e.code.begin) e.code.end = e.code.begin;
    e.in_cdata = enclosure == Enclosure::cdata;
    e.balanced = span.unbalanced.size() == 0 && e.complete;
    const char* open = e.block ? "@{" : "@(";
    const char close = e.block ? '}' : ')';
    if (span.outcome == SpanOutcome::open_literal) {
      const bool is_comment = span.literal == "comment";
      fault("expression-balance", span.fault, fmt::format("this {} in the expression never ends", span.literal),
            is_comment                 ? "close it with */"
            : span.literal == "string" ? "close it with a double quote on the same line; @\"…\" may span lines"
                                       : "a character literal holds one character: 'x' or '\\n'");
    } else if (surplus) {
      Expression whole = e;
      whole.code.end = end;
      if (!tell_bracket(whole))
        fault("expression-balance", {span.end - 1, span.end},
              fmt::format("'{}' ends the expression here, and more of it follows", close),
              "remove it, or add the bracket that it was to close");
      e.balanced = false;
    } else if ((span.unbalanced.size() != 0 || !e.complete) && tell_bracket(e)) {
      // said
    } else if (span.unbalanced.size() != 0) {
      const char bracket = text_[span.unbalanced.begin];
      if (span.unbalanced_opener)
        fault("expression-balance", span.unbalanced, fmt::format("'{}' in the expression is never closed", bracket),
              fmt::format("add '{}'", bracket == '('   ? ')'
                                      : bracket == '[' ? ']'
                                                       : '}'));
      else
        fault("expression-balance", span.unbalanced, fmt::format("'{}' in the expression closes nothing", bracket),
              "remove it, or add the bracket that it was to close");
    } else if (!e.complete) {
      fault("expression-balance", {begin, begin + 2},
            fmt::format("the expression that begins with {} is never closed", open),
            fmt::format("add the missing '{}'", close));
    } else if (span.line_break) {
      fault("expression-balance", {span.line_break_in, span.line_break_in + 1},
            "a string in the expression runs over a line break", "write \\n in it, or use a verbatim string @\"…\"",
            kNoNode, true);
    }
    document_.expressions_.push_back(e);
    return static_cast<std::uint32_t>(document_.expressions_.size() - 1);
  }

  void unclosed_value(const Attribute& a, bool& told, bool& unsure) {
    if (!told)
      fault("xml-syntax", a.name, fmt::format("the value of attribute '{}' is never closed", view(a.name)),
            fmt::format("add a {}", a.quote == '"' ? "double quote" : "single quote"));
    told = true;
    unsure = true;
  }

  // Where the tag ends when the quote at `q` cannot end the value that began at `v`, because the value's own quote was
  // forgotten before a '>' lines above; 0 when it can.
  std::uint32_t forgotten_quote(std::uint32_t v, std::uint32_t q) const {
    if (ends_value(q)) return 0;
    const std::string_view value = view({v, q});
    const std::size_t end = value.find('>');
    if (end == std::string_view::npos || value.find('\n', end) == std::string_view::npos) return 0;
    const bool empty_tag = end > 0 && value[end - 1] == '/';
    return v + static_cast<std::uint32_t>(end) - (empty_tag ? 1 : 0);
  }

  // A value from behind its opening quote to behind its closing quote; fills value and parts.
  std::uint32_t read_value(NodeId element, Attribute& a, std::uint32_t v, bool& told, bool& unsure, bool& ends_tag) {
    const char quote = a.quote;
    const Enclosure enclosure = quote == '"' ? Enclosure::double_quoted : Enclosure::single_quoted;
    const std::uint32_t e0 = skip_space(v);
    if (starts_expression(e0)) {
      ExpressionSpan span = scan(e0, enclosure);
      if (span.outcome != SpanOutcome::closed && scan_budget_ != 0 && span.literal == "string") {
        // An attribute's line breaks become blanks when XML is read, so such a string may yet be one.
        const std::uint32_t limit = size_ - e0 > kMaxExpression ? e0 + kMaxExpression : size_;
        ExpressionSpan other = scan_expression(text_, e0, limit, enclosure, true);
        scan_budget_ -= std::min<std::uint64_t>(scan_budget_, other.end - e0);
        const std::uint32_t t = skip_space(other.end);
        if (other.outcome == SpanOutcome::closed && other.unbalanced.size() == 0 && at(t) == quote && ends_value(t))
          span = other;
      }
      if (span.outcome == SpanOutcome::closed) {
        const std::uint32_t t = skip_space(span.end);
        if (at(t) == quote) {
          if (e0 > v) add_part(NodeKind::text, {v, e0});
          attach(element, add_expression(e0, span.end, span, enclosure));
          if (t > span.end) add_part(NodeKind::text, {span.end, t});
          a.value = {v, t};
          return t + 1;
        }
      }
      // The value ends at the first quote that something follows which can follow a value.
      std::uint32_t t = span.outcome == SpanOutcome::closed ? span.end : e0 + 2;
      const std::uint32_t stop = find_value_end(t, quote);
      const std::uint32_t value_end = stop;
      if (e0 > v) add_part(NodeKind::text, {v, e0});
      if (span.outcome == SpanOutcome::closed && stop < size_) {
        if (const std::uint32_t end = surplus_end(e0, span.end, stop); end != 0) {
          attach(element, add_expression(e0, end, span, enclosure, true));
          a.value = {v, value_end};
          told = true;
          return stop + 1;
        }
      }
      const bool closed = span.outcome == SpanOutcome::closed && span.end <= value_end;
      if (!closed && span.outcome == SpanOutcome::closed) span.outcome = SpanOutcome::never_closed;
      if (span.outcome == SpanOutcome::open_literal && span.fault.begin >= value_end) {
        span.outcome = SpanOutcome::never_closed;
        span.unbalanced = {};
      }
      if (span.outcome == SpanOutcome::never_closed && span.unbalanced.begin >= value_end) span.unbalanced = {};
      const std::uint32_t expression_end = closed ? span.end : value_end;
      const bool had_fault = !closed || span.unbalanced.size() != 0;
      attach(element, add_expression(e0, expression_end, span, enclosure));
      if (closed) {
        add_part(NodeKind::text, {span.end, value_end});
        if (!had_fault) trailing(skip_space(span.end), value_end);
        document_.expressions_.back().balanced = false;  // what C# would say of it is beside the point
      }
      a.value = {v, value_end};
      if (stop >= size_) unsure = true;
      told = true;
      return std::min(stop + 1, size_);
    }
    // A literal: up to the quote, cut at placeholders.
    std::uint32_t p = v;
    std::uint32_t begin = v;
    auto flush = [&](std::uint32_t end) {
      if (end > begin) add_part(NodeKind::text, {begin, end});
    };
    while (p < size_) {
      while (p < size_ && !is(text_[p], kValueStop)) ++p;
      if (p >= size_) break;
      const char c = text_[p];
      if (c == quote) {
        if (const std::uint32_t end = forgotten_quote(v, p); end != 0) {
          unclosed_value(a, told, unsure);
          flush(std::max(begin, end));
          a.value = {v, std::max(v, end)};
          ends_tag = true;
          return at(end) == '/' ? end + 2 : end + 1;
        }
        flush(p);
        a.value = {v, p};
        return p + 1;
      }
      if (c == '<') {
        if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
          flush(p);
          add_part(NodeKind::placeholder, {p, p + length});
          p += length;
          begin = p;
          continue;
        }
        // Either a raw `<` in a value that ends on this line, or a quote that was forgotten.
        std::uint32_t q = p;
        while (q < size_ && text_[q] != quote && text_[q] != '\n') ++q;
        std::uint32_t before = p;
        while (before > v && is(text_[before - 1], kSpace)) --before;
        const bool tag_ended = before > v && text_[before - 1] == '>';
        if (at(q) == quote && ends_value(q) && !tag_ended) {
          if (!told)
            fault("xml-syntax", {p, p + 1}, fmt::format("'<' stands in the value of attribute '{}'", view(a.name)),
                  "write it as &lt;");
          told = true;
          flush(q);
          a.value = {v, q};
          return q + 1;
        }
        unclosed_value(a, told, unsure);
        const std::uint32_t end = tag_ended ? (before >= 2 && text_[before - 2] == '/' ? before - 2 : before - 1) : p;
        flush(std::max(begin, end));
        a.value = {v, std::max(v, end)};
        ends_tag = true;
        return tag_ended ? before : p;
      }
      if (c == '&') {
        check_entity(p);
        ++p;
      } else if (is(c, kIllegal)) {
        p = illegal(p);
      } else if (c == '"' || c == '\'') {
        ++p;
      } else if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        // Not over the end of the value: `{{a" b="}}` is no placeholder.
        const std::string_view inside = text_.substr(p, length);
        const bool liquid = inside.starts_with("{{") || inside.starts_with("{%");
        if (inside.find(quote) != std::string_view::npos && !liquid && !inside.starts_with("${") &&
            !inside.starts_with("%{")) {
          ++p;
          continue;
        }
        if (inside.find(quote) != std::string_view::npos && inside.find('>') != std::string_view::npos) {
          ++p;
          continue;
        }
        flush(p);
        add_part(NodeKind::placeholder, {p, p + length});
        p += length;
        begin = p;
      } else {
        ++p;
      }
    }
    unclosed_value(a, told, unsure);
    flush(size_);
    a.value = {v, size_};
    return size_;
  }

  void attach(NodeId element, std::uint32_t index) {
    document_.expressions_[index].element = element;
    document_.expressions_[index].attribute = static_cast<std::uint32_t>(document_.attributes_.size());
    add_part(NodeKind::expression, document_.expressions_[index].range, index);
  }

  // The offset of the quote that plausibly ends a value whose expression could not be read; size_ when there is none.
  std::uint32_t find_value_end(std::uint32_t p, char quote) {
    if (p >= no_value_end_) return size_;
    for (std::uint32_t q = p; q < size_; ++q) {
      if (text_[q] == quote && ends_value(q)) return q;
    }
    no_value_end_ = std::min(no_value_end_, p);
    return size_;
  }

  // What follows a complete expression in the same value.
  void trailing(std::uint32_t p, std::uint32_t end) {
    while (end > p && is(text_[end - 1], kSpace)) --end;
    if (p >= end) return;
    if (text_[p] == ')' || text_[p] == '}' || text_[p] == ']') {
      fault("expression-balance", {p, p + 1},
            fmt::format("'{}' closes nothing: the expression has ended before it", text_[p]),
            "remove it, or add the bracket that it was to close");
      return;
    }
    fault("expression-text", {p, end}, "text follows the expression in the same value",
          "an expression must be the whole value: put the text inside it", kNoNode, true);
  }

  // Where the end tag of the element that was opened last stands behind `from`; `from` when it is not found.
  std::uint32_t element_end(std::uint32_t from) {
    std::size_t i = events_.size();
    while (i > 0 && events_[i - 1].tag == Tag::leaf && events_.size() - i < 8) --i;
    if (i == 0 || events_[i - 1].tag != Tag::start) return from;
    const std::string tag = fmt::format("</{}", view(events_[i - 1].name));
    const std::size_t end = text_.substr(0, from + std::min<std::uint64_t>(scan_budget_, size_ - from)).find(tag, from);
    const std::size_t seen = end == std::string_view::npos ? size_ : end;
    scan_budget_ -= std::min<std::uint64_t>(scan_budget_, seen - from);
    return end == std::string_view::npos ? from : static_cast<std::uint32_t>(end);
  }

  std::uint32_t read_text_expression(std::uint32_t q) {
    ExpressionSpan span = scan(q, Enclosure::element_text);
    std::uint32_t end = span.end;
    if (span.outcome == SpanOutcome::closed) {
      std::uint32_t after = skip_space(end);
      const bool more = at(after) != '<' && after < size_;
      const std::uint32_t whole = more ? surplus_end(q, end, element_end(end)) : 0;
      if (whole != 0) end = whole;
      const std::uint32_t index = add_expression(q, end, span, Enclosure::element_text, whole != 0);
      const NodeId id = add_node(NodeKind::expression, {q, end}, document_.expressions_[index].code);
      document_.nodes_[id].expression = index;
      if (more && whole == 0) {
        // Text behind it, up to the next tag.
        std::uint32_t stop = after;
        while (stop < size_ && text_[stop] != '<') ++stop;
        if (span.unbalanced.size() == 0 && placeholder_length(text_, after) == 0) trailing(after, stop);
        document_.expressions_[index].balanced = false;
        add_node(NodeKind::text, {end, stop}, {end, stop});
        return stop;
      }
      return end;
    }
    // It never ends: take it up to the next end tag, and go on from there.
    std::uint32_t stop = q + 2;
    while (stop < size_ && !(text_[stop] == '<' && at(stop + 1) == '/' && (at_name(stop + 2)))) ++stop;
    if (span.outcome == SpanOutcome::open_literal && span.fault.begin >= stop) span.outcome = SpanOutcome::never_closed;
    if (span.unbalanced.begin >= stop) span.unbalanced = {};
    const std::uint32_t index = add_expression(q, stop, span, Enclosure::element_text);
    const NodeId id = add_node(NodeKind::expression, {q, stop}, document_.expressions_[index].code);
    document_.nodes_[id].expression = index;
    return stop;
  }

  // ---- the tree

  void link(NodeId id, NodeId parent) {
    Node& node = document_.nodes_[id];
    node.parent = parent;
    if (parent == kNoNode) return;
    Node& above = document_.nodes_[parent];
    node.depth = above.depth + 1;
    if (above.first_child == kNoNode)
      above.first_child = id;
    else
      document_.nodes_[above.last_child].next = id;
    above.last_child = id;
    if (node.kind == NodeKind::expression) document_.expressions_[node.expression].element = parent;
  }

  void close(NodeId id, std::uint32_t content_end, std::uint32_t end) {
    Node& node = document_.nodes_[id];
    node.content.end = std::max(node.content.begin, content_end);
    node.range.end = end;
  }

  // How badly the tags from event `from` on would fit if these elements were open: the number of missing or stray tags
  // within the look-ahead.
  std::size_t misfit(std::vector<Range> open, std::size_t from) const {
    std::size_t cost = 0;
    std::size_t seen = 0;
    std::size_t i = from;
    for (; i < events_.size() && seen < kLookAhead && cost < 64; ++i) {
      const Event& event = events_[i];
      if (event.tag == Tag::leaf) continue;
      ++seen;
      if (event.tag == Tag::start) {
        open.push_back(event.name);
        continue;
      }
      if (!open.empty() && view(open.back()) == view(event.name)) {
        open.pop_back();
        continue;
      }
      std::size_t match = open.size();
      while (match > 0 && view(open[match - 1]) != view(event.name)) --match;
      if (match == 0) {
        ++cost;
      } else {
        cost += open.size() - match;
        open.resize(match - 1);
      }
    }
    if (i >= events_.size()) cost += open.size();
    return cost;
  }

  std::string where(std::uint32_t offset) const { return fmt::format("line {}", document_.position(offset).line); }

  void unclosed(NodeId id, std::string_view before) {
    Node& node = document_.nodes_[id];
    node.closed = false;
    fault("unclosed-tag", {node.open.begin, node.name.end},
          fmt::format("<{}> is never closed{}", view(node.name), before), fmt::format("add </{}>", view(node.name)),
          id);
  }

  void build_tree() {
    std::vector<NodeId> open;
    std::uint32_t too_deep = 0;  // start tags that were left out
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const Event& event = events_[i];
      const NodeId parent = open.empty() ? kNoNode : open.back();
      if (event.tag == Tag::leaf) {
        link(event.node, parent);
        if (document_.nodes_[event.node].kind == NodeKind::element) top_level(event.node, parent);
        continue;
      }
      if (event.tag == Tag::start) {
        if (open.size() >= PolicyDocument::kMaxDepth) {
          if (!deep_told_)
            fault("xml-syntax", {event.range.begin, event.name.end},
                  fmt::format("elements are nested deeper than {}", PolicyDocument::kMaxDepth));
          deep_told_ = true;
          ++too_deep;
          continue;
        }
        link(event.node, parent);
        top_level(event.node, parent);
        open.push_back(event.node);
        continue;
      }
      if (too_deep > 0) {
        --too_deep;
        continue;
      }
      if (!open.empty() && view(document_.nodes_[open.back()].name) == view(event.name)) {
        document_.nodes_[open.back()].end_name = event.name;
        close(open.back(), event.range.begin, event.range.end);
        open.pop_back();
        continue;
      }
      mismatch(open, i);
    }
    at_end(open);
  }

  void top_level(NodeId id, NodeId parent) {
    if (parent != kNoNode) return;
    if (document_.root_ == kNoNode)
      document_.root_ = id;
    else if (!second_root_told_) {
      second_root_told_ = true;
      fault("document-root", {document_.nodes_[id].open.begin, document_.nodes_[id].name.end},
            fmt::format("<{}> stands behind the end of the root element <{}>", view(document_.nodes_[id].name),
                        view(document_.nodes_[document_.root_].name)),
            "a document has one root element");
    }
  }

  void mismatch(std::vector<NodeId>& open, std::size_t i) {
    const Event& event = events_[i];
    std::size_t match = open.size();
    while (match > 0 && view(document_.nodes_[open[match - 1]].name) != view(event.name)) --match;
    if (full()) {
      // Past the limit nothing is told any more; the cheapest reading will do.
      if (match > 0 && open.size() - match < 8) open.resize(match - 1);
      return;
    }
    if (open.empty()) return stray(event, kNoNode);
    std::vector<Range> names;
    names.reserve(open.size());
    for (NodeId id : open) names.push_back(document_.nodes_[id].name);
    constexpr std::size_t kNever = 1000000;
    // Three readings: the inner elements lack their end tags; this end tag is one too many; it is misnamed.
    std::size_t missing = kNever;
    if (match > 0) {
      std::vector<Range> rest(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(match - 1));
      missing = misfit(std::move(rest), i + 1) + (open.size() - match);
    }
    const std::size_t surplus = misfit(names, i + 1) + 1;
    names.pop_back();
    std::size_t misnamed = misfit(std::move(names), i + 1) + 1;
    const bool alike = is_alike(view(document_.nodes_[open.back()].name), view(event.name)) || event.name.size() == 0;
    if (event.name.size() == 0) misnamed = 0;
    if (misnamed < missing && misnamed <= surplus && (alike || misnamed < surplus)) {
      const NodeId id = open.back();
      Node& node = document_.nodes_[id];
      node.end_name = event.name;
      if (event.name.size() != 0)
        fault("mismatched-tag", {event.range.begin, event.name.end},
              fmt::format("end tag </{}> does not match <{}>, opened on {}", view(event.name), view(node.name),
                          where(node.open.begin)),
              fmt::format("write </{}>", view(node.name)), id);
      close(id, event.range.begin, event.range.end);
      open.pop_back();
      return;
    }
    if (missing <= surplus) {
      for (std::size_t k = open.size(); k-- > match;) {
        close(open[k], event.range.begin, event.range.begin);
        unclosed(open[k], fmt::format(" before </{}> on {}", view(event.name), where(event.range.begin)));
      }
      document_.nodes_[open[match - 1]].end_name = event.name;
      close(open[match - 1], event.range.begin, event.range.end);
      open.resize(match - 1);
      return;
    }
    stray(event, open.back());
  }

  void stray(const Event& event, NodeId parent) {
    document_.stray_ends_.push_back({event.name, parent});
    std::string inside;
    if (parent != kNoNode)
      inside = fmt::format("; open here is <{}>, from {}", view(document_.nodes_[parent].name),
                           where(document_.nodes_[parent].open.begin));
    fault("mismatched-tag", {event.range.begin, event.name.end},
          fmt::format("end tag </{}> closes nothing{}", view(event.name), inside),
          "remove it, or add the start tag that it was to close");
  }

  void at_end(std::vector<NodeId>& open) {
    if (open.empty()) return;
    for (NodeId id : open) {
      document_.nodes_[id].closed = false;
      close(id, size_, size_);
    }
    // One mistake: the file was cut, or one end tag is missing. The others are named, not told one by one.
    std::string more;
    if (open.size() > 1) {
      more = ", nor ";
      std::size_t shown_count = 0;
      for (std::size_t k = open.size() - 1; k-- > 0 && shown_count < 5; ++shown_count)
        more += fmt::format("{}<{}> from {}", shown_count == 0 ? "" : ", ", view(document_.nodes_[open[k]].name),
                            where(document_.nodes_[open[k]].open.begin));
      if (open.size() > 6) more += fmt::format(" and {} more", open.size() - 6);
    }
    unclosed(open.back(), " before the file ends" + more);
  }

  void check_root() {
    if (document_.root_ == kNoNode) {
      fault("document-root", {first_, std::min(first_ + 1, size_)},
            size_ == first_ ? "the file is empty" : "there is no element in this file",
            "a policy document has the root <policies> or <fragment>");
      return;
    }
    for (const Node& node : document_.nodes_) {
      if (node.parent != kNoNode || (node.kind != NodeKind::text && node.kind != NodeKind::cdata)) continue;
      const std::uint32_t p = skip_space(node.range.begin);
      if (p >= node.range.end) continue;
      // Before the unclosed or stray tags that put it here were told, this is their consequence.
      if (!document_.stray_ends_.empty() || second_root_told_) break;
      fault("xml-syntax", {p, p + 1}, "text stands outside of the root element", "remove it");
      break;
    }
  }

  std::string_view text_;
  std::uint32_t size_;
  std::uint32_t first_ = 0;
  PolicyDocument document_;
  std::vector<Event> events_;
  std::uint64_t scan_budget_ = std::uint64_t{8} << 20;
  std::uint32_t no_value_end_ = 0xffffffff;
  bool comments_end_ = false;
  bool deep_told_ = false;
  bool second_root_told_ = false;
};

PolicyDocument PolicyDocument::parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    PolicyDocument document;
    document.text_ = text.substr(0, 0);
    document.lines_ = {0};
    SyntaxFault f;
    f.rule = "document-size";
    f.message = fmt::format("the file has {} bytes; more than {} are not read", text.size(), kMaxBytes);
    document.faults_.push_back(std::move(f));
    return document;
  }
  return DocumentReader(text).read();
}

}  // namespace postern::policy
