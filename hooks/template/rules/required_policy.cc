#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/policy/catalogue.h"
#include "hooks/policy/summary.h"
#include "hooks/template/references.h"

namespace postern::tree {
namespace {

using policy::DocumentSummary;
using policy::PolicyDemand;
using policy::Scope;
using policy::SectionSummary;

// Ordered: what is more.
enum class Have { no, sometimes, unknown, yes };

// One tree: as it is, or as it was before the change.
class Documents {
 public:
  // nullopt: no such file.
  using Read = std::function<Result<std::optional<std::string>>(const std::string& path)>;
  explicit Documents(Read read) : read_(std::move(read)) {}

  // Null when there is none.
  Result<const DocumentSummary*> at(const std::string& path) {
    const auto known = known_.find(path);
    if (known != known_.end()) return known->second ? &*known->second : nullptr;
    const Result<std::optional<std::string>> text = read_(path);
    if (!text) return fail(text.error());
    auto& summary = known_[path];
    if (*text) summary = policy::summarize(**text);
    return summary ? &*summary : nullptr;
  }

 private:
  Read read_;
  std::map<std::string, std::optional<DocumentSummary>> known_;
};

// What may owe a policy: an API, a product, … and the documents whose policies its calls meet, innermost first.
struct Owner {
  Scope scope = Scope::unknown;
  std::string folder;  // below the root, with its slash; empty for the service itself
  std::string first;   // a file of it, to point at where it has no document
  std::vector<std::string> documents() const {
    std::vector<std::string> out{folder + "policy.xml"};
    const Artifact artifact = classify_artifact(folder + "policy.xml");
    // Two names to a step: an operation's API, then its workspace, then the service. A product is no step: its policy
    // is met only by calls with its subscription.
    std::string outer = folder;
    for (std::size_t i = artifact.resource.size(); i-- > 0;) {
      for (int names = 0; names < 2; ++names) {
        outer.pop_back();
        const std::size_t slash = outer.rfind('/');
        outer.resize(slash == std::string::npos ? 0 : slash + 1);
      }
      out.push_back(outer + "policy.xml");
    }
    return out;
  }
};

std::string owner_text(const Owner& owner) {
  const Artifact artifact = classify_artifact(owner.folder + "policy.xml");
  if (artifact.resource.empty()) return "the service";
  return fmt::format("{} '{}'", to_string(owner.scope), printable(artifact.resource.back().name, 100));
}

// The owner that a file belongs to or stands in: for a file of an operation that operation, and its API as well.
std::vector<Owner> owners_of(const std::string& path) {
  std::vector<Owner> out;
  const Artifact artifact = classify_artifact(path);
  std::size_t at = 0;
  for (std::size_t i = 0; i < artifact.resource.size(); ++i) {
    at = path.find('/', path.find('/', at) + 1) + 1;
    const std::string folder = path.substr(0, at);
    const Scope scope = classify_artifact(folder + "policy.xml").scope;
    if (scope == Scope::api || scope == Scope::product || scope == Scope::operation || scope == Scope::workspace)
      out.push_back({scope, folder, path});
  }
  return out;
}

class Judge {
 public:
  Judge(TreeView& view, const PolicyDemand& demand, Documents& documents)
      : view_(view), demand_(demand), documents_(documents) {}

  // What the documents give for the demand, together.
  Result<Have> have(const std::vector<std::string>& documents) {
    Have best = Have::no;
    for (unsigned section = 0; section < 4; ++section) {
      if (demand_.sections != 0 && (demand_.sections & (1U << section)) == 0) continue;
      const Result<Have> one = have(documents, section);
      if (!one) return one;
      best = std::max(best, *one);
    }
    return best;
  }

 private:
  Result<Have> have(const std::vector<std::string>& documents, unsigned section) {
    Have best = Have::no;
    for (const std::string& path : documents) {
      const Result<const DocumentSummary*> summary = documents_.at(path);
      if (!summary) return fail(summary.error());
      // No document: the wider scope's policies run as they are.
      if (*summary == nullptr) continue;
      const SectionSummary& own = (*summary)->sections[section];
      const Result<Have> here = in_section(own, path, 0);
      if (!here) return here;
      best = std::max(best, *here);
      if (own.unsettled) best = std::max(best, Have::unknown);
      // Without <base /> nothing wider runs, and without the section either.
      if (best == Have::yes || !own.base) return best;
    }
    return best;
  }

  Result<Have> in_section(const SectionSummary& section, const std::string& path, int depth) {
    Have best = Have::no;
    for (const std::string& name : section.sometimes) {
      const bool always = section.always.contains(name) || demand_.conditional;
      Have one = Have::no;
      if (name.starts_with('#')) {
        const Result<Have> included = in_fragment(name.substr(1), path, depth + 1);
        if (!included) return included;
        one = *included;
      } else if (std::find(demand_.policies.begin(), demand_.policies.end(), name) != demand_.policies.end()) {
        one = Have::yes;
      }
      if (one == Have::yes && !always) one = Have::sometimes;
      best = std::max(best, one);
    }
    return best;
  }

