#include <fmt/core.h>

#include <map>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/policy/outbound.h"
#include "hooks/template/information.h"
#include "hooks/template/references.h"

namespace postern::tree {
namespace {

using policy::HostPattern;
using policy::Unknown;

// The values of named values, read when first asked for.
class NamedValues {
 public:
  explicit NamedValues(TreeView& view) : view_(view) {}

  // By folded display name; nullopt stands for one whose value the tree does not hold (secret, Key Vault).
  using Values = std::map<std::string, std::optional<std::string>>;
  // Those that a file sees: its workspace's in front of the service's.
  Result<Values> seen_from(const Artifact& from) {
    Result<Values> out = in("namedValues");
    if (!out) return out;
    if (const std::string* workspace = from.name_in("workspaces")) {
      Result<Values> local = in("workspaces/" + *workspace + "/namedValues");
      if (!local) return local;
      for (auto& [name, value] : *local) (*out)[name] = value;
    }
    return out;
  }

 private:
  Result<Values> in(const std::string& collection) {
    if (const auto at = known_.find(collection); at != known_.end()) return at->second;
    const Result<std::vector<std::string>> folders = resource_folders(view_, collection);
    if (!folders) return fail(folders.error());
    Values values;
    for (const std::string& folder : *folders) {
      const Result<std::vector<std::string>> files = view_.names_in(folder);
      if (!files) return fail(files.error());
      for (const std::string& file : *files) {
        if (classify_artifact(folder + "/" + file).kind != ArtifactKind::information) continue;
        const Result<std::string> text = view_.glance(folder + "/" + file);
        if (!text) return fail(text.error());
        const std::optional<Information> information = Information::read(*text);
        if (!information) continue;
        const std::string* display = information->properties().find_string("displayName");
        const std::string* value = information->properties().find_string("value");
        const json::Value* secret = information->at({"secret"});
        const bool hidden = secret != nullptr && secret->as_bool() != nullptr && *secret->as_bool();
        values[ascii_lower(display != nullptr ? *display : folder.substr(folder.rfind('/') + 1))] =
            value == nullptr || hidden ? std::nullopt : std::optional(*value);
      }
    }
    return known_.emplace(collection, std::move(values)).first->second;
  }

