// Time as an argument: whoever needs it is given a Clock.
#pragma once

#include <chrono>
#include <string>

#include "gateway/base/result.h"

namespace postern {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonoTime = std::chrono::steady_clock::time_point;

// Thread-safe: every member may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;  // what a calendar shows; may jump
  virtual MonoTime mono() const = 0;  // never goes back; for time-outs
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  MonoTime mono() const override;
};

// A clock that stands until it is moved; for tests and for replaying a log. Guarded by its owner, not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start) : wall_(start) {}
  WallTime wall() const override { return wall_; }
  MonoTime mono() const override { return mono_; }
  void advance(std::chrono::milliseconds by) {
    wall_ += by;
    mono_ += by;
  }

 private:
  WallTime wall_;
  MonoTime mono_{};
};

// "2026-11-22T14:03:07.123Z" (RFC 3339, UTC, always milliseconds). Times before year 0 or after 9999 show as the
// nearest that has four digits.
std::string to_rfc3339(WallTime time);
// RFC 3339 in any offset, fraction optional; invalid_input otherwise.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace postern