  Result<Have> in_fragment(const std::string& name, const std::string& path, int depth) {
    if (depth > 8) return Have::no;  // fragment-cycle
    std::vector<std::string> collections{"policyFragments"};
    const Artifact artifact = classify_artifact(path);
    if (const std::string* workspace = artifact.name_in("workspaces"))
      collections.insert(collections.begin(), "workspaces/" + *workspace + "/policyFragments");
    for (const std::string& collection : collections) {
      const Result<std::string> folder = fragment_folder(collection, name);
      if (!folder) return fail(folder.error());
      if (folder->empty()) continue;
      const Result<const DocumentSummary*> summary = documents_.at(*folder + "/policy.xml");
      if (!summary) return fail(summary.error());
      if (*summary != nullptr) return in_section((*summary)->sections[0], *folder + "/policy.xml", depth);
    }
    return Have::unknown;  // it lives elsewhere
  }

  // Empty: there is none of that folded name.
  Result<std::string> fragment_folder(const std::string& collection, const std::string& name) {
    auto known = folders_.find(collection);
    if (known == folders_.end()) {
      const Result<std::vector<std::string>> folders = resource_folders(view_, collection);
      if (!folders) return fail(folders.error());
      known = folders_.emplace(collection, std::map<std::string, std::string>()).first;
      for (const std::string& folder : *folders)
        known->second.emplace(ascii_lower(folder.substr(folder.rfind('/') + 1)), folder);
    }
    const auto at = known->second.find(name);
    return at == known->second.end() ? std::string() : at->second;
  }

