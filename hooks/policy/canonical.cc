#include <algorithm>
#include <string>

#include "hooks/policy/document.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {
namespace {

using xml::trimmed;

void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\r':
        if (i + 1 >= text.size() || text[i + 1] != '\n') out += '\n';
        break;
      default: out += c;
    }
  }
}

class Writer {
 public:
  explicit Writer(const PolicyDocument& document) : d_(document) {}

  std::string write() {
    // In document order; what is open is closed when a node is met that does not lie within it.
    const auto& nodes = d_.nodes();
    for (NodeId id = 0; id < nodes.size(); ++id) {
      const Node& node = nodes[id];
      if (node.parent == kNoNode && node.kind != NodeKind::element) continue;
      while (!open_.empty() && open_.back() != node.parent) end();
      if (node.kind == NodeKind::element) {
        flush();
        begin(id, node);
      } else {
        text(id, node);
      }
    }
    while (!open_.empty()) end();
    return std::move(out_);
  }

 private:
  void begin(NodeId id, const Node& node) {
    out_ += '<';
    out_ += d_.name(node);
    for (const Attribute& a : d_.attributes(node)) {
      out_ += ' ';
      out_ += d_.name(a);
      out_ += "=\"";
      const std::string value = d_.decoded(a.value);
      append_escaped(out_, d_.is_expression(a) ? trimmed(value) : std::string_view(value));
      out_ += '"';
    }
    out_ += ">\n";
    open_.push_back(id);
  }

  void end() {
    flush();
    out_ += "</";
    out_ += d_.name(d_.node(open_.back()));
    out_ += ">\n";
    open_.pop_back();
  }

  void text(NodeId id, const Node& node) {
    switch (node.kind) {
      case NodeKind::text:
      case NodeKind::placeholder: run_ += d_.decoded(node.range); break;
      case NodeKind::cdata:
        // Its expression comes as a node of its own.
        if (id + 1 < d_.nodes().size() && d_.node(id + 1).kind == NodeKind::expression &&
            d_.expressions()[d_.node(id + 1).expression].in_cdata)
          break;
        run_ += d_.text(node.content);
        break;
      case NodeKind::expression: {
        const Expression& e = d_.expressions()[node.expression];
        run_ += e.in_cdata ? std::string(d_.text(e.range)) : d_.decoded(e.range);
        expression_ = true;
        break;
      }
      default: break;
    }
  }

  // Text between two tags: dropped when it is nothing but white space.
  void flush() {
    if (!trimmed(run_).empty()) {
      append_escaped(out_, expression_ ? trimmed(run_) : std::string_view(run_));
      out_ += '\n';
    }
    run_.clear();
    expression_ = false;
  }

  const PolicyDocument& d_;
  std::string out_;
  std::string run_;
  bool expression_ = false;
  std::vector<NodeId> open_;
};

}  // namespace

std::string canonical(std::string_view text) { return Writer(PolicyDocument::parse(text)).write(); }

}  // namespace postern::policy
