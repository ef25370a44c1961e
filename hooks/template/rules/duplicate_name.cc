#include <fmt/core.h>

#include <map>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// Only over the whole tree: looking for a twin of one file costs as much as the tree.
Status check(TreeView& view, TreeReporter& reporter) {
  if (!view.options().extent.whole) return {};
  std::map<std::string, std::string> seen;  // folded resource -> as first written
  std::map<std::string, bool> said;
  for (const TreeFile& file : view.judged()) {
    std::string resource;
    for (const Segment& segment : file.artifact.resource) {
      resource += fmt::format("/{}/{}", segment.collection, segment.name);
      const std::string folded = ascii_lower(resource);
      const auto [at, fresh] = seen.emplace(folded, resource);
      if (fresh || at->second == resource || said[resource]) continue;
      said[resource] = true;
      reporter.add_at(file.path, 1, 1,
                      fmt::format("'{}' and '{}' differ by letter case alone; to ARM they are one resource",
                                  printable(at->second.substr(1), 120), printable(resource.substr(1), 120)),
                      "remove one of them");
    }
  }
  return {};
}

}  // namespace

const TreeRule kDuplicateName{
    {"duplicate-name", policy::Severity::error, "no two resources differ by letter case alone",
     "ARM compares names without letter case: the second file silently overwrites the first.",
     "apis/Orders/policy.xml beside apis/orders/policy.xml", "apis/orders/policy.xml alone"},
    check};

}  // namespace postern::tree
