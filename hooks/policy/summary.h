// What a document contributes to a call, for what looks at several documents at once.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "hooks/policy/document.h"

namespace postern::policy {

// Value. Names of policies; an included fragment stands as '#' and its id in lower case.
struct SectionSummary {
  bool there = false;
  bool base = false;                // directly in it
  bool unsettled = false;           // placeholders or faults: nothing can be said of what is missing
  Position at;                      // of its name
  std::set<std::string> always;     // runs with the section
  std::set<std::string> sometimes;  // stands in it, perhaps in a branch; holds `always`
};

struct DocumentSummary {
  bool is_fragment = false;
  // By the position of the section's bit: inbound, backend, outbound, on-error. A fragment has the first alone.
  std::array<SectionSummary, 4> sections;
  std::map<std::string, Position> first;  // where each policy stands for the first time
};

DocumentSummary summarize(std::string_view text);

}  // namespace postern::policy
