#include <catch2/catch.hpp>

#include "gateway/git/object_id.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"

using namespace postern;
using git::ObjectId;
using git::RepoPath;

TEST_CASE("an object id in upper case is the same id") {
  const std::string lower = "0123456789abcdef0123456789abcdef01234567";
  const std::string upper = "0123456789ABCDEF0123456789ABCDEF01234567";
  CHECK(*ObjectId::parse(lower) == *ObjectId::parse(upper));
  CHECK(ObjectId::parse(upper)->hex() == lower);
}

TEST_CASE("an object id has forty or sixty-four hex digits and nothing else") {
  CHECK(ObjectId::parse(std::string(64, 'a')).has_value());
  for (const std::string& text :
       {std::string(39, 'a'), std::string(41, 'a'), std::string(63, 'a'), std::string(), std::string(39, 'a') + "g",
        std::string(39, 'a') + " ", std::string(39, 'a') + '\0'}) {
    CHECK_FALSE(ObjectId::parse(text).has_value());
  }
  CHECK(ObjectId::zero().is_zero());
  CHECK(ObjectId::zero(64).hex().size() == 64);
}

TEST_CASE("all spellings of one repository are one repository") {
  const RepoPath plain = *RepoPath::parse("platform/policies");
  for (const char* text : {"Platform/Policies", "platform/policies.git", "PLATFORM/POLICIES.GIT"}) {
    CHECK(*RepoPath::parse(text) == plain);
  }
  CHECK(plain.full_name() == "platform/policies");
}

TEST_CASE("a wiki is not its repository") {
  const RepoPath wiki = *RepoPath::parse("platform/policies.wiki.git");
  CHECK(wiki.is_wiki());
  CHECK(wiki.name() == "policies");
  CHECK(wiki.full_name() == "platform/policies.wiki");
  CHECK(wiki != *RepoPath::parse("platform/policies"));
}

TEST_CASE("what could be read as another repository is none") {
  for (const char* text : {"",
                           "platform",
                           "platform/",
                           "/policies",
                           "platform/.git",
                           "platform/.wiki",
                           "platform/.wiki.git",
                           "a/b/c",
                           "platform//policies",
                           "./policies",
                           "../policies",
                           "platform/..",
                           "platform/.",
                           "plat%66orm/policies",
                           "platform\\policies/x",
                           "platform/policies.git.git",
                           "platform/policies.wiki.wiki",
                           "platform/policies.",
                           "platform/pol icies",
                           "platform/policies;x",
                           "-/policies",
                           "plätform/policies"}) {
    INFO(text);
    CHECK_FALSE(RepoPath::parse(text).has_value());
  }
  CHECK(RepoPath::parse(std::string(35, 'a') + "/" + std::string(100, 'b')).has_value());
  CHECK_FALSE(RepoPath::parse(std::string(36, 'a') + "/b").has_value());
  CHECK_FALSE(RepoPath::parse("a/" + std::string(101, 'b')).has_value());
}

TEST_CASE("ref names follow check-ref-format with two components below refs") {
  for (const char* good : {"refs/heads/main", "refs/heads/orders/a-b", "refs/tags/v1.0", "refs/pull/7/head",
                           "refs/heads/@", "refs/heads/\xc3\xa4", "refs/heads/a{b"}) {
    INFO(good);
    CHECK(git::is_valid_ref_name(good));
  }
  for (const char* bad : {"",
                          "HEAD",
                          "refs",
                          "refs/",
                          "refs/x",
                          "refs/heads/",
                          "refs/heads//a",
                          "/refs/heads/a",
                          "refs/heads/.a",
                          "refs/heads/a.lock",
                          "refs/heads/a.lock/b",
                          "refs/heads/a..b",
                          "refs/heads/a b",
                          "refs/heads/a~b",
                          "refs/heads/a^b",
                          "refs/heads/a:b",
                          "refs/heads/a?b",
                          "refs/heads/a*b",
                          "refs/heads/a[b",
                          "refs/heads/a\\b",
                          "refs/heads/a.",
                          "refs/heads/a/",
                          "refs/heads/a@{b",
                          "refs/heads/a\x01",
                          "refs/heads/a\x7f",
                          "Refs/heads/a",
                          "refs/heads/\xff"}) {
    INFO(bad);
    CHECK_FALSE(git::is_valid_ref_name(bad));
  }
  CHECK_FALSE(git::is_valid_ref_name(std::string_view("refs/heads/a\0b", 14)));
}

TEST_CASE("the command digest is bound to ids refs and order") {
  const ObjectId one = *ObjectId::parse(std::string(40, '1'));
  const ObjectId two = *ObjectId::parse(std::string(40, '2'));
  const std::vector<git::RefUpdate> commands{{one, two, "refs/heads/a"}, {two, one, "refs/heads/b"}};
  const std::vector<git::RefUpdate> swapped{commands[1], commands[0]};
  // printf '1…1 2…2 refs/heads/a\n2…2 1…1 refs/heads/b\n' | sha256sum
  CHECK(git::command_digest(commands) == "36156cd9f5a6122985909a18fecff1aed3359d896797983068746a40e765d3d2");
  CHECK(git::command_digest(commands) != git::command_digest(swapped));
}
