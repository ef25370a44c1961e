#include "hooks/policy/document_tree.h"

#include <fmt/core.h>

#include <algorithm>

#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

constexpr std::size_t kLookAhead = 200;  // tags that a guess about a missing tag is weighed against

class TreeBuilder {
 public:
  explicit TreeBuilder(DocumentDraft& draft) : d_(draft) {}

  void run() {
    std::vector<NodeId> open;
    std::uint32_t too_deep = 0;  // start tags that were left out
    for (std::size_t i = 0; i < d_.events().size(); ++i) {
      const TagEvent& event = d_.events()[i];
      const NodeId parent = open.empty() ? kNoNode : open.back();
      if (event.tag == Tag::leaf) {
        link(event.node, parent);
        if (d_.nodes()[event.node].kind == NodeKind::element) top_level(event.node, parent);
        continue;
      }
      if (event.tag == Tag::start) {
        if (open.size() >= PolicyDocument::kMaxDepth) {
          if (!deep_told_)
            d_.fault("xml-syntax", {event.range.begin, event.name.end},
                     fmt::format("elements are nested deeper than {}", PolicyDocument::kMaxDepth));
          deep_told_ = true;
          ++too_deep;
          continue;
        }
        link(event.node, parent);
        top_level(event.node, parent);
        open.push_back(event.node);
        continue;
      }
      if (too_deep > 0) {
        --too_deep;
        continue;
      }
      if (!open.empty() && d_.view(d_.nodes()[open.back()].name) == d_.view(event.name)) {
        d_.nodes()[open.back()].end_name = event.name;
        close(open.back(), event.range.begin, event.range.end);
        open.pop_back();
        continue;
      }
      mismatch(open, i);
    }
    at_end(open);
    check_root();
  }

 private:
  void link(NodeId id, NodeId parent) {
    Node& node = d_.nodes()[id];
    node.parent = parent;
    if (parent == kNoNode) return;
    Node& above = d_.nodes()[parent];
    node.depth = above.depth + 1;
    if (above.first_child == kNoNode)
      above.first_child = id;
    else
      d_.nodes()[above.last_child].next = id;
    above.last_child = id;
    if (node.kind == NodeKind::expression) d_.expressions()[node.expression].element = parent;
  }

  void close(NodeId id, std::uint32_t content_end, std::uint32_t end) {
    Node& node = d_.nodes()[id];
    node.content.end = std::max(node.content.begin, content_end);
    node.range.end = end;
  }

  // How badly the tags from event `from` on would fit if these elements were open: the number of missing or stray tags
  // within the look-ahead.
  std::size_t misfit(std::vector<Range> open, std::size_t from) const {
    std::size_t cost = 0;
    std::size_t seen = 0;
    std::size_t i = from;
    for (; i < d_.events().size() && seen < kLookAhead && cost < 64; ++i) {
      const TagEvent& event = d_.events()[i];
      if (event.tag == Tag::leaf) continue;
      ++seen;
      if (event.tag == Tag::start) {
        open.push_back(event.name);
        continue;
      }
      if (!open.empty() && d_.view(open.back()) == d_.view(event.name)) {
        open.pop_back();
        continue;
      }
      std::size_t match = open.size();
      while (match > 0 && d_.view(open[match - 1]) != d_.view(event.name)) --match;
      if (match == 0) {
        ++cost;
      } else {
        cost += open.size() - match;
        open.resize(match - 1);
      }
    }
    if (i >= d_.events().size()) cost += open.size();
    return cost;
  }

  void unclosed(NodeId id, std::string_view before) {
    Node& node = d_.nodes()[id];
    node.closed = false;
    if (d_.at(node.open.end) == '/') {
      d_.fault("unclosed-tag", {node.open.end - 1, node.open.end + 1},
               fmt::format("<{}> is never closed{}: the '/' stands behind the '>'", d_.view(node.name), before),
               "write />", id);
      return;
    }
    d_.fault("unclosed-tag", {node.open.begin, node.name.end},
             fmt::format("<{}> is never closed{}", d_.view(node.name), before),
             fmt::format("add </{}>", d_.view(node.name)), id);
  }

  void top_level(NodeId id, NodeId parent) {
    if (parent != kNoNode) return;
    if (d_.root() == kNoNode)
      d_.root() = id;
    else if (!second_root_told_) {
      second_root_told_ = true;
      d_.fault("document-root", {d_.nodes()[id].open.begin, d_.nodes()[id].name.end},
               fmt::format("<{}> stands behind the end of the root element <{}>", d_.view(d_.nodes()[id].name),
                           d_.view(d_.nodes()[d_.root()].name)),
               "a document has one root element");
    }
  }

