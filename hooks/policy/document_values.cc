#include "hooks/policy/document_values.h"

#include <fmt/core.h>

#include <algorithm>

#include "hooks/policy/bracket_place.h"

namespace postern::policy {

using xml::is;
using xml::kIllegal;
using xml::kSpace;
using xml::kValueStop;

// True when what follows the quote at `q` can follow an attribute's value.
bool ValueReader::ends_value(std::uint32_t q) const {
  const char next = d_.at(q + 1);
  if (next == '>' || next == '?') return true;
  if (next == '/') return d_.at(q + 2) == '>';
  if (!is(next, kSpace) || q + 1 >= size_) return false;
  std::uint32_t p = d_.skip_space(q + 1);
  if (d_.at(p) == '>' || (d_.at(p) == '/' && d_.at(p + 1) == '>')) return true;
  if (!d_.at_name(p)) return false;
  p = d_.skip_space(d_.name_end(p));
  if (d_.at(p) != '=') return false;
  p = d_.skip_space(p + 1);
  return d_.at(p) == '"' || d_.at(p) == '\'';
}

ExpressionSpan ValueReader::scan(std::uint32_t q, Enclosure enclosure) {
  if (scan_budget_ == 0) {
    ExpressionSpan none;
    none.outcome = SpanOutcome::never_closed;
    none.end = q + 2;
    return none;
  }
  const std::uint32_t limit = size_ - q > kMaxExpression ? q + kMaxExpression : size_;
  ExpressionSpan span = scan_expression(text_, q, limit, enclosure, false);
  if (span.outcome == SpanOutcome::closed) return span;
  const std::uint64_t used = span.end - q;
  scan_budget_ -= std::min<std::uint64_t>(scan_budget_, used);
  for (std::uint32_t i = 0; i < span.long_string_count && scan_budget_ != 0; ++i) {
    ExpressionSpan mended = scan_past_string(text_, q, limit, enclosure, span.long_strings[i]);
    scan_budget_ -= std::min<std::uint64_t>(scan_budget_, mended.end - q);
    if (mended.outcome != SpanOutcome::closed || !ends_expression(mended.end, enclosure)) continue;
    const std::uint32_t begin = span.long_strings[i];
    mended.outcome = SpanOutcome::open_literal;
    mended.literal = "string";
    mended.fault = {begin,
                    static_cast<std::uint32_t>(std::min<std::size_t>(text_.find_first_of("\r\n", begin), size_))};
    mended.unbalanced = {};
    mended.mended = true;
    return mended;
  }
  return span;
}

// True when the value that an expression stands in ends where the expression does.
bool ValueReader::ends_expression(std::uint32_t end, Enclosure enclosure) const {
  const std::uint32_t p = skip_blank(text_, end);
  if (enclosure == Enclosure::double_quoted) return d_.at(p) == '"' && ends_value(p);
  if (enclosure == Enclosure::single_quoted) return d_.at(p) == '\'' && ends_value(p);
  return d_.at(p) == '<' && d_.at(p + 1) == '/';
}

// What the lines tell about a bracket without a partner; false when they tell nothing. `e.code` ends with the bracket
// that was to end the expression where that one is left over.
bool ValueReader::tell_bracket(const Expression& e) {
  const DecodedText code = d_.document().decoded_code(e);
  const std::uint32_t line = d_.line_begin(e.range.begin);
  std::uint32_t indent = 0;
  while (d_.at(line + indent) == ' ' || d_.at(line + indent) == '\t') ++indent;
  const auto found = find_bracket(code.text, d_.at(e.range.begin + 1), indent);
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
  const std::string partner = d_.where(code.source(found->partner));
  if (is_opener)
    d_.fault("expression-balance", place,
             at_partner ? fmt::format("'{}' in the expression is never closed", given)
                        : fmt::format("'{}' is missing here: the '{}' of {} is never closed", other, given, partner),
             fmt::format("add '{}'", other));
  else
    d_.fault("expression-balance", place,
             at_partner ? fmt::format("'{}' in the expression closes nothing", given)
                        : fmt::format("'{}' is missing here: the '{}' of {} closes nothing", other, given, partner),
             at_partner ? std::string("remove it, or add the bracket that it was to close")
                        : fmt::format("add '{}', or remove the '{}'", other, given));
  return true;
}

// Where an expression that was closed at `end` was to end if a bracket in it is one too many: the last bracket of its
// kind before `stop`; 0 when what follows is no code.
std::uint32_t ValueReader::surplus_end(std::uint32_t begin, std::uint32_t end, std::uint32_t stop) {
  const char open = d_.at(begin + 1);
  const char close = open == '{' ? '}' : ')';
  while (stop > end && is(text_[stop - 1], kSpace)) --stop;
  if (stop <= end || text_[stop - 1] != close || stop - end > scan_budget_) return 0;
  scan_budget_ -= stop - end;
  int depth = 0;
  for (std::uint32_t i = end; i < stop; ++i) {
    if (text_[i] == open) ++depth;
    if (text_[i] == close) --depth;
    if (d_.starts_expression(i)) return 0;
  }
  return depth < 0 ? stop : 0;
}

std::uint32_t ValueReader::add_expression(std::uint32_t begin, std::uint32_t end, const ExpressionSpan& span,
                                          Enclosure enclosure, bool surplus) {
  Expression e;
  e.range = {begin, end};
  e.block = d_.at(begin + 1) == '{';
  e.complete = span.outcome == SpanOutcome::closed;
  e.code = {std::min(begin + 2, end), e.complete ? end - 1 : end};
  if (e.code.end < e.code.begin) e.code.end = e.code.begin;
  e.in_cdata = enclosure == Enclosure::cdata;
  e.balanced = span.unbalanced.size() == 0 && e.complete;
  const char* open = e.block ? "@{" : "@(";
  const char close = e.block ? '}' : ')';
  if (span.outcome == SpanOutcome::open_literal) {
    const bool is_comment = span.literal == "comment";
    d_.fault("expression-balance", span.fault, fmt::format("this {} in the expression never ends", span.literal),
             is_comment                 ? "close it with */"
             : span.literal == "string" ? "close it with a double quote on the same line; @\"…\" may span lines"
                                        : "a character literal holds one character: 'x' or '\\n'");
  } else if (surplus) {
    Expression whole = e;
    whole.code.end = end;
    if (!tell_bracket(whole))
      d_.fault("expression-balance", {span.end - 1, span.end},
               fmt::format("'{}' ends the expression here, and more of it follows", close),
               "remove it, or add the bracket that it was to close");
    e.balanced = false;
  } else if ((span.unbalanced.size() != 0 || !e.complete) && tell_bracket(e)) {
    // said
  } else if (span.unbalanced.size() != 0) {
    const char bracket = text_[span.unbalanced.begin];
    if (span.unbalanced_opener)
      d_.fault("expression-balance", span.unbalanced, fmt::format("'{}' in the expression is never closed", bracket),
               fmt::format("add '{}'", bracket == '('   ? ')'
                                       : bracket == '[' ? ']'
                                                        : '}'));
    else
      d_.fault("expression-balance", span.unbalanced, fmt::format("'{}' in the expression closes nothing", bracket),
               "remove it, or add the bracket that it was to close");
  } else if (!e.complete) {
    d_.fault("expression-balance", {begin, begin + 2},
             fmt::format("the expression that begins with {} is never closed", open),
             fmt::format("add the missing '{}'", close));
  } else if (span.line_break) {
    d_.fault("expression-balance", {span.line_break_in, span.line_break_in + 1},
             "a string in the expression runs over a line break", "write \\n in it, or use a verbatim string @\"…\"",
             kNoNode, true);
  }
  d_.expressions().push_back(e);
  return static_cast<std::uint32_t>(d_.expressions().size() - 1);
}

void ValueReader::unclosed_value(const Attribute& a, TagState& tag) {
  if (!tag.told)
    d_.fault("xml-syntax", a.name, fmt::format("the value of attribute '{}' is never closed", d_.view(a.name)),
             fmt::format("add a {}", a.quote == '"' ? "double quote" : "single quote"));
  tag.told = true;
  tag.unsure = true;
}

// Where the tag ends when the quote at `q` cannot end the value that began at `v`, because the value's own quote was
// forgotten before a '>' lines above; 0 when it can.
std::uint32_t ValueReader::forgotten_quote(std::uint32_t v, std::uint32_t q) const {
  if (ends_value(q)) return 0;
  const std::string_view value = d_.view({v, q});
  const std::size_t end = value.find('>');
  if (end == std::string_view::npos || value.find('\n', end) == std::string_view::npos) return 0;
  const bool empty_tag = end > 0 && value[end - 1] == '/';
  return v + static_cast<std::uint32_t>(end) - (empty_tag ? 1 : 0);
}

// Where the value that began at `v` was to end when the quote at `q` opens the value of the attribute on a line of its
// own below; 0 when it does not.
std::uint32_t ValueReader::forgotten_before_attribute(std::uint32_t v, std::uint32_t q) const {
  if (ends_value(q)) return 0;
  const std::string_view value = d_.view({v, q});
  const std::size_t line = value.find_last_of('\n');
  if (line == std::string_view::npos || value.find('>') != std::string_view::npos) return 0;
  const std::uint32_t name = skip_blank(text_, v + static_cast<std::uint32_t>(line));
  if (!d_.at_name(name)) return 0;
  const std::uint32_t equals = d_.skip_space(d_.name_end(name));
  if (d_.at(equals) != '=' || d_.skip_space(equals + 1) != q) return 0;
  std::size_t end = value.find_first_of("\r\n");
  while (end > 0 && is(value[end - 1], kSpace)) --end;
  return v + static_cast<std::uint32_t>(std::max<std::size_t>(end, 1));
}

std::uint32_t ValueReader::read_value(NodeId element, Attribute& a, std::uint32_t v, TagState& tag, bool& ends_tag) {
  const char quote = a.quote;
  if (const std::uint32_t e0 = skip_blank(text_, v); d_.starts_expression(e0))
    return read_expression_value(element, a, v, e0, tag);
  // A literal: up to the quote, cut at placeholders.
  std::uint32_t p = v;
  std::uint32_t begin = v;
  auto flush = [&](std::uint32_t end) {
    if (end > begin) d_.add_part(NodeKind::text, {begin, end});
  };
  while (p < size_) {
    while (p < size_ && !is(text_[p], kValueStop)) ++p;
    if (p >= size_) break;
    const char c = text_[p];
    if (c == quote) {
      if (const std::uint32_t end = forgotten_before_attribute(v, p); end != 0) {
        unclosed_value(a, tag);
        flush(std::max(begin, end));
        a.value = {v, end};
        return end;
      }
      if (const std::uint32_t end = forgotten_quote(v, p); end != 0) {
        unclosed_value(a, tag);
        flush(std::max(begin, end));
        a.value = {v, std::max(v, end)};
        ends_tag = true;
        return d_.at(end) == '/' ? end + 2 : end + 1;
      }
      flush(p);
      a.value = {v, p};
      return p + 1;
    }
    if (c == '<') {
      if (const std::uint32_t length = placeholder_length(text_, p); length != 0) {
        flush(p);
        d_.add_part(NodeKind::placeholder, {p, p + length});
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
      if (d_.at(q) == quote && ends_value(q) && !tag_ended) {
        if (!tag.told)
          d_.fault("xml-syntax", {p, p + 1}, fmt::format("'<' stands in the value of attribute '{}'", d_.view(a.name)),
                   "write it as &lt;");
        tag.told = true;
        flush(q);
        a.value = {v, q};
        return q + 1;
      }
      unclosed_value(a, tag);
      const std::uint32_t end = tag_ended ? (before >= 2 && text_[before - 2] == '/' ? before - 2 : before - 1) : p;
      flush(std::max(begin, end));
      a.value = {v, std::max(v, end)};
      ends_tag = true;
      return tag_ended ? before : p;
    }
    if (c == '&') {
      d_.check_entity(p);
      ++p;
    } else if (is(c, kIllegal)) {
      p = d_.illegal(p);
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
      d_.add_part(NodeKind::placeholder, {p, p + length});
      p += length;
      begin = p;
    } else {
      ++p;
    }
  }
  unclosed_value(a, tag);
  flush(size_);
  a.value = {v, size_};
  return size_;
}

// The same of a value that is the expression at `e0`.
std::uint32_t ValueReader::read_expression_value(NodeId element, Attribute& a, std::uint32_t v, std::uint32_t e0,
                                                 TagState& tag) {
  const char quote = a.quote;
  const Enclosure enclosure = quote == '"' ? Enclosure::double_quoted : Enclosure::single_quoted;
  ExpressionSpan span = scan(e0, enclosure);
  if (span.outcome != SpanOutcome::closed && scan_budget_ != 0 && span.literal == "string") {
    // An attribute's line breaks become blanks when XML is read, so such a string may yet be one.
    const std::uint32_t limit = size_ - e0 > kMaxExpression ? e0 + kMaxExpression : size_;
    ExpressionSpan other = scan_expression(text_, e0, limit, enclosure, true);
    scan_budget_ -= std::min<std::uint64_t>(scan_budget_, other.end - e0);
    const std::uint32_t t = skip_blank(text_, other.end);
    if (other.outcome == SpanOutcome::closed && other.unbalanced.size() == 0 && d_.at(t) == quote && ends_value(t))
      span = other;
  }
  if (span.outcome == SpanOutcome::closed) {
    const std::uint32_t t = skip_blank(text_, span.end);
    if (d_.at(t) == quote) {
      if (e0 > v) d_.add_part(NodeKind::text, {v, e0});
      attach(element, add_expression(e0, span.end, span, enclosure));
      if (t > span.end) d_.add_part(NodeKind::text, {span.end, t});
      a.value = {v, t};
      return t + 1;
    }
  }
  // The value ends at the first quote that something follows which can follow a value.
  std::uint32_t t = span.outcome == SpanOutcome::closed || span.mended ? span.end : e0 + 2;
  const std::uint32_t stop = find_value_end(t, quote);
  const std::uint32_t value_end = stop;
  if (e0 > v) d_.add_part(NodeKind::text, {v, e0});
  if (span.outcome == SpanOutcome::closed && stop < size_) {
    if (const std::uint32_t end = surplus_end(e0, span.end, stop); end != 0) {
      attach(element, add_expression(e0, end, span, enclosure, true));
      a.value = {v, value_end};
      tag.told = true;
      return stop + 1;
    }
  }
  if (const std::uint32_t end = span.outcome == SpanOutcome::closed ? forgotten_behind(span.end, quote) : 0; end != 0) {
    attach(element, add_expression(e0, span.end, span, enclosure));
    if (!tag.told && span.unbalanced.size() == 0)
      d_.fault("xml-syntax", {span.end - 1, end},
               fmt::format("the value of attribute '{}' is never closed", d_.view(a.name)),
               fmt::format("put a {} behind the expression", quote == '"' ? "double quote" : "single quote"));
    a.value = {v, span.end};
    tag.told = true;
    return end;
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
    d_.add_part(NodeKind::text, {span.end, value_end});
    if (!had_fault) trailing(d_.skip_space(span.end), value_end);
    d_.expressions().back().balanced = false;  // what C# would say of it is beside the point
  }
  a.value = {v, value_end};
  if (stop >= size_) tag.unsure = true;
  tag.told = true;
  return std::min(stop + 1, size_);
}

// Where the tag goes on behind an expression that ends at `end` when its closing quote was forgotten, or is of the
// other kind, so that the next quote belongs to another value; 0 when it does not go on.
std::uint32_t ValueReader::forgotten_behind(std::uint32_t end, char quote) const {
  const std::uint32_t rest = d_.at(end) == (quote == '"' ? '\'' : '"') ? end + 1 : end;
  std::uint32_t t = skip_blank(text_, rest);
  if (d_.at(t) == '>' || text_.substr(t, 2) == "/>") {
    while (t < size_ && text_[t] != quote && text_[t] != '<') ++t;
    return d_.at(t) == '<' ? rest : 0;
  }
  if (t == rest || !d_.at_name(t)) return 0;
  t = d_.skip_space(d_.name_end(t));
  const std::uint32_t value = d_.skip_space(t + 1);
  return d_.at(t) == '=' && d_.at(value) == quote && !ends_value(value) ? rest : 0;
}

void ValueReader::attach(NodeId element, std::uint32_t index) {
  d_.expressions()[index].element = element;
  d_.expressions()[index].attribute = static_cast<std::uint32_t>(d_.attributes().size());
  d_.add_part(NodeKind::expression, d_.expressions()[index].range, index);
}

// The offset of the quote that plausibly ends a value whose expression could not be read; size_ when there is none.
std::uint32_t ValueReader::find_value_end(std::uint32_t p, char quote) {
  if (p >= no_value_end_) return size_;
  for (std::uint32_t q = p; q < size_; ++q) {
    if (text_[q] == quote && ends_value(q)) return q;
  }
  no_value_end_ = std::min(no_value_end_, p);
  return size_;
}

// What follows a complete expression in the same value.
void ValueReader::trailing(std::uint32_t p, std::uint32_t end) {
  while (end > p && is(text_[end - 1], kSpace)) --end;
  if (p >= end) return;
  if (text_[p] == ')' || text_[p] == '}' || text_[p] == ']') {
    d_.fault("expression-balance", {p, p + 1},
             fmt::format("'{}' closes nothing: the expression has ended before it", text_[p]),
             "remove it, or add the bracket that it was to close");
    return;
  }
  d_.fault("expression-text", {p, end}, "text follows the expression in the same value",
           "an expression must be the whole value: put the text inside it", kNoNode, true);
}

// Where the end tag of the element that was opened last stands behind `from`; `from` when it is not found.
std::uint32_t ValueReader::element_end(std::uint32_t from) {
  std::size_t i = d_.events().size();
  while (i > 0 && d_.events()[i - 1].tag == Tag::leaf && d_.events().size() - i < 8) --i;
  if (i == 0 || d_.events()[i - 1].tag != Tag::start) return from;
  const std::string tag = fmt::format("</{}", d_.view(d_.events()[i - 1].name));
  const std::size_t end = text_.substr(0, from + std::min<std::uint64_t>(scan_budget_, size_ - from)).find(tag, from);
  const std::size_t seen = end == std::string_view::npos ? size_ : end;
  scan_budget_ -= std::min<std::uint64_t>(scan_budget_, seen - from);
  return end == std::string_view::npos ? from : static_cast<std::uint32_t>(end);
}

std::uint32_t ValueReader::read_text_expression(std::uint32_t q) {
  ExpressionSpan span = scan(q, Enclosure::element_text);
  std::uint32_t end = span.end;
  if (span.outcome == SpanOutcome::closed) {
    std::uint32_t after = skip_blank(text_, end);
    const bool more = d_.at(after) != '<' && after < size_;
    const std::uint32_t whole = more ? surplus_end(q, end, element_end(end)) : 0;
    if (whole != 0) end = whole;
    const std::uint32_t index = add_expression(q, end, span, Enclosure::element_text, whole != 0);
    const NodeId id = d_.add_node(NodeKind::expression, {q, end}, d_.expressions()[index].code);
    d_.nodes()[id].expression = index;
    if (more && whole == 0) {
      // Text behind it, up to the next tag.
      std::uint32_t stop = after;
      while (stop < size_ && text_[stop] != '<') ++stop;
      if (span.unbalanced.size() == 0 && placeholder_length(text_, after) == 0) trailing(after, stop);
      d_.expressions()[index].balanced = false;
      d_.add_node(NodeKind::text, {end, stop}, {end, stop});
      return stop;
    }
    return end;
  }
  // It never ends: take it up to the end tag of its element, or the next one, and go on from there. What was read up to
  // the literal that never ends is code, and its strings may hold tags.
  const bool literal = span.outcome == SpanOutcome::open_literal && span.fault.begin >= q + 2;
  std::uint32_t stop = element_end(literal ? span.fault.begin : q + 2);
  while (stop < size_ && !(text_[stop] == '<' && d_.at(stop + 1) == '/' && (d_.at_name(stop + 2)))) ++stop;
  if (span.outcome == SpanOutcome::open_literal && span.fault.begin >= stop) span.outcome = SpanOutcome::never_closed;
  if (span.unbalanced.begin >= stop) span.unbalanced = {};
  const std::uint32_t index = add_expression(q, stop, span, Enclosure::element_text);
  const NodeId id = d_.add_node(NodeKind::expression, {q, stop}, d_.expressions()[index].code);
  d_.nodes()[id].expression = index;
  return stop;
}

}  // namespace postern::policy
