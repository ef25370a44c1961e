// A commit as people read it.
#pragma once

#include <string>
#include <string_view>

namespace postern::deploy {

// Its first twelve digits: what is short enough for a line and, in one repository, still names it.
inline std::string brief(std::string_view commit) { return std::string(commit.substr(0, 12)); }

}  // namespace postern::deploy
