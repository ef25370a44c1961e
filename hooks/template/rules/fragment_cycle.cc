#include <fmt/core.h>

#include <map>
#include <vector>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

struct Use {
  std::string fragment;  // folded
  policy::Position at;
};
struct Fragment {
  std::string path;
  std::string name;
  std::vector<Use> uses;
  int state = 0;  // 0 not seen, 1 on the way, 2 done
};

Status check(TreeView& view, TreeReporter& reporter) {
  std::map<std::string, Fragment> fragments;
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::fragment) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    Fragment fragment{file.path, file.artifact.resource.back().name, {}, 0};
    for (const policy::Reference& reference : policy::list_references(*text)) {
      if (reference.kind == policy::Reference::Kind::fragment && reference.certain) {
        fragment.uses.push_back({ascii_lower(reference.name), reference.begin});
      }
    }
    fragments.emplace(ascii_lower(fragment.name), std::move(fragment));
  }
  // Depth first with a stack of our own; an edge back to what is on the way closes a cycle.
  for (auto& [start_name, start] : fragments) {
    if (start.state != 0) continue;
    std::vector<std::pair<Fragment*, std::size_t>> way{{&start, 0}};
    start.state = 1;
    while (!way.empty()) {
      auto& [fragment, next] = way.back();
      if (next == fragment->uses.size()) {
        fragment->state = 2;
        way.pop_back();
        continue;
      }
      const Use& use = fragment->uses[next++];
      const auto target = fragments.find(use.fragment);
      if (target == fragments.end() || target->second.state == 2) continue;
      if (target->second.state == 1) {
        std::string cycle;
        bool inside = false;
        for (const auto& [step, unused] : way) {
          inside |= step == &target->second;
          if (inside) cycle += step->name + " -> ";
        }
        reporter.add_at(fragment->path, use.at.line, use.at.column,
                        fmt::format("fragments include each other in a circle: {}{}", cycle, target->second.name),
                        "take one of the include-fragment out");
        continue;
      }
      target->second.state = 1;
      way.emplace_back(&target->second, 0);
    }
  }
  return {};
}

}  // namespace

const TreeRule kFragmentCycle{
    {"fragment-cycle", policy::Severity::error, "fragments do not include each other in a circle",
     "A fragment is expanded in place; a circle has no end.", "a includes b, b includes a", "a includes b"},
    check};

}  // namespace postern::tree
