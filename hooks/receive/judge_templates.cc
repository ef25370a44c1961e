#include "hooks/receive/judge_templates.h"

#include <functional>
#include <set>

#include "gateway/git/lfs.h"
#include "hooks/template/artifact.h"
#include "hooks/template/tree.h"

namespace postern::receive {
namespace {

policy::Finding whole_file(const std::string& path, std::string rule, std::string message, std::string help) {
  policy::Finding finding;
  finding.path = path;
  finding.rule = std::move(rule);
  finding.severity = policy::Severity::error;
  finding.message = std::move(message);
  finding.help = std::move(help);
  return finding;
}

// Takes away what the baseline holds: without more where the repository may relax the rule, else only what is also
// among the findings `before` the push, which are asked for at most once.
Status take_baselined(std::vector<policy::Finding>& findings, const RepositorySettings& settings,
                      std::vector<policy::Finding>* dropped,
                      const std::function<Result<std::vector<policy::Finding>>()>& before) {
  if (settings.baseline.empty()) return {};
  std::optional<std::set<std::string>> known;
  std::vector<policy::Finding> kept;
  for (policy::Finding& finding : findings) {
    bool goes = !finding.fingerprint.empty() && settings.baseline.contains(finding.fingerprint);
    if (goes && !settings.may_relax(finding.rule)) {
      if (!known) {
        const Result<std::vector<policy::Finding>> stood = before();
        if (!stood) return fail(stood.error());
        known.emplace();
        for (const policy::Finding& one : *stood) known->insert(one.fingerprint);
      }
      goes = known->contains(finding.fingerprint);
    }
    if (!goes) {
      kept.push_back(std::move(finding));
    } else if (dropped != nullptr) {
      dropped->push_back(std::move(finding));
    }
  }
  findings = std::move(kept);
  return {};
}

}  // namespace

std::optional<TemplatePlace> template_at(const access::Templates& templates, std::string_view path) {
  const std::optional<std::string_view> below = tree::below_root(templates.root, path);
  if (!below) return std::nullopt;
  if (templates.layout == "loose") return TemplatePlace{policy::Scope::unknown, true};
  const tree::Artifact artifact = tree::classify_artifact(*below);
  switch (artifact.kind) {
    case tree::ArtifactKind::policy:
    case tree::ArtifactKind::fragment:
    case tree::ArtifactKind::other_policy: return TemplatePlace{artifact.scope, false};
    default: return std::nullopt;
  }
}

Result<std::vector<policy::Finding>> check_template(const repo::PushedTree& tree, const TemplatePlace& place,
                                                    const std::string& path, const repo::Entry& entry,
                                                    const RepositorySettings& settings, std::uint64_t max_bytes,
                                                    std::int64_t today, policy::CheckCounts* counts) {
  std::vector<policy::Finding> findings;
  if (!entry.is_file()) {
    if (place.by_content) return findings;
    findings.push_back(whole_file(path, "no-file", "a policy template must be a regular file, not a link or submodule",
                                  "commit the document itself at this path"));
    return findings;
  }
  Result<std::uint64_t> size = tree.blob_size(entry.id);
  if (!size) return fail(in_context(path, size.error()));
  if (*size > max_bytes) {
    // A large file that no reader takes for a policy by its name is not ours to refuse.
    if (place.by_content && !path.ends_with(".xml")) return findings;
    return fail(ErrorCode::limit, path + " has " + std::to_string(*size) + " bytes");
  }
  Result<std::string> text = tree.read_blob(entry.id, max_bytes);
  if (!text) return fail(in_context(path, text.error()));
  // A pointer says nothing about the document it stands for, and those bytes never pass a hook.
  if (git::is_lfs_pointer(*text) && (!place.by_content || path.ends_with(".xml"))) {
    findings.push_back(whole_file(path, "lfs-pointer", "a Git LFS pointer stands where a policy template must be",
                                  "take this path out of .gitattributes and commit the document itself"));
    return findings;
  }
  if (place.by_content && !policy::looks_like_policy(*text)) return findings;
  policy::CheckOptions options;
  options.scope = place.scope;
  options.severity = settings.levels_for(path);
  options.guardrails = settings.repository.guardrails_for(path);
  options.may_suppress = settings.may_suppress;
  options.today = today;
  return policy::check_policy(path, *text, options, counts);
}

Status drop_baselined(std::vector<policy::Finding>& findings, const repo::PushedTree& tree, const TemplatePlace& place,
                      const std::string& path, const std::optional<repo::Entry>& entry_before,
                      const RepositorySettings& settings, std::uint64_t max_bytes, std::int64_t today,
                      std::vector<policy::Finding>* dropped) {
  return take_baselined(findings, settings, dropped, [&]() -> Result<std::vector<policy::Finding>> {
    if (!entry_before) return std::vector<policy::Finding>{};
    return check_template(tree, place, path, *entry_before, settings, max_bytes, today);
  });
}

Result<std::vector<policy::Finding>> check_tree_change(
    const repo::PushedTree& tree, const access::Templates& templates, const std::optional<repo::ObjectId>& before,
    const repo::ObjectId& after, const std::vector<repo::Change>& changes, bool complete,
    const RepositorySettings& settings, std::uint64_t max_bytes, std::int64_t today,
    std::vector<policy::Finding>* dropped, std::vector<policy::Finding>* suppressed, tree::KeptWords* kept) {
  if (templates.layout == "loose") return std::vector<policy::Finding>{};
  tree::TreeOptions options;
  options.extent.whole = complete;
  options.max_file_bytes = max_bytes;
  tree::declare(options, settings.repository);
  tree::Extent before_change;
  before_change.whole = false;
  for (const repo::Change& change : changes) {
    const std::optional<std::string_view> below = tree::below_root(templates.root, change.path);
    if (!below) continue;
    const bool was = change.before && change.before->is_file();
    if (change.after && change.after->is_file()) {
      options.extent.changed.emplace(*below);
    } else if (was) {
      options.extent.deleted.emplace(*below);
    }
    if (was) before_change.changed.emplace(*below);
  }
  if (options.extent.changed.empty() && options.extent.deleted.empty()) return std::vector<policy::Finding>{};
  const std::unique_ptr<repo::FileSource> files = repo::commit_source(tree, after);
  const std::unique_ptr<repo::FileSource> old = before ? repo::commit_source(tree, *before) : nullptr;
  options.before = old.get();
  options.kept = kept;
  options.levels_for = [&settings](const std::string& path) { return settings.levels_for(path); };
  options.may_suppress = settings.may_suppress;
  options.today = today;
  Result<std::vector<policy::Finding>> findings = tree::check_tree(*files, templates.root, options, suppressed);
  if (!findings) return findings;
  const Status taken = take_baselined(*findings, settings, dropped, [&]() -> Result<std::vector<policy::Finding>> {
    if (!old) return std::vector<policy::Finding>{};
    tree::TreeOptions then = options;
    then.extent = before_change;
    then.before = nullptr;
    return tree::check_tree(*old, templates.root, then);
  });
  if (!taken) return fail(taken.error());
  return findings;
}

}  // namespace postern::receive