  void mismatch(std::vector<NodeId>& open, std::size_t i) {
    const TagEvent& event = d_.events()[i];
    std::size_t match = open.size();
    while (match > 0 && d_.view(d_.nodes()[open[match - 1]].name) != d_.view(event.name)) --match;
    if (d_.full()) {
      // Past the limit nothing is told any more; the cheapest reading will do.
      if (match > 0 && open.size() - match < 8) open.resize(match - 1);
      return;
    }
    if (open.empty()) return stray(event, kNoNode);
    std::vector<Range> names;
    names.reserve(open.size());
    for (NodeId id : open) names.push_back(d_.nodes()[id].name);
    constexpr std::size_t kNever = 1000000;
    // Three readings: the inner elements lack their end tags; this end tag is one too many; it is misnamed.
    std::size_t missing = kNever;
    if (match > 0) {
      std::vector<Range> rest(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(match - 1));
      missing = misfit(std::move(rest), i + 1) + (open.size() - match);
    }
    const std::size_t surplus = misfit(names, i + 1) + 1;
    names.pop_back();
    std::size_t misnamed = misfit(std::move(names), i + 1) + 1;
    const bool alike = is_alike(d_.view(d_.nodes()[open.back()].name), d_.view(event.name)) || event.name.size() == 0;
    if (event.name.size() == 0) misnamed = 0;
    if (misnamed < missing && misnamed <= surplus && (alike || misnamed < surplus)) {
      const NodeId id = open.back();
      Node& node = d_.nodes()[id];
      node.end_name = event.name;
      if (event.name.size() != 0)
        d_.fault("mismatched-tag", {event.range.begin, event.name.end},
                 fmt::format("end tag </{}> does not match <{}>, opened on {}", d_.view(event.name), d_.view(node.name),
                             d_.where(node.open.begin)),
                 fmt::format("write </{}>", d_.view(node.name)), id);
      close(id, event.range.begin, event.range.end);
      open.pop_back();
      return;
    }
    if (missing <= surplus) {
      for (std::size_t k = open.size(); k-- > match;) {
        close(open[k], event.range.begin, event.range.begin);
        unclosed(open[k], fmt::format(" before </{}> on {}", d_.view(event.name), d_.where(event.range.begin)));
      }
      d_.nodes()[open[match - 1]].end_name = event.name;
      close(open[match - 1], event.range.begin, event.range.end);
      open.resize(match - 1);
      return;
    }
    stray(event, open.back());
  }

  void stray(const TagEvent& event, NodeId parent) {
    d_.stray_ends().push_back({event.name, parent});
    std::string inside;
    if (parent != kNoNode)
      inside = fmt::format("; open here is <{}>, from {}", d_.view(d_.nodes()[parent].name),
                           d_.where(d_.nodes()[parent].open.begin));
    d_.fault("mismatched-tag", {event.range.begin, event.name.end},
             fmt::format("end tag </{}> closes nothing{}", d_.view(event.name), inside),
             "remove it, or add the start tag that it was to close");
  }

  void at_end(std::vector<NodeId>& open) {
    if (open.empty()) return;
    for (NodeId id : open) {
      d_.nodes()[id].closed = false;
      close(id, d_.size(), d_.size());
    }
    // One mistake: the file was cut, or one end tag is missing. The others are named, not told one by one.
    std::string more;
    if (open.size() > 1) {
      more = ", nor ";
      std::size_t shown_count = 0;
      for (std::size_t k = open.size() - 1; k-- > 0 && shown_count < 5; ++shown_count)
        more += fmt::format("{}<{}> from {}", shown_count == 0 ? "" : ", ", d_.view(d_.nodes()[open[k]].name),
                            d_.where(d_.nodes()[open[k]].open.begin));
      if (open.size() > 6) more += fmt::format(" and {} more", open.size() - 6);
    }
    unclosed(open.back(), " before the file ends" + more);
  }

  void check_root() {
    if (d_.root() == kNoNode) {
      d_.fault("document-root", {d_.first(), std::min(d_.first() + 1, d_.size())},
               d_.size() == d_.first() ? "the file is empty" : "there is no element in this file",
               "a policy document has the root <policies> or <fragment>");
      return;
    }
    for (const Node& node : d_.nodes()) {
      if (node.parent != kNoNode || (node.kind != NodeKind::text && node.kind != NodeKind::cdata)) continue;
      const std::uint32_t p = d_.skip_space(node.range.begin);
      if (p >= node.range.end) continue;
      // Before the unclosed or stray tags that put it here were told, this is their consequence.
      if (!d_.stray_ends().empty() || second_root_told_) break;
      d_.fault("xml-syntax", {p, p + 1}, "text stands outside of the root element", "remove it");
      break;
    }
  }

  DocumentDraft& d_;
  bool deep_told_ = false;
  bool second_root_told_ = false;
};

}  // namespace

void build_tree(DocumentDraft& draft) { TreeBuilder(draft).run(); }

}  // namespace postern::policy
