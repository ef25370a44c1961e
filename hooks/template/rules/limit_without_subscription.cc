#include <fmt/core.h>

#include "hooks/policy/summary.h"
#include "hooks/template/information.h"

namespace postern::tree {
namespace {

// The folder of a file, with its slash.
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

Status check(TreeView& view, TreeReporter& reporter) {
  std::set<std::string> policies;
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.scope == policy::Scope::api && file.artifact.kind == ArtifactKind::policy)
      policies.insert(file.path);
    if (information_kind(file) == "api") {
      const std::string path = folder_of(file.path) + "policy.xml";
      const Result<bool> there = view.exists(path);
      if (!there) return fail(there.error());
      if (*there) policies.insert(path);
    }
  }
  for (const std::string& path : policies) {
    const std::string information_path = folder_of(path) + "apiInformation.json";
    const Result<bool> there = view.exists(information_path);
    if (!there) return fail(there.error());
    if (!*there) continue;
    const Result<std::string> body = view.glance(information_path);
    if (!body) return fail(body.error());
    const std::optional<Information> information = Information::read(*body);
    const json::Value* required = information ? information->at({"subscriptionRequired"}) : nullptr;
    if (required == nullptr || required->as_bool() == nullptr || *required->as_bool()) continue;
    const Result<std::string> text = view.glance(path);
    if (!text) return fail(text.error());
    const policy::DocumentSummary summary = policy::summarize(*text);
    for (const char* name : {"rate-limit", "quota"}) {
      const auto at = summary.first.find(name);
      if (at == summary.first.end()) continue;
      reporter.add_at(path, at->second.line, at->second.column,
                      fmt::format("<{}> counts per subscription, and this API takes calls without one: they are not "
                                  "limited",
                                  name),
                      fmt::format("use <{}-by-key> with a counter-key such as @(context.Request.IpAddress), or set "
                                  "subscriptionRequired",
                                  name));
    }
  }
  return {};
}

}  // namespace

const TreeRule kLimitWithoutSubscription{
    {"limit-without-subscription", policy::Severity::warning, "A limit counts by something that every call has.",
     "rate-limit and quota count the calls of a subscription. Where the API demands none, calls without a key are not "
     "counted.",
     "<rate-limit calls=\"10\" renewal-period=\"60\" /> in an API with \"subscriptionRequired\": false",
     "<rate-limit-by-key calls=\"10\" renewal-period=\"60\" counter-key=\"@(context.Request.IpAddress)\" />"},
    check};

}  // namespace postern::tree
