// The values of a document: of attributes, and expressions in text. Where one ends decides how all that follows is
// read.
#pragma once

#include <cstdint>
#include <string_view>

#include "hooks/policy/document_draft.h"
#include "hooks/policy/expression_span.h"

namespace postern::policy {

inline constexpr std::uint32_t kMaxExpression = 1U << 20;  // bytes

// What is known of a start tag while its attributes are read.
struct TagState {
  bool told = false;    // one finding per tag
  bool unsure = false;  // nothing can be said about attributes that are not there
};

class ValueReader {
 public:
  explicit ValueReader(DocumentDraft& draft) : d_(draft), text_(draft.text()), size_(draft.size()) {}

  // An attribute's value from `v`, behind its opening quote, to behind its closing quote; fills value and parts.
  // `ends_tag`: the closing quote was forgotten, and the offset is where the tag ends.
  std::uint32_t read_value(NodeId element, Attribute& a, std::uint32_t v, TagState& tag, bool& ends_tag);
  // The expression that begins at `q`, with what follows it up to the next tag.
  std::uint32_t read_text_expression(std::uint32_t q);
  // Where the expression at `q` ends. What fails is read again by other means; a budget keeps the sum of it linear in
  // the size of the text.
  ExpressionSpan scan(std::uint32_t q, Enclosure enclosure);
  // Takes down an expression and tells what is wrong with its brackets; its index. `surplus`: a bracket in it is one
  // too many.
  std::uint32_t add_expression(std::uint32_t begin, std::uint32_t end, const ExpressionSpan& span, Enclosure enclosure,
                               bool surplus = false);

 private:
  bool ends_value(std::uint32_t q) const;
  std::uint32_t forgotten_before_attribute(std::uint32_t v, std::uint32_t q) const;
  bool ends_expression(std::uint32_t end, Enclosure enclosure) const;
  bool tell_bracket(const Expression& e);
  std::uint32_t surplus_end(std::uint32_t begin, std::uint32_t end, std::uint32_t stop);
  void unclosed_value(const Attribute& a, TagState& tag);
  std::uint32_t forgotten_quote(std::uint32_t v, std::uint32_t q) const;
  std::uint32_t read_expression_value(NodeId element, Attribute& a, std::uint32_t v, std::uint32_t e0, TagState& tag);
  void attach(NodeId element, std::uint32_t index);
  std::uint32_t find_value_end(std::uint32_t p, char quote);
  std::uint32_t forgotten_behind(std::uint32_t end, char quote) const;
  void trailing(std::uint32_t p, std::uint32_t end);
  std::uint32_t element_end(std::uint32_t from);

  DocumentDraft& d_;
  std::string_view text_;
  std::uint32_t size_;
  std::uint64_t scan_budget_ = std::uint64_t{8} << 20;
  std::uint32_t no_value_end_ = 0xffffffff;
};

}  // namespace postern::policy
