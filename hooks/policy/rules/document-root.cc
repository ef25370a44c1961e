// Rule document-root: the root element is policies or fragment, as its place demands.
#include <fmt/core.h>

#include <string>
#include <string_view>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  bool stray_root = false;
  for (const StrayEnd& stray : s.document.stray_ends())
    stray_root |= s.document.text(stray.name) == "policies" || s.document.text(stray.name) == "fragment";
  if (!stray_root) report_faults(s, r, "document-root");
  if (s.model.elements().empty()) return;
  const ModelElement& root = s.model[0];
  if (root.node != s.document.root()) return;
  const std::string_view name = s.name(root);
  if (root.fit != Fit::fits) {
    // Its start tag is missing: the stray end tag is the finding.
    if (stray_root) return;
    std::string help = root.suggestion.empty() ? "wrap it: <policies><inbound>…</inbound></policies>"
                                               : fmt::format("write <{}>", root.suggestion);
    r.add(s.name_range(root), fmt::format("the root element is <{}>; expected 'policies' or 'fragment'", shown(name)),
          std::move(help));
    return;
  }
  if (root.place != Place::root) return;
  if (s.options.scope == Scope::fragment && !s.model.is_fragment())
    r.add(s.name_range(root), fmt::format("the root element is <{}>; a policy fragment has the root 'fragment'", name),
          "write <fragment>");
  else if (s.model.is_fragment() && s.options.scope != Scope::fragment && s.options.scope != Scope::unknown)
    r.add(s.name_range(root),
          fmt::format("the root element is <fragment>; a policy of scope {} has the root 'policies'",
                      to_string(s.options.scope)),
          "write <policies>, with its sections");
}

}  // namespace

extern const Rule k_document_root;
const Rule k_document_root = {
    .id = "document-root",
    .severity = Severity::error,
    .summary = "The root element is policies or fragment, as its place demands.",
    .why =
        "A policy document has the root policies, a fragment the root fragment, a resolver policy a data source. "
        "Anything else is refused.",
    .bad = "<inbound><base /></inbound>",
    .good = "<policies><inbound><base /></inbound></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
