#include <algorithm>
#include <string>
#include <tuple>

#include "hooks/policy/check.h"
#include "hooks/policy/model.h"

namespace postern::policy {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

class Finder {
 public:
  Finder(const PolicyDocument& document, const Model& model) : d_(document), m_(model) {}

  std::vector<Reference> find() {
    for (const ModelElement& e : m_.elements()) certain_.push_back(certain(e));
    for (std::size_t i = 0; i < certain_.size(); ++i) {
      const ModelElement& e = m_[static_cast<std::uint32_t>(i)];
      const Node& node = d_.node(e.node);
      for (const Attribute& a : d_.attributes(node)) {
        named_values(a.value, certain_[i]);
        named_resource(node, e, a);
      }
    }
    for (const Node& node : d_.nodes()) {
      if (node.kind != NodeKind::text && node.kind != NodeKind::cdata && node.kind != NodeKind::expression &&
          node.kind != NodeKind::placeholder)
        continue;
      if (node.parent == kNoNode) continue;
      const std::uint32_t index = m_.of_node(node.parent);
      if (node.kind == NodeKind::cdata && node.next != kNoNode && d_.node(node.next).kind == NodeKind::expression)
        continue;
      named_values(node.range, index != kNoElement && certain_[index]);
    }
    std::stable_sort(out_.begin(), out_.end(), [](const Reference& a, const Reference& b) {
      return std::tie(a.begin.line, a.begin.column) < std::tie(b.begin.line, b.begin.column);
    });
    return std::move(out_);
  }

 private:
  // In a Liquid template the same braces mean something else. A parent stands before its children, so that each is
  // asked once, however deep and however many attributes.
  bool certain(const ModelElement& e) const {
    const Attribute* a = d_.attribute(d_.node(e.node), "template");
    if (a != nullptr && (d_.value(*a) == "liquid" || d_.value(*a) == "Liquid")) return false;
    return e.place != Place::payload || e.parent == kNoElement || certain_[e.parent];
  }

  void named_values(Range range, bool certain) {
    const std::string_view text = d_.text(range);
    for (std::size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 2)) {
      std::size_t end = at + 2;
      while (end < text.size() && end - at < 260 && is_name_char(text[end])) ++end;
      if (end == at + 2 || !text.substr(end).starts_with("}}")) continue;
      add(Reference::Kind::named_value,
          {range.begin + static_cast<std::uint32_t>(at + 2), range.begin + static_cast<std::uint32_t>(end)}, certain);
    }
  }

  void named_resource(const Node& node, const ModelElement& e, const Attribute& a) {
    if (e.place == Place::payload || e.place == Place::unknown || a.value.size() == 0) return;
    const std::string_view element = d_.name(node);
    const std::string_view name = d_.name(a);
    Reference::Kind kind{};
    if (element == "include-fragment" && name == "fragment-id")
      kind = Reference::Kind::fragment;
    else if (name == "backend-id" || name == "embeddings-backend-id")
      kind = Reference::Kind::backend;
    else if (name == "certificate-id" || name == "issuer-certificate-id")
      kind = Reference::Kind::certificate;
    else if (name == "logger-id")
      kind = Reference::Kind::logger;
    else
      return;
    if (d_.is_expression(a) || d_.has_placeholder(a)) return;
    // The literal "dapr" selects the Dapr form and names nothing.
    if (kind == Reference::Kind::backend && element == "set-backend-service" && d_.value(a) == "dapr") return;
    add(kind, a.value, true);
  }

  void add(Reference::Kind kind, Range range, bool certain) {
    Reference r;
    r.kind = kind;
    r.name = kind == Reference::Kind::named_value ? std::string(d_.text(range)) : d_.decoded(range);
    r.begin = d_.position(range.begin);
    r.end = d_.position(range.end);
    r.certain = certain;
    out_.push_back(std::move(r));
  }

  const PolicyDocument& d_;
  const Model& m_;
  std::vector<bool> certain_;  // by element
  std::vector<Reference> out_;
};

}  // namespace

std::string_view to_string(Reference::Kind kind) {
  switch (kind) {
    case Reference::Kind::named_value: return "named value";
    case Reference::Kind::fragment: return "fragment";
    case Reference::Kind::backend: return "backend";
    case Reference::Kind::certificate: return "certificate";
    case Reference::Kind::logger: return "logger";
  }
  return "";
}

std::vector<Reference> list_references(std::string_view text) {
  const PolicyDocument document = PolicyDocument::parse(text);
  const Model model = Model::build(document);
  return Finder(document, model).find();
}

}  // namespace postern::policy
