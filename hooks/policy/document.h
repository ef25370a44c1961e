// A policy document as people really commit it: APIM's raw form, where expressions stand unescaped inside attributes
// and text, as well as strict XML. Reading never fails: it gives a tree and what was wrong with the text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::policy {

// Bytes [begin, end) of the text that was parsed.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// 1-based; the column counts code points, a tab is one.
struct Position {
  unsigned line = 1;
  unsigned column = 1;
};

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = 0xffffffff;

enum class NodeKind : std::uint8_t {
  element,
  text,   // literal characters, entities not decoded
  cdata,  // a CDATA section; an expression inside is a node of its own, right after it
  comment,
  expression,   // @( … ) or @{ … }, the whole
  placeholder,  // {{named-value}}, ${terraform}, %{ directive }, #{token}#, {#token#}, __TOKEN__, {0}, {% liquid %}
  instruction,  // <? … ?>
  doctype,
};

// What an attribute value or a run of text is made of, in order: text, expression and placeholder parts.
struct Part {
  NodeKind kind = NodeKind::text;
  Range range;
  std::uint32_t expression = 0xffffffff;  // index into expressions() when kind is expression
};

struct Attribute {
  Range name;
  Range value;  // between the quotes
  Range whole;  // name to closing quote
  char quote = '"';
  bool has_value = true;  // false: a name without `="…"`; a syntax finding says so
  std::uint32_t first_part = 0;
  std::uint32_t part_count = 0;
};

// One node of the tree. Siblings and children are linked by index; nothing here recurses.
struct Node {
  NodeKind kind = NodeKind::element;
  bool self_closed = false;  // <a/>
  bool closed = true;        // false: its end tag is missing; a syntax finding says so
  Range range;               // the whole: first byte of the start tag to the byte after the end tag
  Range open;                // elements: the start tag, `<` to `>`
  Range name;                // elements: the name in the start tag
  Range content;             // elements: between the tags; expression and others: what stands inside the marks
  NodeId parent = kNoNode;
  NodeId first_child = kNoNode;
  NodeId last_child = kNoNode;
  NodeId next = kNoNode;
  std::uint32_t first_attribute = 0;
  std::uint32_t attribute_count = 0;
  std::uint32_t expression = 0xffffffff;  // index into expressions() when kind is expression
  std::uint32_t depth = 0;                // the root has 0
  Range end_name;                         // the name in the end tag; empty when self-closed or unclosed
  // The start tag itself is at fault, or placeholders stand between its attributes: nothing can be said about
  // attributes that are not there.
  bool attributes_unsure = false;
};

// @( … ) or @{ … }, wherever it stands.
struct Expression {
  Range range;                           // `@` to the closing bracket
  Range code;                            // what stands between the brackets
  bool block = false;                    // @{ … }
  bool complete = true;                  // false: it never closes or a literal in it does not; a syntax finding says so
  bool in_cdata = false;                 // entities are not decoded there
  bool balanced = true;                  // false: a bracket in it has no partner; a syntax finding says so
  NodeId element = kNoNode;              // the element that holds it
  std::uint32_t attribute = 0xffffffff;  // index into attributes() when it is an attribute's value
};

// A fault of the text itself, found while reading.
struct SyntaxFault {
  std::string rule;  // "xml-syntax", "unclosed-tag", "mismatched-tag", "expression-balance", …
  Range range;
  std::string message;
  std::string help;
  // mismatched-tag: the element whose end tag is named otherwise; unclosed-tag: the element. kNoNode otherwise.
  NodeId node = kNoNode;
  bool warning = false;  // APIM may well take it
};

// An end tag that closes nothing: its start tag is missing or misspelt.
struct StrayEnd {
  Range name;
  NodeId parent = kNoNode;  // the element that was open there
};

