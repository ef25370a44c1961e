// Any bytes are a document: reading and judging them ends, and every position lies within them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hooks/policy/check.h"
#include "hooks/policy/document.h"

using namespace postern::policy;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const PolicyDocument document = PolicyDocument::parse(text);
  for (const Node& node : document.nodes()) {
    require(node.range.begin <= node.range.end && node.range.end <= size);
    require(node.content.begin <= node.content.end && node.content.end <= size);
    require(node.parent == kNoNode || node.parent < document.nodes().size());
  }
  for (const Attribute& a : document.attributes())
    require(a.value.begin <= a.value.end && a.value.end <= size && a.name.begin <= a.name.end);
  for (const Expression& e : document.expressions()) {
    require(e.range.begin < e.range.end && e.range.end <= size && e.code.end <= e.range.end);
    const DecodedText code = document.decoded_code(e);
    require(code.source(static_cast<std::uint32_t>(code.text.size())) <= size);
  }
  for (const Finding& f : check_policy("fuzz.xml", text, {})) {
    require(f.line >= 1 && f.column >= 1 && !f.message.empty() && f.fingerprint.size() == 32);
    require(f.end_line > f.line || (f.end_line == f.line && f.end_column >= f.column));
  }
  list_references(text);
  // The canonical form is one: taken again, it stays as it is.
  if (document.faults().empty()) {
    const std::string once = canonical(text);
    (void)canonical(once);
  }
  looks_like_policy(text);
  return 0;
}
