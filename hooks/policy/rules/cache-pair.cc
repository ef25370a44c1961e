// Rule cache-pair: looking up in the cache and storing into it go together.
#include <fmt/core.h>

#include <string_view>

#include "hooks/policy/catalogue.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

struct Pair {
  std::string_view policy;  // in this section
  std::uint8_t partner_in;  // its partner belongs there
  std::string_view partner;
};
constexpr Pair kPairs[] = {
    {"cache-lookup", catalogue::kOutbound, "cache-store"},
    {"cache-store", catalogue::kInbound, "cache-lookup"},
    {"llm-semantic-cache-lookup", catalogue::kOutbound, "llm-semantic-cache-store"},
    {"llm-semantic-cache-store", catalogue::kInbound, "llm-semantic-cache-lookup"},
    {"azure-openai-semantic-cache-lookup", catalogue::kOutbound, "azure-openai-semantic-cache-store"},
    {"azure-openai-semantic-cache-store", catalogue::kInbound, "azure-openai-semantic-cache-lookup"},
};

// Whether the partner stands there, or may come from elsewhere: by inheritance, a fragment or the deployment.
bool may_come(const Subject& s, const Pair& pair) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.place == Place::section && (e.sections & pair.partner_in) != 0 && e.unsettled) return true;
    if ((e.sections & pair.partner_in) == 0) continue;
    if (s.name(e) == pair.partner || s.name(e) == "include-fragment" || e.suggestion == pair.partner) return true;
    // At global scope there is nothing wider.
    if (s.name(e) == "base" && s.options.scope != Scope::global) return true;
  }
  return false;
}

void check(const Subject& s, Reporter& r) {
  // A fragment is half of something, and what an API looks up its operations may store.
  if (!s.model.is_policies() || s.options.scope == Scope::unknown) return;
  for (const Pair& pair : kPairs) {
    const ModelElement* found = nullptr;
    for (const ModelElement& e : s.model.elements())
      if (e.place == Place::policy && s.name(e) == pair.policy && found == nullptr) found = &e;
    if (found == nullptr || may_come(s, pair)) continue;
    if (pair.policy.ends_with("lookup") && s.options.scope != Scope::operation) continue;
    r.add(s.name_range(*found),
          fmt::format("<{}> does nothing without <{}> in {}, and that section inherits none", pair.policy, pair.partner,
                      catalogue::section_name(pair.partner_in)),
          fmt::format("add <{}> to {}, or remove this one", pair.partner, catalogue::section_name(pair.partner_in)));
  }
}

}  // namespace

extern const Rule k_cache_pair;
const Rule k_cache_pair = {
    .id = "cache-pair",
    .severity = Severity::warning,
    .summary = "Looking up in the cache and storing into it go together.",
    .why =
        "cache-store stores only what a cache-lookup in inbound missed, and a lookup finds only what was stored. Told "
        "where the other section neither holds its partner nor inherits nor includes anything.",
    .bad = "<policies><inbound /><outbound><cache-store duration=\"60\" /></outbound></policies>",
    .good =
        "<policies><inbound><cache-lookup vary-by-developer=\"false\" vary-by-developer-groups=\"false\" "
        "/></inbound><outbound><cache-store duration=\"60\" /></outbound></policies>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
