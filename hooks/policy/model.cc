#include "hooks/policy/model.h"

#include "hooks/policy/expression_span.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

// Control characters are a fault of their own, not text.
bool is_blank(std::string_view text, bool references) {
  for (std::uint32_t at = 0; at < text.size();) {
    const LogicalChar c = logical_char(text, at, references);
    if (static_cast<unsigned char>(c.value) > ' ') return false;
    at += c.length;
  }
  return true;
}

constexpr std::string_view kSectionNames[] = {"inbound", "backend", "outbound", "on-error"};

}  // namespace

std::vector<std::string_view> Model::accepted(const ModelElement& element) const {
  std::vector<std::string_view> names;
  if (element.place == Place::root && is_policies_) {
    names.assign(std::begin(kSectionNames), std::end(kSectionNames));
    return names;
  }
  if (element.spec != nullptr)
    for (const catalogue::Child& c : catalogue::children(*element.spec)) names.push_back(c.name);
  const bool any_policy = element.place == Place::section || (element.place == Place::root && is_fragment_) ||
                          (element.spec != nullptr && element.spec->nested);
  if (any_policy) {
    for (const catalogue::Policy& p : catalogue::policies()) {
      if (p.name == "base" && element.place != Place::section) continue;
      if (!p.documented) continue;
      const std::uint8_t allowed = p.sections | p.sections_tolerated;
      if (element.sections != 0 && (allowed & element.sections) == 0) continue;
      if (element.sections == 0 && p.sections_known && allowed == 0) continue;
      names.push_back(p.name);
    }
  }
  return names;
}

class ModelBuilder {
 public:
  explicit ModelBuilder(const PolicyDocument& document) : d_(document) {}

  Model build() {
    m_.by_node_.assign(d_.nodes().size(), kNoElement);
    strays();
    for (NodeId id = 0; id < d_.nodes().size(); ++id) {
      const Node& node = d_.node(id);
      // What lies behind the root, or deeper than is read, hangs on nothing.
      if (node.parent == kNoNode && id != d_.root()) continue;
      if (node.kind == NodeKind::element)
        add(id, node);
      else
        note_content(id, node);
    }
    link();
    return std::move(m_);
  }

 private:
  std::string_view name_of(const ModelElement& e) const { return d_.name(d_.node(e.node)); }

  void strays() {
    for (const StrayEnd& s : d_.stray_ends())
      if (s.parent != kNoNode) stray_at_.push_back(&s);
  }

  // The stray end tag that closes something around `node` below `parent`; null when there is none.
  const StrayEnd* stray_around(NodeId parent, std::uint32_t offset) const {
    for (const StrayEnd* s : stray_at_)
      if (s->parent == parent && s->name.begin > offset) return s;
    return nullptr;
  }

  static bool holds_policies(const ModelElement& e, bool fragment) {
    return e.place == Place::section || (e.place == Place::root && fragment) || (e.spec != nullptr && e.spec->nested);
  }

  bool fits(std::string_view name, const ModelElement& e) const {
    if (e.place == Place::root && m_.is_policies_) return catalogue::section_bit(name) != 0;
    if (e.spec != nullptr && catalogue::find_child(*e.spec, name) != nullptr) return true;
    if (!holds_policies(e, m_.is_fragment_)) return false;
    if (name == "base") return e.place == Place::section;
    return catalogue::find_policy(name) != nullptr;
  }

  void note_content(NodeId id, const Node& node) {
    if (node.parent == kNoNode) return;
    const std::uint32_t index = m_.by_node_[node.parent];
    if (index == kNoElement) return;
    ModelElement& e = m_.elements_[index];
    switch (node.kind) {
      case NodeKind::text:
        if (is_blank(d_.text(node.range), true)) return;
        e.has_literal_text = true;
        break;
      case NodeKind::cdata:
        if (is_blank(d_.text(node.content), false)) return;
        e.has_literal_text = true;
        break;
      case NodeKind::expression: break;
      case NodeKind::placeholder: e.unsettled = true; break;
      case NodeKind::comment:
        // Some deployment tools write their conditions into comments; what stands between them may go.
        for (std::string_view mark : {"{{#", "{{/", "#{", "{%", "%{", "#if", "#endif", "<#", "[if", "@if"})
          if (d_.text(node.content).find(mark) != std::string_view::npos) e.unsettled = true;
        return;
      default: return;
    }
    e.has_text = true;
    if (e.first_text == kNoNode) e.first_text = id;
  }

