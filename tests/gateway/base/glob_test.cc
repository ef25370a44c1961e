#include "gateway/base/glob.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

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

namespace {

// What the comment in glob.h says, tried out at every place.
bool matches_slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    if (matches_slowly(pattern.substr(1), text)) return true;
    return !text.empty() && text.front() != '/' && matches_slowly(pattern, text.substr(1));
  }
  if (text.empty()) return false;
  const bool same = pattern.front() == text.front() || (pattern.front() == '?' && text.front() != '/');
  return same && matches_slowly(pattern.substr(1), text.substr(1));
}

std::vector<std::string> texts_of(std::string_view alphabet, std::size_t longest) {
  std::vector<std::string> all{""};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() == longest) break;
    for (const char c : alphabet) all.push_back(all[i] + c);
  }
  return all;
}

}  // namespace

TEST_CASE("every short pattern of single stars matches what trying all ways would") {
  const std::vector<std::string> texts = texts_of("ab/", 5);
  for (const std::string& pattern : texts_of("ab/*?", 5)) {
    if (pattern.find("**") != std::string::npos) continue;
    const Glob glob(pattern);
    for (const std::string& text : texts) {
      if (glob.matches(text) == matches_slowly(pattern, text)) continue;
      FAIL("'" + pattern + "' and '" + text + "'");
    }
  }
}
