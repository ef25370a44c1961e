#include "hooks/policy/suggest.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

using namespace postern::policy;

TEST_CASE("the nearest name is suggested and a tie suggests nothing") {
  const std::array<std::string_view, 4> names{"set-header", "set-body", "set-status", "rate-limit"};
  CHECK(closest("set-haeder", names) == "set-header");
  CHECK(closest("rate_limit", names) == "rate-limit");
  CHECK(closest("forward-request", names).empty());
  const std::array<std::string_view, 2> pair{"set-a", "set-b"};
  CHECK(closest("set-c", pair).empty());
}

TEST_CASE("letter case alone is one slip however many letters it took") {
  const std::array<std::string_view, 2> names{"all", "any"};
  CHECK(closest("ANY", names) == "any");
  CHECK(edit_cost("OVERRIDE", "override", 6) == 1);
  CHECK(edit_cost("any", "any", 6) == 0);
}

TEST_CASE("names too long to compare are alike only when they are equal") {
  const std::string longer(100, 'a');
  CHECK(edit_cost(longer, longer, 6) == 0);
  CHECK(edit_cost(longer, longer + "b", 6) == 7);
}
