// Rule document-size: the file is not larger than what is read and what the service takes.
#include <fmt/core.h>

#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

constexpr std::size_t kPolicyBytes = 256 * 1024;
constexpr std::size_t kFragmentBytes = 32 * 1024;

void check(const Subject& s, Reporter& r) {
  report_faults(s, r, "document-size");
  const std::size_t limit = s.model.is_fragment() ? kFragmentBytes : kPolicyBytes;
  const std::size_t size = s.document.text().size();
  if (s.document.root() == kNoNode || size <= limit) return;
  r.add(Severity::warning, s.document.node(s.document.root()).name,
        fmt::format("the {} has {} bytes; the service documents a limit of {}",
                    s.model.is_fragment() ? "fragment" : "policy", size, limit),
        "move what repeats into fragments");
}

}  // namespace

extern const Rule k_document_size;
const Rule k_document_size = {
    .id = "document-size",
    .severity = Severity::error,
    .summary = "The file is not larger than what is read and what the service takes.",
    .why =
        "The service takes 256 KiB for a policy (16 KiB on the Consumption tier) and 32 KiB for a fragment; beyond "
        "that a save fails.",
    .bad = "a policy document of 300 KiB",
    .good = "the same, with its common parts in fragments",
    .check = check,
    .syntax = true,
};

}  // namespace postern::policy
