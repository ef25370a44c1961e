// A document while it is read: what the pass over the text (document_reader.cc), the one over values
// (document_values.h) and the one over the tags (document_tree.h) share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/document.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {

// What the tree is built from: every tag in the order of the text, and what stands between them.
enum class Tag : std::uint8_t { leaf, start, end };
struct TagEvent {
  Tag tag = Tag::leaf;
  NodeId node = kNoNode;  // leaf and start
  Range range;            // end: the whole tag
  Range name;             // start and end
};

// Views into `text`, which must outlive it. One thread.
class DocumentDraft {
 public:
  explicit DocumentDraft(std::string_view text);

  std::string_view text() const { return text_; }
  std::uint32_t size() const { return size_; }
  // Where it begins, behind a byte order mark.
  std::uint32_t first() const { return text_.starts_with("\xef\xbb\xbf") ? 3 : 0; }
  // The byte there; NUL behind the end.
  char at(std::uint32_t i) const { return i < size_ ? text_[i] : '\0'; }
  std::string_view view(Range r) const { return text_.substr(r.begin, r.size()); }
  std::uint32_t skip_space(std::uint32_t i) const {
    while (i < size_ && xml::is(text_[i], xml::kSpace)) ++i;
    return i;
  }
  bool starts_expression(std::uint32_t i) const { return at(i) == '@' && (at(i + 1) == '(' || at(i + 1) == '{'); }
  bool at_name(std::uint32_t i) const { return i < size_ && xml::is(text_[i], xml::kNameStart); }
  // Where the name that begins at `i` ends; `i` when none does.
  std::uint32_t name_end(std::uint32_t i) const;
  // The first byte of the line that `i` stands in.
  std::uint32_t line_begin(std::uint32_t i) const;
  // "line 12", for messages.
  std::string where(std::uint32_t offset) const;

  // With a byte order mark or without: a fault says so, and nothing else can be said of it.
  bool is_utf16() const;

  // Past a limit nothing more is told: full().
  void fault(std::string_view rule, Range range, std::string message, std::string help = {}, NodeId node = kNoNode,
             bool warning = false);
  bool full() const;
  // Tells what is wrong with the `&` at `p`, if anything is.
  void check_entity(std::uint32_t p);
  // Tells of the byte at `p`, which XML does not have; the offset behind it and its like.
  std::uint32_t illegal(std::uint32_t p);

  NodeId add_node(NodeKind kind, Range range, Range content);
  void add_part(NodeKind kind, Range range, std::uint32_t expression = 0xffffffff);

  NodeId& root() { return document_.root_; }
  std::vector<Node>& nodes() { return document_.nodes_; }
  std::vector<Attribute>& attributes() { return document_.attributes_; }
  std::vector<Part>& parts() { return document_.parts_; }
  std::vector<Expression>& expressions() { return document_.expressions_; }
  std::vector<StrayEnd>& stray_ends() { return document_.stray_ends_; }
  std::vector<TagEvent>& events() { return events_; }
  const std::vector<TagEvent>& events() const { return events_; }
  const PolicyDocument& document() const { return document_; }

  // The document, its faults in the order of the text. The draft is spent.
  PolicyDocument finish();

 private:
  void find_lines();
  void mark_columns(std::uint32_t begin, std::uint32_t end);
  void check_encoding();

  std::string_view text_;
  std::uint32_t size_;
  PolicyDocument document_;
  std::vector<TagEvent> events_;
};

}  // namespace postern::policy
