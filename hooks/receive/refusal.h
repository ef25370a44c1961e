// Why a whole push is refused before any ref of it is looked at.
#pragma once

#include <string>

namespace postern::receive {

// Value. `rule` is a stable id ("ticket", "marker", "spool", …); `fix` says what would help, and whom to ask.
struct Refusal {
  std::string rule;
  std::string reason;
  std::string fix;
};

}  // namespace postern::receive
