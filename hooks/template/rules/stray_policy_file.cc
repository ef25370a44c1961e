#include <fmt/core.h>

#include "gateway/base/encoding.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::other_policy) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (!policy::looks_like_policy(*text)) continue;
    reporter.add_at(file.path, 1, 1,
                    "a policy document under another name than policy.xml; no publisher deploys it as this policy",
                    "name it policy.xml, or move it out of the artifact folder");
  }
  return {};
}

}  // namespace

const TreeRule kStrayPolicyFile{{"stray-policy-file", policy::Severity::warning, "A policy is named policy.xml.",
                                 "Azure/apiops takes any XML file there for a policy of that name, which ARM refuses "
                                 "with an empty message; Postern "
                                 "leaves it alone. Neither does what its author wanted.",
                                 "apis/orders/orders-policy.xml", "apis/orders/policy.xml"},
                                check};

}  // namespace postern::tree
