#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// What is wrong with the name of a resource; empty when ARM takes it.
std::string fault_of(const Segment& segment) {
  const std::string& name = segment.name;
  if (segment.collection == "policyFragments") {
    if (name.size() > 80) return "is longer than 80 characters";
    const bool sound = !name.empty() && is_word(name.front()) && is_word(name.back()) &&
                       std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-'; });
    if (!sound) return "holds more than letters, digits, '_' and '-' inside";
    return {};
  }
  if (name.size() > 256) return "is longer than 256 characters";
  if (segment.collection == "apis" || segment.collection == "namedValues" || segment.collection == "products") {
    const std::size_t at = name.find_first_of("*#&+:<>?");
    if (at != std::string::npos) return fmt::format("holds '{}'", name[at]);
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  std::set<std::string> said;
  for (const TreeFile& file : view.judged()) {
    for (const Segment& segment : file.artifact.resource) {
      const std::string fault = fault_of(segment);
      if (fault.empty() || !said.insert(std::string(segment.collection) + "/" + segment.name).second) continue;
      reporter.add_at(file.path, 1, 1,
                      fmt::format("the name '{}' {}; ARM refuses it for {}", printable(segment.name, 80), fault,
                                  segment.collection),
                      "rename the folder");
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactName{{"artifact-name", policy::Severity::error, "Folder names are names that ARM takes.",
                              "The folder's name becomes the resource's name; ARM refuses some characters and lengths.",
                              "policy fragments/rate limit/policy.xml", "policy fragments/rate-limit/policy.xml"},
                             check};

}  // namespace postern::tree
