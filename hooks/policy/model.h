// The document seen through the catalogue: what each element is, where it stands, and which entry judges it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/document.h"

namespace postern::policy {

enum class Place : std::uint8_t {
  root,
  section,  // inbound, backend, outbound, on-error
  policy,   // a policy of a section, a container or a fragment
  part,     // a child that a policy's entry lists
  payload,  // inside what is not judged
  unknown,  // nothing is known about it; what is inside is not judged
};

enum class Fit : std::uint8_t {
  fits,
  unknown_name,     // no such element here
  misplaced,        // a known name, but not at this place
  outside_section,  // a policy right below <policies>
};

inline constexpr std::uint32_t kNoElement = 0xffffffff;

// One element of the document. Indices are into Model::elements(), in document order.
struct ModelElement {
  NodeId node = kNoNode;
  std::uint32_t parent = kNoElement;  // where it belongs: an unclosed element does not keep what cannot be in it
  Place place = Place::unknown;
  Fit fit = Fit::fits;
  const catalogue::Element* spec = nullptr;   // null when nothing is known
  const catalogue::Policy* policy = nullptr;  // when it is a policy, also as a part
  const catalogue::Child* slot = nullptr;     // the row of the parent's entry that lists it
  std::uint8_t sections = 0;                  // where it stands; 0: not known
  bool guessed = false;                       // its name is a misspelling; `spec` is that of the name that was meant
  // Placeholders, stray or missing tags stand in it: nothing can be said about what is not there or there too often.
  bool unsettled = false;
  bool has_text = false;          // text that is no white space, a CDATA section or an expression, directly in it
  bool has_literal_text = false;  // … that is neither placeholder nor expression
  NodeId first_text = kNoNode;    // the first node of it
  std::string_view suggestion;    // for unknown_name: what was probably meant
  std::uint32_t first_child = 0;
  std::uint32_t child_count = 0;
};

class Model {
 public:
  // `document` must outlive the model. Linear; does not recurse.
  static Model build(const PolicyDocument& document);

  const std::vector<ModelElement>& elements() const { return elements_; }
  const ModelElement& operator[](std::uint32_t index) const { return elements_[index]; }
  std::span<const std::uint32_t> children(const ModelElement& element) const {
    return {children_.data() + element.first_child, element.child_count};
  }
  // The model element of a node, kNoElement when it is none.
  std::uint32_t of_node(NodeId node) const { return by_node_[node]; }
  // The root's name: policies, fragment, a data source, or something else.
  bool is_fragment() const { return is_fragment_; }
  bool is_policies() const { return is_policies_; }
  // The names that may stand directly in it, sorted as the catalogue lists them.
  std::vector<std::string_view> accepted(const ModelElement& element) const;

 private:
  friend class ModelBuilder;
  std::vector<ModelElement> elements_;
  std::vector<std::uint32_t> children_;
  std::vector<std::uint32_t> by_node_;
  bool is_fragment_ = false;
  bool is_policies_ = false;
};

}  // namespace postern::policy
