// Old findings that a repository lives with (docs/policy-language.md): {"version":1,"findings":[{"fingerprint":…},…]}.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "hooks/policy/finding.h"

namespace postern::policy {

inline constexpr std::size_t kBaselineMaxBytes = std::size_t{16} << 20;

// Value: fingerprints (Finding::fingerprint).
using Baseline = std::set<std::string, std::less<>>;

// Unknown members are let be. invalid_input: no baseline, or an entry without a fingerprint; limit: too large.
Result<Baseline> parse_baseline(std::string_view text);

// What parse_baseline() reads back; path, rule and message stand in it for people.
std::string baseline_text(const std::vector<Finding>& findings);

}  // namespace postern::policy
