#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/glob.h"
#include "hooks/template/references.h"

namespace postern::tree {
namespace {

bool declared(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return Glob(glob).matches(name); });
}

bool is_external(const TreeOptions& options, const policy::Reference& reference) {
  switch (reference.kind) {
    case policy::Reference::Kind::named_value: return declared(options.external_named_values, reference.name);
    case policy::Reference::Kind::fragment: return declared(options.external_fragments, reference.name);
    case policy::Reference::Kind::backend: return declared(options.external_backends, reference.name);
    default: return false;
  }
}

// The last file of a resource that this change deletes: its folded collection and name.
std::set<std::string> deleted_resources(const Extent& extent) {
  std::set<std::string> out;
  for (const std::string& path : extent.deleted) {
    const Artifact artifact = classify_artifact(path);
    if (artifact.resource.empty()) continue;
    const Segment& last = artifact.resource.back();
    if (last.collection == "namedValues" || last.collection == "policyFragments" || last.collection == "backends") {
      out.insert(fmt::format("{}/{}", last.collection, ascii_lower(last.name)));
    }
  }
  return out;
}

Status check_file(TreeView& view, TreeReporter& reporter, Names& names, const TreeFile& file,
                  const std::set<std::string>& deleted, bool only_deleted) {
  if (file.artifact.kind != ArtifactKind::policy && file.artifact.kind != ArtifactKind::fragment) return {};
  const Result<std::string_view> text = view.text(file.path);
  if (!text) return fail(text.error());
  for (const policy::Reference& reference : policy::list_references(*text)) {
    const std::string_view collection = collection_of(reference.kind);
    if (collection.empty() || !reference.certain || is_external(view.options(), reference)) continue;
    const bool gone = deleted.contains(fmt::format("{}/{}", collection, ascii_lower(reference.name)));
    if (only_deleted && !gone) continue;
    const Result<bool> found = names.has(reference, file.artifact);
    if (!found) return fail(found.error());
    if (*found) continue;
    // A tree that carries no such resources keeps them elsewhere.
    const Result<bool> carried = names.carries(reference.kind);
    if (!carried) return fail(carried.error());
    if (!*carried && !gone) continue;
    reporter.add_at(file.path, reference.begin.line, reference.begin.column,
                    gone ? fmt::format("{} '{}' is deleted by this change and still used here",
                                       policy::to_string(reference.kind), printable(reference.name, 100))
                         : fmt::format("{} '{}' is not in this tree", policy::to_string(reference.kind),
                                       printable(reference.name, 100)),
                    gone ? "remove the use as well, or keep the artifact"
                         : "add the artifact, mend the name, or declare it external in the settings",
                    gone ? policy::Severity::error : policy::Severity::warning);
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  Names names(view);
  const std::set<std::string> deleted = deleted_resources(view.options().extent);
  for (const TreeFile& file : view.judged()) {
    if (Status done = check_file(view, reporter, names, file, deleted, false); !done) return done;
  }
  // Only a deletion can break what the change did not touch.
  if (view.options().extent.whole || deleted.empty()) return {};
  const Result<std::vector<TreeFile>> all = view.files_below("");
  if (!all) return fail(all.error());
  for (const TreeFile& file : *all) {
    if (view.options().extent.changed.contains(file.path)) continue;
    if (Status done = check_file(view, reporter, names, file, deleted, true); !done) return done;
  }
  return {};
}

}  // namespace

const TreeRule kMissingReference{
    {"missing-reference", policy::Severity::warning,
     "named values, fragments and backends that policies name exist in the tree",
     "ARM refuses a policy that names what the service does not have. What lives outside the tree is declared in the "
     "settings; what this very change deletes is an error.",
     "<include-fragment fragment-id=\"auht\" /> where the folder is named auth",
     "<include-fragment fragment-id=\"auth\" />"},
    check};

}  // namespace postern::tree
