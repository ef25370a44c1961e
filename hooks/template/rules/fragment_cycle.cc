#include <fmt/core.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "gateway/base/encoding.h"
#include "hooks/template/references.h"

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

std::vector<Use> uses_in(std::string_view text) {
  std::vector<Use> uses;
  for (const policy::Reference& reference : policy::list_references(text)) {
    if (reference.kind == policy::Reference::Kind::fragment && reference.certain) {
      uses.push_back({ascii_lower(reference.name), reference.begin});
    }
  }
  return uses;
}

// Every fragment of the tree by its folded name, read when a walk comes to it.
class Fragments {
 public:
  explicit Fragments(TreeView& view) : view_(view) {}

  // Null: no such fragment.
  Result<const Fragment*> find(const std::string& name) {
    if (!folders_) {
      folders_.emplace();
      const Result<std::vector<std::string>> folders = resource_folders(view_, "policyFragments");
      if (!folders) return fail(folders.error());
      for (const std::string& folder : *folders) {
        folders_->emplace(ascii_lower(std::string_view(folder).substr(folder.rfind('/') + 1)), folder);
      }
    }
    if (const auto at = known_.find(name); at != known_.end()) return &at->second;
    const auto folder = folders_->find(name);
    if (folder == folders_->end()) return nullptr;
    const std::string path = folder->second + "/policy.xml";
    const Result<bool> there = view_.exists(path);
    if (!there) return fail(there.error());
    if (!*there) return nullptr;
    const Result<std::string_view> text = view_.text(path);
    if (!text) return fail(text.error());
    Fragment fragment{path, folder->second.substr(folder->second.rfind('/') + 1), uses_in(*text), 0};
    return &known_.emplace(name, std::move(fragment)).first->second;
  }

  // The names from `from` to `to`, both included; empty when no include leads there.
  Result<std::vector<std::string>> way(const std::string& from, const std::string& to) {
    std::map<std::string, std::string> came{{from, ""}};
    std::vector<std::string> open{from};
    while (!open.empty() && !came.contains(to)) {
      const std::string name = open.back();
      open.pop_back();
      const Result<const Fragment*> fragment = find(name);
      if (!fragment) return fail(fragment.error());
      if (*fragment == nullptr) continue;
      for (const Use& use : (*fragment)->uses) {
        if (came.emplace(use.fragment, name).second) open.push_back(use.fragment);
      }
    }
    std::vector<std::string> out;
    if (!came.contains(to)) return out;
    for (std::string at = to; !at.empty(); at = came[at]) out.insert(out.begin(), at);
    return out;
  }

 private:
  TreeView& view_;
  std::optional<std::map<std::string, std::string>> folders_;
  std::map<std::string, Fragment> known_;
};

// Only what the change wrote can close a circle that was open: each include that a changed fragment did not have before
// is followed, to see whether it leads back.
Status check_change(TreeView& view, TreeReporter& reporter) {
  Fragments fragments(view);
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::fragment) continue;
    const std::string& name = file.artifact.resource.back().name;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    std::set<std::string> before;
    if (const Result<std::string> old = view.text_before(file.path); old) {
      for (const Use& use : uses_in(*old)) before.insert(use.fragment);
    } else if (old.error().code != ErrorCode::not_found) {
      return fail(old.error());
    }
    for (const Use& use : uses_in(*text)) {
      if (before.contains(use.fragment)) continue;
      const Result<std::vector<std::string>> way = fragments.way(use.fragment, ascii_lower(name));
      if (!way) return fail(way.error());
      if (way->empty()) continue;
      std::string cycle = name;
      for (const std::string& step : *way) {
        const Result<const Fragment*> fragment = fragments.find(step);
        if (!fragment) return fail(fragment.error());
        cycle += " -> " + (*fragment == nullptr ? step : (*fragment)->name);
      }
      reporter.add_at(file.path, use.at.line, use.at.column,
                      fmt::format("fragments include each other in a circle: {}", cycle),
                      "take one of the include-fragment out");
    }
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  if (!view.options().extent.whole) return check_change(view, reporter);
  std::map<std::string, Fragment> fragments;
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::fragment) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    Fragment fragment{file.path, file.artifact.resource.back().name, uses_in(*text), 0};
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
    {"fragment-cycle", policy::Severity::error, "Fragments do not include each other in a circle.",
     "A fragment is expanded in place; a circle has no end.", "a includes b, b includes a", "a includes b"},
    check};

}  // namespace postern::tree