  void add(NodeId id, const Node& node) {
    const auto index = static_cast<std::uint32_t>(m_.elements_.size());
    m_.by_node_[id] = index;
    ModelElement e;
    e.node = id;
    e.unsettled = !node.closed;
    const std::string_view name = d_.name(node);
    if (is_templated_name(name)) {
      // A placeholder in the name: it may become anything.
      e.parent = node.parent == kNoNode ? kNoElement : m_.by_node_[node.parent];
      if (e.parent == kNoElement && id != d_.root()) {
        m_.by_node_[id] = kNoElement;
        return;
      }
      if (e.parent != kNoElement) m_.elements_[e.parent].unsettled = true;
      m_.elements_.push_back(e);
      return;
    }
    if (id == d_.root()) {
      root(e, name);
      m_.elements_.push_back(e);
      return;
    }
    std::uint32_t parent = m_.by_node_[node.parent];
    if (parent == kNoElement) {
      // Below an element behind the root: the second root is the finding.
      m_.by_node_[id] = kNoElement;
      return;
    }
    // An unclosed element does not keep what cannot stand in it: that belongs further out, and so does all that
    // follows.
    for (int steps = 0;
         steps < 16 && m_.elements_[parent].parent != kNoElement && !d_.node(m_.elements_[parent].node).closed;
         ++steps) {
      const ModelElement& p = m_.elements_[parent];
      if (p.place == Place::unknown || p.place == Place::payload) break;
      const bool left = p.unsettled && left_.size() > parent && left_[parent];
      if (!left && fits(name, p)) break;
      std::uint32_t outer = p.parent;
      bool found = left || fits(name, m_.elements_[outer]);
      for (int levels = 0; levels < 8 && !found && m_.elements_[outer].parent != kNoElement; ++levels) {
        outer = m_.elements_[outer].parent;
        found = fits(name, m_.elements_[outer]);
      }
      if (!found) break;
      if (left_.size() <= parent) left_.resize(parent + 1, false);
      left_[parent] = true;
      parent = p.parent;
    }
    e.parent = parent;
    place(e, name, node);
    m_.elements_.push_back(e);
  }

  void root(ModelElement& e, std::string_view name) {
    e.place = Place::root;
    m_.is_policies_ = name == "policies";
    m_.is_fragment_ = name == "fragment";
    if (m_.is_policies_ || m_.is_fragment_) return;
    const catalogue::Policy* policy = catalogue::find_policy(name);
    if (policy != nullptr && policy->document_root) {
      e.policy = policy;
      e.spec = &catalogue::element(policy->element);
      return;
    }
    e.fit = policy != nullptr ? Fit::misplaced : Fit::unknown_name;
    constexpr std::string_view kRoots[] = {"policies", "fragment"};
    e.suggestion = name == "policy" ? kRoots[0] : closest(name, kRoots);
    if (e.suggestion == "policies")
      m_.is_policies_ = e.guessed = true;
    else if (e.suggestion == "fragment")
      m_.is_fragment_ = e.guessed = true;
    else
      e.place = Place::unknown;
  }

  void as_policy(ModelElement& e, const catalogue::Policy& policy, std::uint8_t sections) {
    e.place = Place::policy;
    e.policy = &policy;
    e.spec = &catalogue::element(policy.element);
    e.sections = sections;
  }

  void as_part(ModelElement& e, const catalogue::Child& slot, std::uint8_t sections) {
    e.place = Place::part;
    e.slot = &slot;
    e.sections = sections;
    if (slot.policy) e.policy = catalogue::find_policy(slot.name);
    e.spec = slot.element == catalogue::kNone ? nullptr : &catalogue::element(slot.element);
    if (e.spec == nullptr) e.place = Place::unknown;
  }

