#include "hooks/deploy/git_source.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/hooks/deploy/git_world.h"

namespace postern::deploy {
namespace {

// A repository with three commits, served from the disk, and ours that fetches from it.
struct Fixture : GitWorld {
  std::unique_ptr<Source> source;
  std::string first, second, third;

  explicit Fixture(std::string format = "sha1") {
    shell("git init -q --object-format=" + format +
          " -b main work && cd work && mkdir -p 'root/policy fragments/a' && "
          "printf one > 'root/policy fragments/a/policy.xml' && ln -s x root/link && git add . && git commit -qm 1");
    first = head();
    shell("cd work && printf two > root/policy.xml && git add . && git commit -qm 2");
    second = head();
    shell("cd work && printf three > root/policy.xml && git add . && git commit -qm 3");
    third = head();
    source = git_source({directory + "/ours.git", "file://" + directory + "/work"}, std::nullopt);
  }
};

TEST_CASE("tip and history of a ref are read through git") {
  Fixture f;
  auto tip = f.source->tip("refs/heads/main");
  REQUIRE(tip);
  CHECK(*tip == f.third);
  CHECK_FALSE(f.source->tip("refs/heads/none")->has_value());
  CHECK_FALSE(f.source->tip("main"));
  REQUIRE(f.source->fetch("refs/heads/main", f.third));
  CHECK(*f.source->descends(f.third, f.first));
  CHECK_FALSE(*f.source->descends(f.first, f.third));
  CHECK(*f.source->commits_between(f.first, f.third) == std::vector<std::string>{f.third, f.second});
  auto files = f.source->files(f.third, "root");
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].path == "root/policy fragments/a/policy.xml");
  auto contents = f.source->contents({(*files)[0].id, (*files)[1].id});
  REQUIRE(contents);
  CHECK(contents->at((*files)[1].id) == "three");
  CHECK(*f.source->file(f.second, "root/policy.xml") == "two");
  CHECK_FALSE(f.source->file(f.first, "root/policy.xml")->has_value());
  CHECK_FALSE(f.source->contents({std::string(40, '1')}));
}

// git ls-remote takes a ref for a pattern that matches the tail of names, and lists by name: whoever may create
// refs/a/** would otherwise say where main is.
TEST_CASE("a ref that ends like the one asked for is not that one") {
  Fixture f;
  f.shell("cd work && git update-ref refs/a/refs/heads/main " + f.first);
  CHECK(*f.source->tip("refs/heads/main") == f.third);
  f.shell("cd work && git update-ref -d refs/heads/main");
  CHECK_FALSE(f.source->tip("refs/heads/main")->has_value());
}

TEST_CASE("a transport that runs programs is never used") {
  Fixture f;
  const std::string made = f.directory + "/made-by-ext";
  const auto source = git_source({f.directory + "/ours.git", "ext::touch " + made}, std::nullopt);
  CHECK_FALSE(source->tip("refs/heads/main"));
  CHECK_FALSE(std::filesystem::exists(made));
}

TEST_CASE("a commit that left the ref is said to be gone and one fetched before stays readable") {
  Fixture f;
  REQUIRE(f.source->fetch("refs/heads/main", f.third));
  f.shell("cd work && git reset -q --hard " + f.first + " && printf x > root/x && git add . && git commit -qm x");
  const std::string other = f.head();
  REQUIRE(f.source->fetch("refs/heads/main", other));
  CHECK_FALSE(*f.source->descends(other, f.third));
  CHECK(*f.source->file(f.third, "root/policy.xml") == "three");
  auto gone = f.source->fetch("refs/heads/main", std::string(40, 'a'));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::not_found);
}

TEST_CASE("a replace ref on the server changes nothing") {
  Fixture f;
  REQUIRE(f.source->fetch("refs/heads/main", f.third));
  f.shell("git -C ours.git fetch -q ../work 2>/dev/null || true; git -C ours.git replace " + f.third + " " + f.first);
  CHECK(*f.source->file(f.third, "root/policy.xml") == "three");
}

TEST_CASE("a repository of SHA-256 objects is read as well") {
  Fixture f("sha256");
  CHECK(f.third.size() == 64);
  REQUIRE(f.source->fetch("refs/heads/main", f.third));
  CHECK(*f.source->file(f.third, "root/policy.xml") == "three");
}

TEST_CASE("a server that is not there is unavailable") {
  auto source = git_source({"/tmp/postern-none.git", "http://127.0.0.1:1/a/b.git"}, Secret("token"));
  auto tip = source->tip("refs/heads/main");
  REQUIRE_FALSE(tip);
  CHECK(tip.error().code == ErrorCode::unavailable);
  CHECK(tip.error().message.find("token") == std::string::npos);
}

TEST_CASE("ids that are none never reach git") {
  Fixture f;
  CHECK_FALSE(f.source->files("--output=/tmp/x", "root"));
  CHECK_FALSE(f.source->commits_between("HEAD", "HEAD"));
  CHECK_FALSE(f.source->fetch("refs/heads/main", "--upload-pack=x"));
}

}  // namespace
}  // namespace postern::deploy
