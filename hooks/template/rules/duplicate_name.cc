#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

std::string resource_text(const Artifact& artifact, std::size_t segments) {
  std::string out;
  for (std::size_t i = 0; i < segments; ++i) {
    out += fmt::format("/{}/{}", artifact.resource[i].collection, artifact.resource[i].name);
  }
  return out;
}

void say(TreeReporter& reporter, const std::string& path, const std::string& first, const std::string& other) {
  reporter.add_at(path, 1, 1,
                  fmt::format("'{}' and '{}' differ by letter case alone; to ARM they are one resource",
                              printable(first.substr(1), 120), printable(other.substr(1), 120)),
                  "remove one of them");
}

// Every folder (below the root, '/' at its end) whose resource is that of `folder` but for letter case and spelling of
// the collections, in the order of their paths.
Result<std::vector<std::string>> twins(TreeView& view, const std::string& folder, const std::string& folded) {
  std::vector<std::string> found{""};
  std::size_t depth = 0;
  for (std::size_t at = 0; at < folder.size(); at = folder.find('/', at) + 1) {
    ++depth;
    std::vector<std::string> next;
    for (const std::string& parent : found) {
      const Result<std::vector<std::string>> names =
          view.names_in(std::string_view(parent).substr(0, parent.empty() ? 0 : parent.size() - 1));
      if (!names) return fail(names.error());
      for (const std::string& name : *names) {
        if (!name.ends_with('/')) continue;
        // A collection's own folder says what it is once something stands in it.
        const Artifact inside = classify_artifact(parent + name + (depth % 2 == 1 ? "x/x" : "x"));
        const std::size_t segments = (depth + 1) / 2;
        if (inside.resource.size() != segments) continue;
        std::string text = ascii_lower(resource_text(inside, segments));
        if (depth % 2 == 1) text.resize(text.rfind('/') + 1);
        if (folded.starts_with(text) &&
            (depth % 2 == 1 || folded.size() == text.size() || folded[text.size()] == '/')) {
          next.push_back(parent + name);
        }
      }
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A change is asked only about resources that it brings: whoever wrote the second of two, wrote this finding.
Status check_change(TreeView& view, TreeReporter& reporter) {
  std::set<std::string> asked;
  for (const TreeFile& file : view.judged()) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < file.artifact.resource.size(); ++i) {
      end = file.path.find('/', file.path.find('/', end) + 1) + 1;
      const std::string folder = file.path.substr(0, end);  // two names, each with its slash
      if (!asked.insert(folder).second) continue;
      const Result<std::vector<std::string>> before =
          view.names_before(std::string_view(folder).substr(0, folder.size() - 1));
      if (!before) return fail(before.error());
      if (!before->empty()) continue;
      const Result<std::vector<std::string>> same =
          twins(view, folder, ascii_lower(resource_text(file.artifact, i + 1)));
      if (!same) return fail(same.error());
      std::map<std::string, std::string> firsts;  // resource -> its first folder
      for (const std::string& twin : *same) {
        firsts.emplace(resource_text(classify_artifact(twin + "x"), i + 1), twin);
      }
      if (firsts.size() < 2) continue;
      const std::string first = resource_text(classify_artifact(same->front() + "x"), i + 1);
      for (const auto& [resource, twin] : firsts) {
        if (resource == first) continue;
        const Result<std::vector<TreeFile>> files = view.files_below(std::string_view(twin).substr(0, twin.size() - 1));
        if (!files) return fail(files.error());
        if (!files->empty()) say(reporter, files->front().path, first, resource);
      }
    }
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  if (!view.options().extent.whole) return check_change(view, reporter);
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
      say(reporter, file.path, at->second, resource);
    }
  }
  return {};
}

}  // namespace

const TreeRule kDuplicateName{
    {"duplicate-name", policy::Severity::error, "No two resources differ by letter case alone.",
     "ARM compares names without letter case: the second file silently overwrites the first.",
     "apis/Orders/policy.xml beside apis/orders/policy.xml", "apis/orders/policy.xml alone"},
    check};

}  // namespace postern::tree