  TreeView& view_;
  const PolicyDemand& demand_;
  Documents& documents_;
  std::map<std::string, std::map<std::string, std::string>> folders_;  // by collection and folded name
};

std::string section_text(std::uint8_t sections) {
  std::string out;
  for (unsigned i = 0; i < 4; ++i)
    if ((sections & (1U << i)) != 0)
      out += fmt::format("{}{}", out.empty() ? " in " : " or ",
                         policy::catalogue::section_name(static_cast<std::uint8_t>(1U << i)));
  return out;
}

std::string demand_text(const PolicyDemand& demand) {
  std::string out;
  for (const std::string& name : demand.policies) out += fmt::format("{}<{}>", out.empty() ? "" : " or ", name);
  return out + section_text(demand.sections);
}

// Everything that may owe something, once each, by folder.
Result<std::map<std::string, Owner>> find_owners(TreeView& view) {
  const Extent& extent = view.options().extent;
  std::set<std::string> below;  // folders whose owners are judged
  const auto note = [&](const std::string& path) {
    const std::vector<Owner> owners = owners_of(path);
    const Artifact artifact = classify_artifact(path);
    const bool wide =
        artifact.scope == Scope::global || artifact.scope == Scope::workspace || artifact.scope == Scope::fragment;
    // What stands in a wide place is inherited everywhere.
    if (wide || owners.empty()) {
      if (wide) below.insert("");
      return;
    }
    for (const Owner& owner : owners)
      if (owner.scope != Scope::workspace) {
        below.insert(owner.folder);
        break;
      }
  };
  if (extent.whole) {
    below.insert("");
  } else {
    for (const std::string& path : extent.changed) note(path);
    for (const std::string& path : extent.deleted) note(path);
  }
  if (below.contains("")) below = {""};
  std::map<std::string, Owner> out;
  for (const std::string& folder : below) {
    const Result<std::vector<TreeFile>> files =
        view.files_below(folder.empty() ? std::string_view() : std::string_view(folder).substr(0, folder.size() - 1));
    if (!files) return fail(files.error());
    for (const TreeFile& file : *files)
      for (Owner& owner : owners_of(file.path)) out.emplace(owner.folder, std::move(owner));
    if (folder.empty() && !files->empty()) out.emplace("", Owner{Scope::global, "", "policy.xml"});
  }
  return out;
}

Documents documents_now(TreeView& view) {
  return Documents([&view](const std::string& path) -> Result<std::optional<std::string>> {
    const Result<bool> there = view.exists(path);
    if (!there) return fail(there.error());
    if (!*there) return std::optional<std::string>();
    Result<std::string> text = view.glance(path);
    if (!text) return fail(text.error());
    return std::optional(std::move(*text));
  });
}

Documents documents_before(TreeView& view) {
  return Documents([&view](const std::string& path) -> Result<std::optional<std::string>> {
    Result<std::string> text = view.text_before(path);
    if (!text && text.error().code == ErrorCode::not_found) return std::optional<std::string>();
    if (!text) return fail(text.error());
    return std::optional(std::move(*text));
  });
}

// Says what is missing, at the innermost document, else at a file of the owner.
Status report(TreeReporter& reporter, const PolicyDemand& demand, const Owner& owner, Have have, Documents& documents) {
  const std::string path = owner.folder + "policy.xml";
  const Result<const DocumentSummary*> summary = documents.at(path);
  if (!summary) return fail(summary.error());
  policy::Position at;
  std::string place = owner.first;
  bool cut = false;  // nothing is inherited here
  bool any = false;
  if (*summary != nullptr) {
    place = path;
    for (unsigned i = 4; i-- > 0;) {
      const SectionSummary& section = (*summary)->sections[i];
      if ((demand.sections != 0 && (demand.sections & (1U << i)) == 0) || !section.there) continue;
      any = true;
      at = section.at;
      cut |= !section.base;
    }
    cut |= demand.sections != 0 && !any;
  }
  const std::string why = demand.why.empty() ? "" : ": " + printable(demand.why, 200);
  std::string how =
      have == Have::sometimes ? "it runs only in a branch; put it in front of <choose>"
      : have == Have::unknown ? "a fragment that is not in this tree, or a placeholder, may bring it"
      : cut && owner.scope != Scope::global
          ? std::string("add it, or <base /> where a wider scope has it: without <base /> nothing is inherited")
          : "add it here or at a wider scope";
  reporter.add_at(place, at.line, at.column, fmt::format("{} needs {}{}", owner_text(owner), demand_text(demand), why),
                  std::move(how), have == Have::unknown ? std::optional(policy::Severity::warning) : std::nullopt);
  return {};
}

Status check_demand(TreeView& view, TreeReporter& reporter, const PolicyDemand& demand,
                    const std::map<std::string, Owner>& owners, Documents& now, Documents& before) {
  Judge judge(view, demand, now);
  Judge judge_before(view, demand, before);
  const auto touched = [&](const Owner& owner) {
    if (view.options().extent.whole || view.options().before == nullptr) return true;
    const auto is_below = [&](const std::string& path) { return path.starts_with(owner.folder); };
    const Extent& extent = view.options().extent;
    return !owner.folder.empty() && (std::any_of(extent.changed.begin(), extent.changed.end(), is_below) ||
                                     std::any_of(extent.deleted.begin(), extent.deleted.end(), is_below));
  };
  for (const auto& [folder, owner] : owners) {
    const bool own = demand.is_about(owner.scope);
    // What an API must have, each of its operations must not drop.
    const bool of_api = owner.scope == Scope::operation && demand.is_about(Scope::api);
    if (!own && !of_api) continue;
    const std::vector<std::string> documents = owner.documents();
    if (!demand.is_about(view.full_path(documents[0])) &&
        !(of_api && !own && demand.is_about(view.full_path(documents[1]))))
      continue;
    const Result<Have> have = judge.have(documents);
    if (!have) return fail(have.error());
    if (*have == Have::yes) continue;
    if (!own) {
      // Where the API itself lacks it, that is the finding.
      const Result<Have> of_outer = judge.have({documents.begin() + 1, documents.end()});
      if (!of_outer) return fail(of_outer.error());
      if (*of_outer != Have::yes) continue;
    }
    if (!touched(owner)) {
      const Result<Have> was = judge_before.have(documents);
      if (!was) return fail(was.error());
      if (*was != Have::yes) continue;  // that was so before
    }
    if (Status done = report(reporter, demand, owner, *have, now); !done) return done;
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  const std::vector<PolicyDemand>& demands = view.options().guardrails.required;
  if (demands.empty()) return {};
  const Result<std::map<std::string, Owner>> owners = find_owners(view);
  if (!owners) return fail(owners.error());
  Documents now = documents_now(view);
  Documents before = documents_before(view);
  for (const PolicyDemand& demand : demands)
    if (Status done = check_demand(view, reporter, demand, *owners, now, before); !done) return done;
  return {};
}

}  // namespace

const TreeRule kRequiredPolicy{
    {"required-policy", policy::Severity::error, "What must have a policy has it, itself or by inheritance.",
     "[[required]] in the settings names policies, one of which each API, product, operation, workspace or the service "
     "must have. It counts where it runs always: in the document itself, in a fragment that it includes, and in wider "
     "scopes as far as <base /> reaches. No document at a scope means that the wider one runs as it is. A product's "
     "policy does not count for its APIs, since calls without its subscription do not meet it. Silent without one.",
     "<!-- apis/orders/policy.xml --> <policies><inbound></inbound></policies> with [[required]] policies = "
     "[\"validate-jwt\"], scopes = [\"api\"], sections = [\"inbound\"]",
     "<!-- apis/orders/policy.xml --> <policies><inbound><base /></inbound></policies> where the global policy has "
     "<validate-jwt>"},
    check};

}  // namespace postern::tree
