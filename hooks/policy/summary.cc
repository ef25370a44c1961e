#include "hooks/policy/summary.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "gateway/base/encoding.h"
#include "hooks/policy/model.h"

namespace postern::policy {
namespace {

struct Names {
  std::set<std::string> always;
  std::set<std::string> sometimes;
  void take(Names&& inner, bool certain) {
    add(sometimes, inner.sometimes);
    if (certain) add(always, inner.always);
  }
  // The smaller goes into the larger: deep nesting must not copy what it holds at every level.
  static void add(std::set<std::string>& to, std::set<std::string>& from) {
    if (to.size() < from.size()) to.swap(from);
    to.merge(from);
  }
};

// Runs all that stands in it whenever it runs itself.
bool passes_on(std::string_view name) {
  return name == "limit-concurrency" || name == "retry" || name == "block" || name == "when" || name == "otherwise";
}

}  // namespace

DocumentSummary summarize(std::string_view text) {
  const PolicyDocument document = PolicyDocument::parse(text);
  const Model model = Model::build(document);
  const auto& elements = model.elements();
  DocumentSummary out;
  out.is_fragment = model.is_fragment();
  std::vector<Names> held(elements.size());
  const auto keep = [&](SectionSummary& section, const ModelElement& e, Names&& names) {
    section.there = true;
    section.unsettled |= e.unsettled;
    section.at = document.position(document.node(e.node).name.begin);
    section.always.merge(names.always);
    section.sometimes.merge(names.sometimes);
  };
  // Children come after their parents: from the end, each finds what its children hold.
  for (std::size_t i = elements.size(); i-- > 0;) {
    const ModelElement& e = elements[i];
    const Node& node = document.node(e.node);
    const std::string_view name = document.name(node);
    Names names;
    const auto children = model.children(e);
    if (name == "choose" && e.place == Place::policy) {
      bool first = true;
      for (std::uint32_t child : children) {
        Names::add(names.sometimes, held[child].sometimes);
        if (first) {
          names.always.swap(held[child].always);
          first = false;
          continue;
        }
        std::erase_if(names.always, [&](const std::string& one) { return !held[child].always.contains(one); });
      }
      const bool complete =
          !children.empty() && document.name(document.node(elements[children.back()].node)) == "otherwise";
      if (!complete || e.unsettled) names.always.clear();
    } else {
      const bool certain = e.place == Place::section || (e.place == Place::root && out.is_fragment) || passes_on(name);
      for (std::uint32_t child : children) names.take(std::move(held[child]), certain);
    }
    for (std::uint32_t child : children) held[child] = {};
    if (e.place == Place::policy) {
      std::string own(name);
      if (name == "include-fragment") {
        const Attribute* id = document.attribute(node, "fragment-id");
        own = "#" + (id == nullptr ? std::string() : ascii_lower(document.decoded(id->value)));
      }
      names.always.insert(own);
      names.sometimes.insert(own);
      out.first[own] = document.position(node.name.begin);  // from the end: the first stays
    }
    if (e.place == Place::section && e.sections != 0) {
      SectionSummary& section = out.sections[static_cast<std::size_t>(std::countr_zero(e.sections))];
      for (std::uint32_t child : children) section.base |= document.name(document.node(elements[child].node)) == "base";
      keep(section, e, std::move(names));
    } else if (e.place == Place::root && out.is_fragment) {
      keep(out.sections[0], e, std::move(names));
    } else {
      held[i] = std::move(names);
    }
  }
  return out;
}

}  // namespace postern::policy