// Text with its entities decoded, and where each byte came from.
struct DecodedText {
  std::string text;
  // Pairs (offset in `text`, offset in the document), ascending; between two pairs both run on in step.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> map;
  // The offset in the document of byte `offset` of `text`.
  std::uint32_t source(std::uint32_t offset) const;
};

// Immutable after parse(); may be read from several threads. Views into `text`, which must outlive it.
class PolicyDocument {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr std::size_t kMaxDepth = 1000;

  // Never fails, never recurses, linear in the size of the text.
  static PolicyDocument parse(std::string_view text);

  std::string_view text() const { return text_; }
  std::string_view text(Range range) const { return text_.substr(range.begin, range.size()); }

  // The first element, kNoNode when there is none.
  NodeId root() const { return root_; }
  const Node& node(NodeId id) const { return nodes_[id]; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Attribute>& attributes() const { return attributes_; }
  const std::vector<Expression>& expressions() const { return expressions_; }
  const std::vector<SyntaxFault>& faults() const { return faults_; }
  const std::vector<StrayEnd>& stray_ends() const { return stray_ends_; }

  std::string_view name(const Node& node) const { return text(node.name); }
  std::string_view name(const Attribute& attribute) const { return text(attribute.name); }
  std::string_view value(const Attribute& attribute) const { return text(attribute.value); }
  std::span<const Attribute> attributes(const Node& node) const;
  // The attribute of that name, null when there is none; the first when it is there twice.
  const Attribute* attribute(const Node& node, std::string_view name) const;
  std::span<const Part> parts(const Attribute& attribute) const;
  // True when the whole value is one expression (white space around it aside).
  bool is_expression(const Attribute& attribute) const;
  // True when a placeholder, or an expression beside other text, stands in it: its final value is not known here.
  bool has_placeholder(const Attribute& attribute) const;

  // Decoded code of an expression: the five named entities and numeric references, unless it stands in CDATA.
  DecodedText decoded_code(const Expression& expression) const;
  // Any range with entities decoded; unknown entities stay as they are.
  std::string decoded(Range range) const;

  // Line and column of a byte; logarithmic in the size of the text, also on one endless line.
  Position position(std::uint32_t offset) const;

 private:
  friend class DocumentDraft;
  std::string_view text_;
  NodeId root_ = kNoNode;
  std::vector<Node> nodes_;
  std::vector<Attribute> attributes_;
  std::vector<Part> parts_;
  std::vector<Expression> expressions_;
  std::vector<SyntaxFault> faults_;
  std::vector<StrayEnd> stray_ends_;
  std::vector<std::uint32_t> lines_;  // offset of the first byte of each line
  // (offset, column) every few hundred bytes of a long line, so that no column is counted from far away.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> columns_;
};

// The offset behind the code point at `at`, which is one column; `end` bounds it.
std::uint32_t next_column(std::string_view text, std::uint32_t at, std::uint32_t end);

// The length of the placeholder that starts at `at`, 0 when none does: {{named-value}} and Liquid, {% %}, {# #},
// ${terraform}, $(pipeline), $NAME, %{ directive }, %name%, #{token}#, #TOKEN#, __TOKEN__, @@TOKEN@@, [[token]], <% %>,
// {0}, {name}.
std::uint32_t placeholder_length(std::string_view text, std::uint32_t at);

// Whether the name of an element or attribute holds a mark of one, and may become another.
inline bool is_templated_name(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c == '{' || c == '$' || c == '#'; });
}

// A form in which two documents that mean the same to APIM are equal: comments and white-space-only text between
// elements dropped, CRLF and CR made LF, entities decoded and written one way, attributes in double quotes and in the
// order they stand, no white space around a whole-value expression, `<a></a>` and `<a/>` alike. Used to compare what
// ARM gives back (it re-serialises) with what was sent.
std::string canonical(std::string_view text);

// True when the root element is `policies` or `fragment` (byte order mark, declaration and comments before it aside).
// Looks only as far as the first element; cheap on any file.
bool looks_like_policy(std::string_view text);

}  // namespace postern::policy
