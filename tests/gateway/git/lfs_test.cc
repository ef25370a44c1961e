#include "gateway/git/lfs.h"

#include <catch2/catch.hpp>

using namespace postern::git;

TEST_CASE("an LFS batch says whether it reads or writes and for which ref") {
  const std::string oid(64, 'a');
  const auto batch = parse_lfs_batch(R"({"operation":"upload","transfers":["basic"],"ref":{"name":"refs/heads/x"},)"
                                     R"("objects":[{"oid":")" +
                                     oid + R"(","size":12}],"hash_algo":"sha256"})");
  REQUIRE(batch.has_value());
  CHECK(batch->upload);
  CHECK(batch->ref == "refs/heads/x");
  REQUIRE(batch->objects.size() == 1);
  CHECK(batch->objects[0].oid == oid);
  CHECK(batch->objects[0].size == 12);
  CHECK_FALSE(parse_lfs_batch(R"({"operation":"download","objects":[]})")->upload);
}

TEST_CASE("an LFS batch that could mean something else is refused") {
  for (const char* body : {"", "[]", "{}", R"({"operation":"Upload","objects":[]})",
                           R"({"operation":"download","operation":"upload","objects":[]})", R"({"operation":"upload"})",
                           R"({"operation":"upload","ref":{"name":"main"},"objects":[]})",
                           R"({"operation":"upload","objects":[{"oid":"a","size":1}]})",
                           R"({"operation":"upload","transfers":["tus"],"objects":[]})",
                           R"({"operation":"upload","hash_algo":"sha1","objects":[]})"}) {
    INFO(body);
    CHECK_FALSE(parse_lfs_batch(body).has_value());
  }
}

TEST_CASE("an LFS pointer is known by its first line") {
  CHECK(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"));
  CHECK_FALSE(is_lfs_pointer("<policies/>"));
  CHECK_FALSE(is_lfs_pointer("version https://git-lfs.github.com/spec/v1\n" + std::string(2000, 'x')));
}
