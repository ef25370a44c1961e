// PolicyDocument::parse: a flat pass over the text that never looks back (here, and document_values.h for what tags
// hold), then one over the tags that builds the tree (document_tree.h).
#include <fmt/core.h>

#include <algorithm>

#include "hooks/policy/document_draft.h"
#include "hooks/policy/document_tree.h"
#include "hooks/policy/document_values.h"

namespace postern::policy {
namespace {

using xml::is;
using xml::kIllegal;
using xml::kNameChar;
using xml::kNameStart;
using xml::kSpace;
using xml::kTextStop;

class TextReader {
 public:
  explicit TextReader(DocumentDraft& draft) : d_(draft), values_(draft), text_(draft.text()), size_(draft.size()) {}

  void read_content() {
    std::uint32_t p = d_.first();
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
      } else if (d_.at_name(p + 1) || d_.name_end(p + 1) > p + 1) {
        p = read_start_tag(p);
        value_start = true;
      } else if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        d_.add_node(NodeKind::placeholder, {p, p + length}, {p, p + length});
        p += length;
      } else {
        const std::uint32_t begin = p;
        while (p < size_ && text_[p] == '<' && !d_.at_name(p + 1) && d_.at(p + 1) != '/' && d_.at(p + 1) != '!') ++p;
        if (p == begin) ++p;
        d_.fault("xml-syntax", {begin, std::min(p, begin + 1)}, "'<' stands in text and begins no tag",
                 "write it as &lt;");
        d_.add_node(NodeKind::text, {begin, p}, {begin, p});
      }
    }
  }

 private:
  // Text up to the next `<`, cut into text, expression and placeholder nodes.
  std::uint32_t read_text(std::uint32_t p, bool value_start) {
    std::uint32_t begin = p;
    if (value_start) {
      const std::uint32_t q = skip_blank(text_, p);
      if (d_.starts_expression(q)) {
        if (q > p) d_.add_node(NodeKind::text, {p, q}, {p, q});
        return values_.read_text_expression(q);
      }
    }
    while (p < size_) {
      while (p < size_ && !is(text_[p], kTextStop)) ++p;
      if (p >= size_ || text_[p] == '<') break;
      const char c = text_[p];
      if (c == '&') {
        d_.check_entity(p);
        ++p;
      } else if (c == ']') {
        if (d_.at(p + 1) == ']' && d_.at(p + 2) == '>')
          d_.fault("xml-syntax", {p, p + 3}, "']]>' stands outside of a CDATA section", "write it as ]]&gt;");
        ++p;
      } else if (is(c, kIllegal)) {
        p = d_.illegal(p);
      } else if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        if (p > begin) d_.add_node(NodeKind::text, {begin, p}, {begin, p});
        d_.add_node(NodeKind::placeholder, {p, p + length}, {p, p + length});
        p += length;
        begin = p;
      } else {
        ++p;
      }
    }
    if (p > begin) d_.add_node(NodeKind::text, {begin, p}, {begin, p});
    return p;
  }

  std::uint32_t read_comment(std::uint32_t p) {
    const std::size_t end = comments_end_ ? std::string_view::npos : text_.find("-->", p + 4);
    if (end == std::string_view::npos) {
      comments_end_ = true;
      std::size_t line = text_.find('\n', p);
      const auto stop = line == std::string_view::npos ? size_ : static_cast<std::uint32_t>(line);
      d_.fault("xml-syntax", {p, std::min(p + 4, size_)}, "this comment never ends", "close it with -->");
      d_.add_node(NodeKind::comment, {p, stop}, {std::min(p + 4, stop), stop});
      return stop;
    }
    const auto e = static_cast<std::uint32_t>(end);
    const std::size_t dashes = text_.substr(0, e + 1).find("--", p + 4);
    if (dashes != std::string_view::npos && dashes < e) {
      const bool nested = text_.substr(dashes >= 2 ? dashes - 2 : 0).starts_with("<!--");
      if (nested)
        d_.fault("xml-syntax", {p, p + 4}, "another comment begins before this one ends", "close this one with -->");
      else
        d_.fault("xml-syntax", {static_cast<std::uint32_t>(dashes), static_cast<std::uint32_t>(dashes) + 2},
                 "'--' is not allowed inside a comment", "use a single dash");
    } else if (e > p + 4 && text_[e - 1] == '-') {
      d_.fault("xml-syntax", {e - 1, e + 3}, "a comment must not end with '--->'", "write -->");
    }
    d_.add_node(NodeKind::comment, {p, e + 3}, {p + 4, e});
    return e + 3;
  }

  std::uint32_t read_cdata(std::uint32_t p) {
    const std::size_t end = text_.find("]]>", p + 9);
    if (end == std::string_view::npos) {
      d_.fault("xml-syntax", {p, p + 9}, "this CDATA section never ends", "close it with ]]>");
      d_.add_node(NodeKind::cdata, {p, size_}, {p + 9, size_});
      return size_;
    }
    auto e = static_cast<std::uint32_t>(end);
    const std::uint32_t q = d_.skip_space(p + 9);
    if (q < e && d_.starts_expression(q)) {
      ExpressionSpan span = scan_expression(text_, q, std::min(size_, q + kMaxExpression), Enclosure::cdata, false);
      // A `]]>` may be C# (`a[b[0]]>c`): the section ends at the first one behind the expression.
      if (span.outcome == SpanOutcome::closed && span.end > e) {
        const std::size_t later = text_.find("]]>", span.end);
        if (later == std::string_view::npos || d_.skip_space(span.end) != later)
          span = scan_expression(text_, q, e, Enclosure::cdata, false);
        else
          e = static_cast<std::uint32_t>(later);
      } else if (span.end > e) {
        span = scan_expression(text_, q, e, Enclosure::cdata, false);
      }
      d_.add_node(NodeKind::cdata, {p, e + 3}, {p + 9, e});
      const std::uint32_t stop = span.outcome == SpanOutcome::closed ? span.end : e;
      const std::uint32_t index = values_.add_expression(q, stop, span, Enclosure::cdata);
      const NodeId id = d_.add_node(NodeKind::expression, {q, stop}, d_.expressions()[index].code);
      d_.nodes()[id].expression = index;
      return e + 3;
    }
    for (std::uint32_t i = p + 9; i < e; ++i) {
      if (is(text_[i], kIllegal)) {
        d_.illegal(i);
        break;
      }
    }
    d_.add_node(NodeKind::cdata, {p, e + 3}, {p + 9, e});
    return e + 3;
  }

  std::uint32_t read_instruction(std::uint32_t p) {
    const std::size_t end = text_.find("?>", p + 2);
    if (end == std::string_view::npos) {
      d_.fault("xml-syntax", {p, p + 2}, "this processing instruction never ends", "close it with ?>");
      std::uint32_t q = p + 2;
      while (q < size_ && text_[q] != '>' && text_[q] != '\n') ++q;
      d_.add_node(NodeKind::instruction, {p, q}, {p + 2, q});
      return q;
    }
    const auto e = static_cast<std::uint32_t>(end);
    const std::string_view target = text_.substr(p + 2, 4);
    if (target.starts_with("xml") && (target.size() < 4 || is(target[3], kSpace)) && p != d_.first())
      d_.fault("xml-syntax", {p, p + 5}, "the XML declaration must be the very first thing in the file",
               "move it to the top or remove it");
    d_.add_node(NodeKind::instruction, {p, e + 2}, {p + 2, e});
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
      d_.fault("xml-syntax", {p, p + 2}, "'<!' begins neither a comment nor a CDATA section",
               "a comment begins with <!--, a CDATA section with <![CDATA[");
      // Nothing is known about where it was to end.
      const std::uint32_t stop = p + 2;
      d_.add_node(NodeKind::text, {p, stop}, {p, stop});
      return stop;
    }
    const bool closed = q < size_ && text_[q] == '>';
    const std::uint32_t stop = closed ? q + 1 : q;
    const bool subset = d_.view({p, stop}).find('[') != std::string_view::npos;
    if (!closed)
      d_.fault("doctype", {p, p + 9}, "this DOCTYPE never ends", "remove it");
    else if (subset)
      d_.fault("doctype", {p, p + 9}, "a DOCTYPE that declares entities is not read",
               "remove it and write the text itself");
    else
      d_.fault("doctype", {p, p + 9}, "a DOCTYPE has no meaning in a policy document", "remove it", kNoNode, true);
    d_.add_node(NodeKind::doctype, {p, stop}, {p, stop});
    return stop;
  }

  std::uint32_t read_end_tag(std::uint32_t p) {
    const std::uint32_t n = p + 2;
    const std::uint32_t e = d_.name_end(n);
    std::uint32_t q = d_.skip_space(e);
    TagEvent event;
    event.tag = Tag::end;
    event.name = {n, e};
    if (e == n) {
      // `</>` or `</ name>`: said once, and no use is made of it.
      while (q < size_ && text_[q] != '>' && text_[q] != '<') ++q;
      d_.fault("xml-syntax", {p, p + 2}, "an end tag without a name", "write it as </name>");
      event.range = {p, q < size_ && text_[q] == '>' ? q + 1 : q};
      event.name = {n, n};
      d_.events().push_back(event);
      return event.range.end;
    }
    if (d_.at(q) != '>') {
      const std::uint32_t from = q;
      while (q < size_ && text_[q] != '>' && text_[q] != '<' && text_[q] != '\n') ++q;
      if (d_.at(q) == '>')
        d_.fault("xml-syntax", {from, q}, fmt::format("end tag </{}> holds more than its name", d_.view(event.name)),
                 "an end tag takes no attributes");
      else
        d_.fault("xml-syntax", {p, e}, fmt::format("end tag </{}> is not closed by '>'", d_.view(event.name)),
                 "add '>'");
    }
    event.range = {p, d_.at(q) == '>' ? q + 1 : q};
    d_.events().push_back(event);
    return event.range.end;
  }

  std::uint32_t read_start_tag(std::uint32_t p) {
    Node node;
    node.kind = NodeKind::element;
    const std::uint32_t n = p + 1;
    std::uint32_t q = d_.name_end(n);
    node.name = {n, q};
    node.first_attribute = static_cast<std::uint32_t>(d_.attributes().size());
    const auto id = static_cast<NodeId>(d_.nodes().size());
    d_.nodes().push_back(node);  // keeps its place before what its attributes add
    TagState state;
    bool self_closed = false;
    std::uint32_t end = size_;
    while (true) {
      const std::uint32_t before = q;
      q = d_.skip_space(q);
      if (q >= size_) {
        tell(state, {p, node.name.end},
             fmt::format("tag <{}> is not closed by '>' before the file ends", d_.view(node.name)), "add '>'");
        end = size_;
        break;
      }
      const char c = text_[q];
      if (c == '>') {
        end = q + 1;
        break;
      }
      if (c == '/' && d_.at(q + 1) == '>') {
        self_closed = true;
        end = q + 2;
        break;
      }
      if (const std::uint32_t length = c == '<' || is(c, kNameStart) ? 0 : placeholder_length(text_, q); length != 0) {
        state.unsure = true;
        q += length;
        continue;
      }
      if (c == '<') {
        if (const std::uint32_t length = placeholder_length(text_, q); length != 0) {
          state.unsure = true;
          q += length;
          continue;
        }
        tell(state, {p, node.name.end}, fmt::format("tag <{}> is not closed by '>'", d_.view(node.name)), "add '>'");
        end = q;
        break;
      }
      if (!is(c, kNameStart) && d_.view({before, q}).find('\n') != std::string_view::npos) {
        // What stands on another line is not the tag's: its '>' was forgotten where the line ended.
        tell(state, {before - 1, before}, fmt::format("tag <{}> is not closed by '>'", d_.view(node.name)), "add '>'");
        end = before;
        break;
      }
      if (!is(c, kNameStart)) {
        tell(state, {q, q + 1}, fmt::format("{} is not expected in tag <{}>", shown(q), d_.view(node.name)),
             "an attribute is written as name=\"value\"");
        ++q;
        while (q < size_ && !is(text_[q], kSpace) && text_[q] != '>' && text_[q] != '<' && text_[q] != '/') ++q;
        continue;
      }
      bool ends_tag = false;
      q = read_attribute(id, q, q > before, state, ends_tag);
      if (ends_tag) {
        // The value ran into the next tag: `q` is where this tag ends.
        self_closed = q >= 2 && text_[q - 2] == '/';
        end = q;
        break;
      }
    }
    Node& made = d_.nodes()[id];
    made.attribute_count = static_cast<std::uint32_t>(d_.attributes().size()) - made.first_attribute;
    made.open = {p, end};
    made.range = {p, end};
    made.content = {end, end};
    made.self_closed = self_closed;
    made.attributes_unsure = state.unsure;
    d_.events().push_back({self_closed ? Tag::leaf : Tag::start, id, made.open, made.name});
    return end;
  }

  // The attribute that begins at `q`; the offset behind it. `spaced`: white space stands before it. `ends_tag`: as
  // ValueReader::read_value says.
  std::uint32_t read_attribute(NodeId id, std::uint32_t q, bool spaced, TagState& state, bool& ends_tag) {
    const std::string_view tag = d_.view(d_.nodes()[id].name);
    Attribute a;
    const std::uint32_t a0 = q;
    q = d_.name_end(q);
    a.name = {a0, q};
    a.first_part = static_cast<std::uint32_t>(d_.parts().size());
    if (!spaced)
      tell(state, {a0, q}, fmt::format("white space is missing before '{}' in tag <{}>", d_.view(a.name), tag),
           "is a quote missing, or one too many?");
    const std::uint32_t equals = d_.skip_space(q);
    if (d_.at(equals) != '=') {
      if (const std::uint32_t length = placeholder_length(text_, a0); length != 0) {
        state.unsure = true;
        return a0 + length;
      }
      tell(state, a.name, fmt::format("attribute '{}' of <{}> has no value", d_.view(a.name), tag),
           fmt::format("write {}=\"…\"", d_.view(a.name)));
      a.has_value = false;
      a.value = {q, q};
      a.whole = a.name;
      d_.attributes().push_back(a);
      return q;
    }
    const std::uint32_t v = d_.skip_space(equals + 1);
    if (d_.at(v) != '"' && d_.at(v) != '\'') {
      tell(state, {a0, q}, fmt::format("the value of attribute '{}' of <{}> is not in quotes", d_.view(a.name), tag),
           "put it in double quotes");
      std::uint32_t e = v;
      if (d_.starts_expression(v)) {
        const ExpressionSpan span = values_.scan(v, Enclosure::double_quoted);
        if (span.outcome == SpanOutcome::closed) e = span.end;
      }
      while (e < size_ && !is(text_[e], kSpace) && text_[e] != '>' && text_[e] != '<') ++e;
      if (e > v && text_[e - 1] == '/' && d_.at(e) == '>') --e;
      a.value = {v, e};
      a.whole = {a0, e};
      a.has_value = false;
      d_.attributes().push_back(a);
      return e;
    }
    a.quote = text_[v];
    q = values_.read_value(id, a, v + 1, state, ends_tag);
    a.part_count = static_cast<std::uint32_t>(d_.parts().size()) - a.first_part;
    a.whole = {a0, q};
    const std::uint32_t first = d_.nodes()[id].first_attribute;
    for (std::uint32_t i = first; i < d_.attributes().size() && d_.attributes().size() - first <= 64; ++i) {
      if (d_.view(d_.attributes()[i].name) != d_.view(a.name) || state.told) continue;
      d_.fault("duplicate-attribute", a.name,
               fmt::format("attribute '{}' of <{}> stands here for the second time", d_.view(a.name), tag),
               "remove one of them", id);
      break;
    }
    d_.attributes().push_back(a);
    return q;
  }

  void tell(TagState& state, Range range, std::string message, std::string help) {
    state.unsure = true;
    if (state.told) return;
    state.told = true;
    d_.fault("xml-syntax", range, std::move(message), std::move(help));
  }

  std::string shown(std::uint32_t p) const {
    const char c = d_.at(p);
    if (static_cast<unsigned char>(c) < 0x20) return fmt::format("character 0x{:02x}", static_cast<unsigned char>(c));
    std::uint32_t e = p + 1;
    while (e < size_ && (static_cast<unsigned char>(text_[e]) & 0xc0) == 0x80) ++e;
    return fmt::format("'{}'", d_.view({p, e}));
  }

  DocumentDraft& d_;
  ValueReader values_;
  std::string_view text_;
  std::uint32_t size_;
  bool comments_end_ = false;
};

}  // namespace

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
  DocumentDraft draft(text);
  if (draft.is_utf16()) return draft.finish();
  TextReader(draft).read_content();
  build_tree(draft);
  return draft.finish();
}

}  // namespace postern::policy