  TreeView& view_;
  std::map<std::string, Values> known_;
};

struct Verdict {
  std::string message;  // empty: allowed
  std::optional<policy::Severity> severity;
};

Verdict judge(const std::vector<HostPattern>& hosts, const std::string& where, const std::string& known, bool open,
              const NamedValues::Values& values) {
  std::set<std::string> missing;
  const std::string url = policy::with_values(known, [&](std::string_view name) -> std::optional<std::string> {
    const auto at = values.find(ascii_lower(name));
    if (at != values.end() && at->second) return at->second;
    missing.insert(std::string(name));
    return std::nullopt;
  });
  const policy::HostReading read = policy::host_of(url, open);
  switch (read.unknown) {
    case Unknown::none:
      if (policy::is_allowed(hosts, read.host)) return {};
      return {fmt::format("{} leads to '{}:{}', which is no allowed host", where, printable(read.host.name, 120),
                          printable(read.host.port, 8)),
              {}};
    case Unknown::named_value:
      return {fmt::format("the host of {} comes from named value '{}', whose value is not in this tree; whether it is "
                          "allowed cannot be seen",
                          where, missing.empty() ? std::string() : printable(*missing.begin(), 100)),
              policy::Severity::warning};
    case Unknown::computed:
    case Unknown::no_address: break;
  }
  return {fmt::format("the host of {} cannot be read; whether it is allowed cannot be seen", where),
          policy::Severity::warning};
}

Status check_document(const TreeFile& file, std::string_view text, const std::vector<HostPattern>& hosts,
                      NamedValues& named, TreeReporter& reporter) {
  const std::vector<policy::NamedAddress> addresses = policy::list_named_addresses(text);
  if (addresses.empty()) return {};
  const Result<NamedValues::Values> values = named.seen_from(file.artifact);
  if (!values) return fail(values.error());
  for (const policy::NamedAddress& one : addresses) {
    const Verdict verdict = judge(hosts, one.where, one.known, one.open, *values);
    if (!verdict.message.empty())
      reporter.add_at(file.path, one.begin.line, one.begin.column, verdict.message, policy::allowed_text(hosts),
                      verdict.severity);
  }
  return {};
}

Status check_information(const TreeFile& file, std::string_view text, const std::vector<HostPattern>& hosts,
                         NamedValues& named, TreeReporter& reporter) {
  const std::string kind = information_kind(file);
  if (kind != "backend" && kind != "api") return {};
  const std::optional<Information> information = Information::read(text);
  if (!information) return {};
  std::vector<std::pair<std::string, const json::Value*>> urls;
  if (kind == "api") {
    urls.emplace_back("serviceUrl", information->at({"serviceUrl"}));
  } else {
    // A pool has no address of its own; its members do.
    const std::string* type = information->properties().find_string("type");
    if (type == nullptr || ascii_lower(*type) != "pool") urls.emplace_back("url", information->at({"url"}));
    urls.emplace_back("proxy.url", information->at({"proxy", "url"}));
    const json::Value* cluster = information->at({"properties", "serviceFabricCluster", "managementEndpoints"});
    if (cluster != nullptr && cluster->as_array() != nullptr)
      for (const json::Value& one : *cluster->as_array()) urls.emplace_back("managementEndpoints", &one);
  }
  for (const auto& [where, value] : urls) {
    const std::string* url = value == nullptr ? nullptr : value->as_string();
    // Service Fabric services are named, not addressed.
    if (url == nullptr || url->empty() || url->starts_with("fabric:")) continue;
    const Result<NamedValues::Values> values = named.seen_from(file.artifact);
    if (!values) return fail(values.error());
    const Verdict verdict = judge(hosts, where, *url, false, *values);
    if (!verdict.message.empty())
      information->add(reporter, file.path, text, *value, verdict.message, policy::allowed_text(hosts),
                       verdict.severity);
  }
  return {};
}

bool is_document(const TreeFile& file) {
  return file.artifact.kind == ArtifactKind::policy || file.artifact.kind == ArtifactKind::fragment;
}

bool is_named_value(const std::string& path) {
  const Artifact artifact = classify_artifact(path);
  return !artifact.resource.empty() && artifact.resource.back().collection == "namedValues";
}

Status check(TreeView& view, TreeReporter& reporter) {
  const auto& hosts = view.options().guardrails.allowed_hosts;
  if (!hosts) return {};
  NamedValues named(view);
  bool values_changed = false;
  for (const std::string& path : view.options().extent.deleted) values_changed |= is_named_value(path);
  for (const TreeFile& file : view.judged()) {
    values_changed |= is_named_value(file.path);
    if (!is_document(file) && file.artifact.kind != ArtifactKind::information) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    const Status done = is_document(file) ? check_document(file, *text, *hosts, named, reporter)
                                          : check_information(file, *text, *hosts, named, reporter);
    if (!done) return done;
  }
  if (view.options().extent.whole || !values_changed) return {};
  // Another value may lead what the change did not touch elsewhere.
  const Result<std::vector<TreeFile>> all = view.files_below("");
  if (!all) return fail(all.error());
  for (const TreeFile& file : *all) {
    if (view.options().extent.changed.contains(file.path)) continue;
    const bool document = is_document(file);
    if (!document && information_kind(file) != "backend" && information_kind(file) != "api") continue;
    const Result<std::string> text = view.glance(file.path);
    if (!text) return fail(text.error());
    if (text->find("{{") == std::string::npos) continue;
    const Status done = document ? check_document(file, *text, *hosts, named, reporter)
                                 : check_information(file, *text, *hosts, named, reporter);
    if (!done) return done;
  }
  return {};
}

}  // namespace

const TreeRule kArtifactHost{
    {"artifact-host", policy::Severity::error,
     "Backends, APIs and addresses with named values lead to hosts that the organisation allows.",
     "With allowed_hosts in the settings: the addresses of backend and API artifacts, and those of documents whose "
     "host "
     "a named value brings, judged with its value in this tree. A value that the tree does not hold (a secret, Key "
     "Vault) is a warning. For addresses that stand in a document: allowed-host. Silent without that setting.",
     "{ \"properties\": { \"url\": \"https://paste.example.net\" } }",
     "{ \"properties\": { \"url\": \"https://orders.contoso.com\" } } with allowed_hosts = [\"*.contoso.com\"]"},
    check};

}  // namespace postern::tree
