// postern-baseline.json of a repository: any text is a list of fingerprints or an error, and what is written reads
// back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hooks/policy/baseline.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<policy::Baseline> baseline = policy::parse_baseline(text);
  if (!baseline) {
    if (baseline.error().message.empty()) std::abort();
    return 0;
  }
  std::vector<policy::Finding> findings;
  for (const std::string& fingerprint : *baseline) {
    policy::Finding finding;
    finding.path = "apis/a/policy.xml";
    finding.rule = "unknown-element";
    finding.message = fingerprint;
    finding.fingerprint = fingerprint;
    findings.push_back(finding);
  }
  const Result<policy::Baseline> again = policy::parse_baseline(policy::baseline_text(findings));
  if (!again || *again != *baseline) std::abort();
  return 0;
}
