// A JSON or YAML text as one kind of tree, with places: what specifications and overrides are written in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"

namespace postern::tree {

// 1-based; columns in code points.
struct TextPlace {
  unsigned line = 1;
  unsigned column = 1;
};

// Turns bytes of one text into places, without reading it from its beginning each time. The text outlives it.
class PlaceTable {
 public:
  explicit PlaceTable(std::string_view text);
  TextPlace at(std::size_t offset) const;
  // Bytes before a line, counted from 0; the text's size for one behind it.
  std::size_t line_begin(std::size_t line) const { return line < lines_.size() ? lines_[line] : text_.size(); }

 private:
  std::size_t letters_before(std::size_t offset) const;
  std::string_view text_;
  std::vector<std::size_t> lines_;
  std::vector<std::size_t> letters_;  // before each block: a text may be one line
};

// Value. An alias of YAML leads to the node of its anchor, so a node may have several parents, and be its own ancestor:
// a walk looks at each node once, and goes down with value() and find() only as far as it names the way.
class SpecTree {
 public:
  enum class Kind : std::uint8_t { object, list, scalar, nothing };
  struct Member {
    std::string key;  // empty in a list
    TextPlace at;     // of the key; in a list, of the value
    std::uint32_t value = 0;
  };
  struct Node {
    Kind kind = Kind::nothing;
    std::string text;  // of a scalar
    std::vector<Member> members;
    TextPlace at;
  };

  // Of a text that parse_artifact took, behind its byte order mark.
  static SpecTree from_json(const json::Value& root, std::string_view text);

  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& nodes() { return nodes_; }
  // There is always one.
  const Node& root() const { return nodes_.front(); }
  const Node& value(const Member& member) const { return nodes_[member.value]; }
  const Member* find_member(const Node& node, std::string_view key) const;
  const Node* find(const Node& node, std::string_view key) const;
  // The text of a scalar below a key; null: there is none.
  const std::string* find_text(const Node& node, std::string_view key) const;
  // What a pointer such as "#/components/schemas/Order" leads to (RFC 6901, as a URI fragment); null: nothing.
  // `parent`, where given, is the last node on the way that is there.
  const Node* resolve(std::string_view reference, const Node** parent = nullptr) const;

 private:
  std::vector<Node> nodes_{1};
};

}  // namespace postern::tree
