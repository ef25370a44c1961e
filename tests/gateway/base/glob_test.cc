#include "gateway/base/glob.h"

#include <catch2/catch.hpp>

using postern::Glob;

TEST_CASE("a star stays within a segment") {
  CHECK(Glob("platform/*").matches("platform/policies"));
  CHECK_FALSE(Glob("platform/*").matches("platform/policies/x"));
  CHECK(Glob("refs/heads/orders/*").matches("refs/heads/orders/a"));
  CHECK_FALSE(Glob("refs/heads/orders/*").matches("refs/heads/orders/a/b"));
  CHECK_FALSE(Glob("refs/heads/orders/*").matches("refs/heads/ordersx"));
}

TEST_CASE("two stars cross segments") {
  CHECK(Glob("apis/orders/**").matches("apis/orders/policy.xml"));
  CHECK(Glob("apis/orders/**").matches("apis/orders/operations/get/policy.xml"));
  CHECK_FALSE(Glob("apis/orders/**").matches("apis/ordersx/policy.xml"));
  CHECK(Glob("a/**/b").matches("a/b"));
  CHECK(Glob("a/**/b").matches("a/x/y/b"));
  CHECK_FALSE(Glob("a/**/b").matches("ab"));
  CHECK(Glob("**").matches(""));
  CHECK(Glob("**").matches("any/thing"));
  CHECK(Glob("**/*.xml").matches("policy.xml"));
  CHECK(Glob("**/*.xml").matches("a/b/policy.xml"));
}

TEST_CASE("a pattern without stars is itself") {
  CHECK(Glob("refs/heads/main").matches("refs/heads/main"));
  CHECK_FALSE(Glob("refs/heads/main").matches("refs/heads/main2"));
  CHECK_FALSE(Glob("refs/heads/main").matches("refs/heads/mai"));
  CHECK(Glob("a?c").matches("abc"));
  CHECK_FALSE(Glob("a?c").matches("a/c"));
}

TEST_CASE("a pattern made to be slow is not") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  CHECK_FALSE(Glob(pattern + "b").matches(std::string(5000, 'a')));
}

TEST_CASE("a literal beginning does not change what follows it") {
  CHECK(Glob("a/b*/**/c").matches("a/bx/c"));
  CHECK(Glob("ab**/c").matches("ab/c"));
  CHECK_FALSE(Glob("a**/c").matches("ac"));
  CHECK(Glob("refs/heads/**").matches("refs/heads/"));
  CHECK_FALSE(Glob("refs/heads/**").matches("refs/head"));
  CHECK(Glob("release-*").matches("release-1"));
  CHECK_FALSE(Glob("release-?").matches("release-"));
}
