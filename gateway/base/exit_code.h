// The exit codes of every program.
#pragma once

namespace postern {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFindings = 1;        // findings, or denied
inline constexpr int kExitBadUsage = 2;        // bad usage or configuration
inline constexpr int kExitCouldNotFinish = 3;  // the question stays open

}  // namespace postern