  // Places the element as if its name were `name`; false when that is no name that may stand there.
  bool try_place(ModelElement& e, std::string_view name, const ModelElement& p) {
    if (p.place == Place::root && m_.is_policies_) {
      const std::uint8_t bit = catalogue::section_bit(name);
      if (bit == 0) return false;
      e.place = Place::section;
      e.sections = bit;
      return true;
    }
    if (p.spec != nullptr) {
      if (const catalogue::Child* slot = catalogue::find_child(*p.spec, name)) {
        as_part(e, *slot, p.sections);
        return true;
      }
    }
    if (holds_policies(p, m_.is_fragment_)) {
      if (const catalogue::Policy* policy = catalogue::find_policy(name)) {
        as_policy(e, *policy, p.sections);
        return true;
      }
    }
    return false;
  }

  void place(ModelElement& e, std::string_view name, const Node& node) {
    const ModelElement& p = m_.elements_[e.parent];
    if (p.place == Place::unknown) return;
    if (p.place == Place::payload || (p.spec != nullptr && p.spec->opaque)) {
      e.place = Place::payload;
      return;
    }
    if (try_place(e, name, p)) return;
    if (const StrayEnd* stray = stray_around(p.node, node.range.begin)) {
      // Its start tag is missing: this may be what stood in it. The stray end tag is the finding.
      ModelElement inner;
      inner.parent = e.parent;
      if (try_place(inner, d_.text(stray->name), p) && inner.place != Place::unknown && try_place(e, name, inner)) {
        m_.elements_[e.parent].unsettled = true;
        return;
      }
    }
    const catalogue::Policy* policy = catalogue::find_policy(name);
    if (p.place == Place::root && m_.is_policies_) {
      if (policy != nullptr) {
        as_policy(e, *policy, 0);
        e.fit = Fit::outside_section;
        return;
      }
      e.fit = Fit::unknown_name;
      e.suggestion = closest(name, kSectionNames);
      if (!e.suggestion.empty()) {
        e.guessed = true;
        e.place = Place::section;
        e.sections = catalogue::section_bit(e.suggestion);
      }
      return;
    }
    const bool section_name = catalogue::section_bit(name) != 0;
    // A file of nothing but unknown names gets no guesses after the first few hundred.
    const bool guess = ++guesses_ < 300;
    const std::vector<std::string_view> names = guess ? m_.accepted(p) : std::vector<std::string_view>();
    const std::string_view meant = closest(name, names);
    if (policy != nullptr && p.spec != nullptr && !p.spec->nested) {
      as_policy(e, *policy, p.sections);
      e.fit = Fit::misplaced;
      return;
    }
    if (section_name) {
      e.fit = Fit::misplaced;
      return;  // Place::unknown
    }
    e.fit = Fit::unknown_name;
    e.suggestion = meant;
    // The end tag may still have the right name.
    const std::string_view end = d_.text(node.end_name);
    if (end != name && !end.empty()) {
      for (std::string_view n : names)
        if (n == end) e.suggestion = n;
    }
    if (e.suggestion.empty()) return;
    if (try_place(e, e.suggestion, p)) e.guessed = true;
  }

  void link() {
    for (ModelElement& e : m_.elements_)
      if (e.parent != kNoElement) ++m_.elements_[e.parent].child_count;
    std::uint32_t at = 0;
    for (ModelElement& e : m_.elements_) {
      e.first_child = at;
      at += e.child_count;
      e.child_count = 0;
    }
    m_.children_.resize(at);
    for (std::uint32_t i = 0; i < m_.elements_.size(); ++i) {
      const std::uint32_t parent = m_.elements_[i].parent;
      if (parent == kNoElement) continue;
      ModelElement& p = m_.elements_[parent];
      m_.children_[p.first_child + p.child_count++] = i;
    }
    for (const StrayEnd* s : stray_at_) {
      const std::uint32_t index = m_.by_node_[s->parent];
      if (index != kNoElement) m_.elements_[index].unsettled = true;
    }
  }

  const PolicyDocument& d_;
  Model m_;
  std::vector<const StrayEnd*> stray_at_;
  unsigned guesses_ = 0;
  std::vector<bool> left_;  // by element: something was moved out of it already
};

Model Model::build(const PolicyDocument& document) { return ModelBuilder(document).build(); }

}  // namespace postern::policy
