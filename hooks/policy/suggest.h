// "Did you mean": which of the known names a misspelt one is closest to.
#pragma once

#include <span>
#include <string_view>

namespace postern::policy {

// Insertions, deletions, replacements and swaps of neighbours, case counted as half; stops at `limit`. Twice the
// number, so that a case difference is 1 and a letter 2; 1 as well when nothing but case differs anywhere.
unsigned edit_cost(std::string_view a, std::string_view b, unsigned limit);

// True when one is plausibly a misspelling of the other.
bool is_alike(std::string_view a, std::string_view b);

// The most alike of the names, empty when none is alike or two are equally so.
std::string_view closest(std::string_view name, std::span<const std::string_view> names);

}  // namespace postern::policy
