#include "hooks/policy/fingerprint.h"

#include <map>
#include <string>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern::policy {

void add_fingerprints(std::vector<Finding>& findings, std::string_view text) {
  std::map<std::string, unsigned> seen;
  std::size_t line_begin = 0;
  unsigned line = 1;
  for (Finding& finding : findings) {
    while (line < finding.line) {
      const std::size_t next = text.find('\n', line_begin);
      if (next == std::string_view::npos) break;
      line_begin = next + 1;
      ++line;
    }
    const std::string_view source =
        text.substr(line_begin, std::min<std::size_t>(text.find('\n', line_begin) - line_begin, 4096));
    std::string key = finding.path;
    key += '\0';
    key += finding.rule;
    key += '\0';
    // A digest of a line that holds a secret would let it be guessed.
    for (char c : finding.hides_source ? std::string_view(finding.message) : source)
      if (c != ' ' && c != '\t' && c != '\r') key += c;
    const unsigned count = seen[key]++;
    key += '\0';
    key += std::to_string(count);
    finding.fingerprint = hex_encode(as_view(sha256(key)).substr(0, 16));
  }
}

}  // namespace postern::policy
