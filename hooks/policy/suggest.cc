#include "hooks/policy/suggest.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::policy {
namespace {

constexpr std::size_t kLongest = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

unsigned allowance(std::string_view name) { return name.size() <= 3 ? 2 : name.size() <= 7 ? 4 : 6; }

}  // namespace

unsigned edit_cost(std::string_view a, std::string_view b, unsigned limit) {
  if (a.size() > kLongest || b.size() > kLongest) return a == b ? 0 : limit + 1;
  // Letter case alone is one slip, however many letters it took.
  if (a != b &&
      std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); })) {
    return 1;
  }
  const std::size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap * 2 > limit) return limit + 1;
  std::array<std::array<unsigned, kLongest + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<unsigned>(2 * j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& before = rows[(i + 1) % 3];
    row[0] = static_cast<unsigned>(2 * i);
    unsigned best = row[0];
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const unsigned change = a[i - 1] == b[j - 1] ? 0U : lower(a[i - 1]) == lower(b[j - 1]) ? 1U : 2U;
      unsigned cost = std::min({above[j] + 2, row[j - 1] + 2, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) cost = std::min(cost, before[j - 2] + 2);
      row[j] = cost;
      best = std::min(best, cost);
    }
    if (best > limit) return limit + 1;
  }
  return rows[a.size() % 3][b.size()];
}

namespace {

// One is the other with a word left out at an end: `variable` and `variable-name`.
bool is_shortened(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (a.size() < 3 || a.size() + 1 >= b.size()) return false;
  return (b.starts_with(a) && b[a.size()] == '-') || (b.ends_with(a) && b[b.size() - a.size() - 1] == '-');
}

}  // namespace

bool is_alike(std::string_view a, std::string_view b) {
  if (is_shortened(a, b)) return true;
  const unsigned limit = std::min(allowance(a), allowance(b));
  return edit_cost(a, b, limit) <= limit;
}

std::string_view closest(std::string_view name, std::span<const std::string_view> names) {
  unsigned best = allowance(name) + 1;
  std::string_view found;
  for (std::string_view candidate : names) {
    if (candidate.empty()) continue;
    const unsigned cost = edit_cost(name, candidate, best);
    if (cost < best) {
      best = cost;
      found = candidate;
    } else if (cost == best && candidate != found) {
      // Two equally near: no guess is better than a wrong one, unless a nearer one comes.
      if (best <= allowance(name)) found = {};
    }
  }
  if (!found.empty() || best <= allowance(name)) return found;
  for (std::string_view candidate : names) {
    if (!is_shortened(name, candidate)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace postern::policy
