#include "hooks/policy/rule.h"

#include <fmt/core.h>

#include "gateway/base/encoding.h"

namespace postern::policy {

void report_faults(const Subject& subject, Reporter& reporter, std::string_view rule) {
  for (const SyntaxFault& f : subject.document.faults()) {
    if (f.rule != rule) continue;
    if (f.rule == "mismatched-tag" && f.node != kNoNode) {
      // Which of the two tags is misspelt? Where the start tag's name means nothing, the finding stands there.
      const std::uint32_t index = subject.model.of_node(f.node);
      if (index != kNoElement && subject.model[index].fit == Fit::unknown_name) continue;
    }
    reporter.add(f.warning ? Severity::warning : Severity::error, f.range, f.message, f.help);
  }
}

void report_expressions(const Subject& subject, Reporter& reporter, std::string_view rule) {
  for (const ExpressionFault& fault : subject.expressions) {
    if (fault.rule != rule) continue;
    if (fault.warning) {
      reporter.add(Severity::warning, fault.range, fault.message, fault.help);
    } else {
      reporter.add(fault.range, fault.message, fault.help);
    }
  }
}

std::string any_of(const std::vector<std::string_view>& names, std::size_t most) {
  std::string out;
  const std::size_t count = std::min(names.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += fmt::format("'{}'", names[i]);
  }
  if (names.size() > count) out += fmt::format(" or {} more", names.size() - count);
  return out;
}

std::string shown(std::string_view text, std::size_t most) {
  std::string out = printable(text.substr(0, most), 4 * most);
  if (text.size() > most) out += "…";
  return out;
}

}  // namespace postern::policy
