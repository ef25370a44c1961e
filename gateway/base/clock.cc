#include "gateway/base/clock.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

namespace postern {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::milliseconds;

WallTime SystemClock::wall() const { return floor<milliseconds>(std::chrono::system_clock::now()); }
MonoTime SystemClock::mono() const { return std::chrono::steady_clock::now(); }

std::string to_rfc3339(WallTime time) {
  using std::chrono::January, std::chrono::December, std::chrono::sys_days;
  constexpr WallTime kFirst = sys_days(January / 1 / std::chrono::year(0));
  constexpr WallTime kLast = sys_days(December / 31 / std::chrono::year(9999)) + days(1) - milliseconds(1);
  time = std::clamp(time, kFirst, kLast);
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  // By hand, since every record has one.
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&](std::size_t at, std::size_t digits, auto value) {
    for (auto rest = static_cast<std::uint32_t>(value); digits > 0; rest /= 10) {
      text[at + --digits] = static_cast<char>('0' + rest % 10);
    }
  };
  put(0, 4, static_cast<int>(date.year()));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, clock.hours().count());
  put(14, 2, clock.minutes().count());
  put(17, 2, clock.seconds().count());
  put(20, 3, clock.subseconds().count());
  return text;
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid_input,
                fmt::format("not a time: \"{}\" (accepted: RFC 3339, for example 2027-01-01T00:00:00Z)", text));
  };
  std::size_t at = 0;
  bool sound = true;
  const auto digits = [&](int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (at >= text.size() || text[at] < '0' || text[at] > '9') {
        sound = false;
        return 0;
      }
      value = value * 10 + (text[at++] - '0');
    }
    return value;
  };
  const auto expect = [&](std::string_view accepted) {
    if (at >= text.size() || accepted.find(text[at]) == std::string_view::npos) {
      sound = false;
      return '\0';
    }
    return text[at++];
  };
  const int year = digits(4);
  expect("-");
  const int month = digits(2);
  expect("-");
  const int day = digits(2);
  expect("Tt ");
  const int hour = digits(2);
  expect(":");
  const int minute = digits(2);
  expect(":");
  const int second = digits(2);
  int millis = 0;
  if (sound && at < text.size() && text[at] == '.') {
    ++at;
    int seen = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++seen) {
      if (seen < 3) millis = millis * 10 + (text[at] - '0');
    }
    if (seen == 0) sound = false;
    for (; seen < 3; ++seen) millis *= 10;
  }
  int offset_minutes = 0;
  const char zone = expect("Zz+-");
  if (zone == '+' || zone == '-') {
    const int offset_hour = digits(2);
    expect(":");
    const int offset_minute = digits(2);
    if (offset_hour > 23 || offset_minute > 59) sound = false;
    offset_minutes = (offset_hour * 60 + offset_minute) * (zone == '-' ? -1 : 1);
  }
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!sound || at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute - offset_minutes) + std::chrono::seconds(second) + milliseconds(millis);
}

}  // namespace postern
