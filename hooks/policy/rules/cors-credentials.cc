// Rule cors-credentials: cors with credentials names its origins.
#include <string>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy == nullptr || e.policy->name != "cors") continue;
    const Attribute* a = s.document.attribute(s.node(e), "allow-credentials");
    if (a == nullptr || (s.document.value(*a) != "true" && s.document.value(*a) != "1")) continue;
    for (std::uint32_t list : s.model.children(e)) {
      if (s.name(s.model[list]) != "allowed-origins") continue;
      for (std::uint32_t origin : s.model.children(s.model[list])) {
        const ModelElement& o = s.model[origin];
        if (o.first_text == kNoNode) continue;
        std::string text = s.document.decoded(s.document.node(o.first_text).range);
        std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
        if (text == "*")
          r.add(s.document.node(o.first_text).range, "allow-credentials=\"true\" does not go with the origin '*'",
                "name the origins, or set allow-credentials=\"false\"");
      }
    }
  }
}

}  // namespace

extern const Rule k_cors_credentials;
const Rule k_cors_credentials = {
    .id = "cors-credentials",
    .severity = Severity::warning,
    .summary = "cors with credentials names its origins.",
    .why =
        "A browser refuses credentials for the origin *, and allowing every origin to act for the user is what cors is "
        "there to prevent.",
    .bad = "<cors allow-credentials=\"true\"><allowed-origins><origin>*</origin></allowed-origins></cors>",
    .good =
        "<cors "
        "allow-credentials=\"true\"><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
