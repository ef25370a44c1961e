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
    case policy::Reference::Kind::certificate: return declared(options.external_certificates, reference.name);
    case policy::Reference::Kind::logger: return declared(options.external_loggers, reference.name);
  }
  return false;
}

// The names that this change took away, as collection and folded name: of a resource whose last file goes, or the old
// display name of a named value that has another now.
Result<std::set<std::string>> names_taken(TreeView& view, Names& names) {
  std::set<std::string> out;
  const auto take = [&](const Artifact& artifact, const std::string& name) -> Status {
    using Kind = policy::Reference::Kind;
    for (const Kind kind : {Kind::named_value, Kind::fragment, Kind::backend}) {
      if (collection_of(kind) != artifact.resource.back().collection) continue;
      policy::Reference reference;
      reference.kind = kind;
      reference.name = name;
      const Result<bool> still = names.has(reference, artifact);
      if (!still) return fail(still.error());
      if (!*still) out.insert(fmt::format("{}/{}", collection_of(kind), ascii_lower(name)));
    }
    return {};
  };
  const auto take_display = [&](const std::string& path, const Artifact& artifact) -> Status {
    if (artifact.kind != ArtifactKind::information || artifact.resource.back().collection != "namedValues") return {};
    const Result<std::string> text = view.text_before(path);
    if (!text) return text.error().code == ErrorCode::not_found ? Status() : fail(text.error());
    const std::optional<std::string> display = display_name(*text);
    return display ? take(artifact, *display) : Status();
  };
  const Extent& extent = view.options().extent;
  for (const std::string& path : extent.deleted) {
    const Artifact artifact = classify_artifact(path);
    if (artifact.resource.empty()) continue;
    if (Status done = take(artifact, artifact.resource.back().name); !done) return fail(done.error());
    if (Status done = take_display(path, artifact); !done) return fail(done.error());
  }
  for (const std::string& path : extent.changed) {
    const Artifact artifact = classify_artifact(path);
    if (artifact.resource.empty()) continue;
    if (Status done = take_display(path, artifact); !done) return fail(done.error());
  }
  return out;
}

// Whether the text holds one of these names at all, which most files do not.
bool may_use(std::string_view text, const std::set<std::string>& names) {
  const std::string folded = ascii_lower(text);
  return std::any_of(names.begin(), names.end(), [&folded](const std::string& name) {
    return folded.find(name.substr(name.find('/') + 1)) != std::string::npos;
  });
}

bool may_refer(const TreeFile& file) {
  return file.artifact.kind == ArtifactKind::policy || file.artifact.kind == ArtifactKind::fragment;
}

Status check_file(TreeView& view, TreeReporter& reporter, Names& names, const TreeFile& file, std::string_view text,
                  const std::set<std::string>& deleted, bool only_deleted) {
  for (const policy::Reference& reference : policy::list_references(text)) {
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
  const Result<std::set<std::string>> taken = names_taken(view, names);
  if (!taken) return fail(taken.error());
  for (const TreeFile& file : view.judged()) {
    if (!may_refer(file)) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    if (Status done = check_file(view, reporter, names, file, *text, *taken, false); !done) return done;
  }
  // Only a name that went can break what the change did not touch.
  if (view.options().extent.whole || taken->empty()) return {};
  const Result<std::vector<TreeFile>> all = view.files_below("");
  if (!all) return fail(all.error());
  for (const TreeFile& file : *all) {
    if (!may_refer(file) || view.options().extent.changed.contains(file.path)) continue;
    const Result<std::string> text = view.glance(file.path);
    if (!text) return fail(text.error());
    if (!may_use(*text, *taken)) continue;
    if (Status done = check_file(view, reporter, names, file, *text, *taken, true); !done) return done;
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
