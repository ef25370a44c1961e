#include "hooks/policy/document_draft.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "hooks/policy/expression_span.h"

namespace postern::policy {

using xml::is;
using xml::kIllegal;
using xml::kNameChar;

namespace {

constexpr std::size_t kMaxFaults = 100;
constexpr std::uint32_t kColumnStep = 512;

}  // namespace

DocumentDraft::DocumentDraft(std::string_view text) : text_(text), size_(static_cast<std::uint32_t>(text.size())) {
  document_.text_ = text;
  document_.nodes_.reserve(text_.size() / 48 + 8);
  document_.attributes_.reserve(text_.size() / 64 + 8);
  document_.parts_.reserve(text_.size() / 64 + 8);
  events_.reserve(text_.size() / 40 + 8);
  find_lines();
  check_encoding();
}

std::uint32_t DocumentDraft::name_end(std::uint32_t i) const {
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

std::uint32_t DocumentDraft::line_begin(std::uint32_t i) const {
  return *(std::upper_bound(document_.lines_.begin(), document_.lines_.end(), i) - 1);
}

std::string DocumentDraft::where(std::uint32_t offset) const {
  return fmt::format("line {}", document_.position(offset).line);
}

void DocumentDraft::fault(std::string_view rule, Range range, std::string message, std::string help, NodeId node,
                          bool warning) {
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

bool DocumentDraft::full() const { return document_.faults_.size() >= kMaxFaults; }

std::uint32_t DocumentDraft::illegal(std::uint32_t p) {
  std::uint32_t q = p;
  while (q < size_ && is(text_[q], kIllegal)) ++q;
  fault("xml-syntax", {p, p + 1},
        fmt::format("character 0x{:02x} is not allowed in XML", static_cast<unsigned char>(text_[p])), "remove it");
  return q;
}

void DocumentDraft::check_entity(std::uint32_t p) {
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

NodeId DocumentDraft::add_node(NodeKind kind, Range range, Range content) {
  Node node;
  node.kind = kind;
  node.range = range;
  node.content = content;
  document_.nodes_.push_back(node);
  const auto id = static_cast<NodeId>(document_.nodes_.size() - 1);
  events_.push_back({Tag::leaf, id, range, {}});
  return id;
}

void DocumentDraft::add_part(NodeKind kind, Range range, std::uint32_t expression) {
  document_.parts_.push_back({kind, range, expression});
}

PolicyDocument DocumentDraft::finish() {
  std::stable_sort(document_.faults_.begin(), document_.faults_.end(),
                   [](const SyntaxFault& a, const SyntaxFault& b) { return a.range.begin < b.range.begin; });
  return std::move(document_);
}

void DocumentDraft::find_lines() {
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

void DocumentDraft::mark_columns(std::uint32_t begin, std::uint32_t end) {
  std::uint32_t at_byte = begin == 0 ? first() : begin;
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

bool DocumentDraft::is_utf16() const {
  if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff")) return true;
  const auto nul = [&](std::uint32_t i) { return i < size_ && text_[i] == '\0'; };
  return (nul(0) && nul(2) && !nul(1)) || (nul(1) && nul(3) && !nul(0));
}

void DocumentDraft::check_encoding() {
  if (is_utf16()) return fault("encoding", {0, 2}, "the file is UTF-16", "save it as UTF-8");
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
    fault("encoding", {at_byte, at_byte + 1},
          fmt::format("byte 0x{:02x} is not valid UTF-8; APIM gets U+FFFD in its place",
                      static_cast<unsigned char>(text_[at_byte])),
          "save the file as UTF-8", kNoNode, true);
    return;
  }
}

}  // namespace postern::policy
