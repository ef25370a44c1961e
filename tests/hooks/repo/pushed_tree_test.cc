#include "hooks/repo/pushed_tree.h"

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

using namespace postern;
using namespace postern::repo;
namespace fs = std::filesystem;

namespace {

struct Repository {
  std::string path;
  Repository() {
    std::string pattern = "/tmp/postern-tree-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
    sh("git init -q -b main .");
  }
  ~Repository() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string sh(const std::string& command) const {
    const std::string whole = "cd " + path +
                              " && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a "
                              "GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b && { " +
                              command + "; } 2>&1";
    FILE* pipe = ::popen(whole.c_str(), "r");
    std::string out;
    char buffer[4096];
    for (std::size_t got; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, got);
    if (::pclose(pipe) != 0) throw std::runtime_error(command + ": " + out);
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }
  ObjectId id(const std::string& name) const { return *ObjectId::parse(sh("git rev-parse " + name)); }
  ObjectId commit(const std::string& command) const {
    sh(command + "; git add -A; git commit -q --allow-empty -m x");
    return id("HEAD");
  }
  std::unique_ptr<PushedTree> open(const ReadLimits& limits = {}) const {
    auto opened = open_pushed_tree(path, limits);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
};

std::vector<std::string> paths(const Result<std::vector<Change>>& changes) {
  std::vector<std::string> out;
  if (!changes) return {"error: " + changes.error().message};
  for (const Change& change : *changes) {
    out.push_back(std::string(change.before ? "-" : "") + (change.after ? "+" : "") + change.path);
  }
  return out;
}

}  // namespace

TEST_CASE("the difference of two trees names every path on both sides") {
  const Repository at;
  const ObjectId one = at.commit("mkdir -p d/e same; echo 1 >d/e/f; echo 1 >g; echo 1 >same/x; echo 1 >becomes");
  const ObjectId two =
      at.commit("git mv g h; echo 2 >d/e/f; chmod +x same/x; git rm -q becomes; mkdir becomes; echo 1 >becomes/inner");
  const auto tree = at.open();
  CHECK(paths(tree->changes(one, two)) ==
        std::vector<std::string>{"-becomes", "+becomes/inner", "-+d/e/f", "-g", "+h", "-+same/x"});
  CHECK(paths(tree->changes(one, one)).empty());
  CHECK(paths(tree->changes(std::nullopt, one)) == std::vector<std::string>{"+becomes", "+d/e/f", "+g", "+same/x"});
}

TEST_CASE("more changes than the limit are an error that names it") {
  const Repository at;
  const ObjectId one = at.commit("for i in 1 2 3 4 5 6; do echo $i >f$i; done");
  const auto tree = at.open({.paths = 5});
  const auto changes = tree->changes(std::nullopt, one);
  REQUIRE_FALSE(changes.has_value());
  CHECK(changes.error().code == ErrorCode::limit);
  CHECK(changes.error().message.find("limit paths") != std::string::npos);
}

TEST_CASE("a blob's size is known from its header and too large a one is not read") {
  const Repository at;
  const ObjectId one = at.commit("head -c 3000000 /dev/zero >big; git add big; git repack -adq");
  const auto tree = at.open({.blob_bytes = 1 << 20});
  const auto entry = *tree->entry_at(one, "big");
  REQUIRE(entry.has_value());
  CHECK(*tree->blob_size(entry->id) == 3000000);
  CHECK(tree->read_blob(entry->id, 1 << 30).error().code == ErrorCode::limit);
}

TEST_CASE("entries and files of a commit are read by path") {
  const Repository at;
  const ObjectId one = at.commit("mkdir -p a/b; echo x >a/b/c; ln -s a/b/c link; echo y >z");
  const auto tree = at.open();
  CHECK_FALSE(tree->entry_at(one, "a/b")->has_value());
  CHECK_FALSE(tree->entry_at(one, "a/none")->has_value());
  CHECK_FALSE(tree->entry_at(one, "../z")->has_value());
  const auto source = commit_source(*tree, one);
  CHECK(*source->list("") == std::vector<std::string>{"a/b/c", "z"});
  CHECK(*source->read("a/b/c", 100) == "x\n");
  CHECK_FALSE(source->read("link", 100).has_value());
  CHECK_FALSE(*source->exists("link"));
}

TEST_CASE("descent merge base and new commits follow the history") {
  const Repository at;
  const ObjectId base = at.commit("echo 1 >f");
  const ObjectId main = at.commit("echo 2 >f");
  at.sh("git checkout -q -b side " + base.hex());
  const ObjectId side = at.commit("echo 3 >g");
  at.sh("git checkout -q --orphan alone");
  const ObjectId alone = at.commit("echo 4 >h");
  at.sh("git checkout -q main; git branch -D side alone");
  const auto tree = at.open();
  CHECK(*tree->descends_from(main, base));
  CHECK(*tree->descends_from(main, main));
  CHECK_FALSE(*tree->descends_from(base, main));
  CHECK_FALSE(*tree->descends_from(side, main));
  CHECK(*tree->merge_base(main, side) == base);
  CHECK_FALSE(tree->merge_base(main, alone)->has_value());
  const std::vector<ObjectId> tips{side, alone, main};
  const auto fresh = *tree->new_commits(tips, 10);
  CHECK(fresh.ids.size() == 2);
  CHECK_FALSE(fresh.truncated);
  CHECK(tree->new_commits(tips, 1)->truncated);
  CHECK_FALSE(tree->descends_from(*ObjectId::parse(std::string(40, 'e')), main).has_value());
}

TEST_CASE("replace refs change nothing that is read") {
  const Repository at;
  const ObjectId good = at.commit("echo good >f");
  const ObjectId evil = at.commit("echo evil >f");
  at.sh("git replace " + evil.hex() + " " + good.hex());
  const auto tree = at.open();
  const auto entry = *tree->entry_at(evil, "f");
  CHECK(*tree->read_blob(entry->id, 100) == "evil\n");
  CHECK(paths(tree->changes(good, evil)) == std::vector<std::string>{"-+f"});
}

TEST_CASE("tags are peeled and what leads to no commit says so") {
  const Repository at;
  const ObjectId one = at.commit("echo 1 >f");
  at.sh("git tag -a -m t t1; git tag -a -m t t2 t1; git tag -a -m b tb HEAD:f; git tag -a -m r tr 'HEAD^{tree}'");
  const auto tree = at.open();
  CHECK(*tree->peel_to_commit(at.id("t2")) == one);
  CHECK_FALSE(tree->peel_to_commit(at.id("tb"))->has_value());
  CHECK_FALSE(tree->peel_to_commit(at.id("tr"))->has_value());
  CHECK(tree->peel_to_commit(*ObjectId::parse(std::string(40, 'e'))).error().code == ErrorCode::not_found);
}

TEST_CASE("a tree with entries that no working tree can hold is refused") {
  const Repository at;
  at.commit("echo 1 >f");
  const std::string blob = at.sh("git rev-parse HEAD:f");
  const std::string oid = "$(printf %s " + blob + " | sed 's/../\\\\x&/g')";
  const auto entry = [&](const std::string& name) {
    return "printf '100644 " + name + "\\0'; bash -c \"printf '" + oid + "'\"";
  };
  const auto tree = at.open();
  for (const std::string& name :
       {std::string(".."), std::string("."), std::string(".git"), std::string(".GIT"), std::string("a/b")}) {
    INFO(name);
    const ObjectId made = *ObjectId::parse(
        at.sh("git commit-tree -m x $({ " + entry(name) + "; } | git hash-object -t tree -w --stdin --literally)"));
    CHECK_FALSE(tree->changes(std::nullopt, made).has_value());
  }
  const ObjectId twice = *ObjectId::parse(at.sh("git commit-tree -m x $({ " + entry("f") + "; " + entry("f") +
                                                "; } | git hash-object -t tree -w --stdin --literally)"));
  CHECK_FALSE(tree->changes(std::nullopt, twice).has_value());
}

TEST_CASE("a tree or commit larger than the limit is not read") {
  const Repository at;
  const ObjectId small = at.commit("echo 1 >f");
  const ObjectId wide = at.commit("for i in $(seq 40); do echo $i >file-with-a-long-name-$i; done");
  const auto tree = at.open({.object_bytes = 1000});
  CHECK(tree->changes(std::nullopt, small).has_value());
  const auto changes = tree->changes(small, wide);
  REQUIRE_FALSE(changes.has_value());
  CHECK(changes.error().code == ErrorCode::limit);
  CHECK(changes.error().message.find("limit object is 1000") != std::string::npos);
  at.sh("git commit -q --allow-empty -m \"$(printf 'x%.0s' $(seq 2000))\"");
  CHECK(at.open({.object_bytes = 1000})->peel_to_commit(at.id("HEAD")).error().code == ErrorCode::limit);
}

TEST_CASE("a tree deeper than the limit is not walked") {
  const Repository at;
  const ObjectId deep = at.commit("mkdir -p a/b/c/d; echo 1 >a/b/c/d/f");
  CHECK(at.open({.depth = 5})->changes(std::nullopt, deep).has_value());
  const auto changes = at.open({.depth = 4})->changes(std::nullopt, deep);
  REQUIRE_FALSE(changes.has_value());
  CHECK(changes.error().code == ErrorCode::limit);
  CHECK(changes.error().message.find("limit depth") != std::string::npos);
}

TEST_CASE("the mode of an entry is read as git reads it") {
  const Repository at;
  at.commit("echo 1 >f");
  const std::string oid = "$(printf %s " + at.sh("git rev-parse HEAD:f") + " | sed 's/../\\\\x&/g')";
  const auto made = [&](const std::string& mode, const std::string& id) {
    return at.sh("{ printf '" + mode + " x\\0'; bash -c \"printf '" + id +
                 "'\"; } | git hash-object -t tree -w --stdin --literally");
  };
  const auto mode_of = [&](const std::string& mode) {
    const ObjectId commit = *ObjectId::parse(at.sh("git commit-tree -m x " + made(mode, oid)));
    const auto tree = at.open();
    const auto entry = tree->entry_at(commit, "x");
    const auto changes = tree->changes(std::nullopt, commit);
    REQUIRE(changes.has_value());
    REQUIRE(changes->size() == 1);
    REQUIRE(entry->has_value());
    CHECK((*changes)[0].after == *entry);
    return (*entry)->mode;
  };
  CHECK(mode_of("100600") == 0100644);
  CHECK(mode_of("100664") == 0100644);
  CHECK(mode_of("0100644") == 0100644);
  CHECK(mode_of("100700") == 0100755);
  CHECK(mode_of("120777") == 0120000);
  CHECK(mode_of("160755") == 0160000);
  CHECK(mode_of("10644") == 0160000);  // of no type that git knows
  const std::string inner = made("100644", oid);
  const std::string folder = "$(printf %s " + inner + " | sed 's/../\\\\x&/g')";
  for (const char* mode : {"40000", "40755", "040000", "47777"}) {
    INFO(mode);
    const ObjectId commit = *ObjectId::parse(at.sh("git commit-tree -m x " + made(mode, folder)));
    CHECK(paths(at.open()->changes(std::nullopt, commit)) == std::vector<std::string>{"+x/x"});
    CHECK(at.open()->entry_at(commit, "x/x")->has_value());
  }
}

TEST_CASE("another name of a ref is told whether or not that one is there") {
  const Repository at;
  at.commit("echo 1 >f");
  at.sh("git symbolic-ref refs/heads/master refs/heads/main; git symbolic-ref refs/heads/next refs/heads/none");
  const auto tree = at.open();
  CHECK(*tree->symbolic_target("refs/heads/master") == "refs/heads/main");
  CHECK(*tree->symbolic_target("refs/heads/next") == "refs/heads/none");
  CHECK(*tree->symbolic_target("refs/heads/main") == std::nullopt);
  CHECK(*tree->symbolic_target("refs/heads/absent") == std::nullopt);
}

TEST_CASE("default branch refs and mirrors are read from the repository") {
  const Repository at;
  {
    const auto tree = at.open();
    CHECK_FALSE(*tree->has_refs());
    CHECK_FALSE(tree->default_tip()->has_value());
    CHECK(*tree->default_branch() == "refs/heads/main");
    CHECK_FALSE(*tree->is_mirror());
  }
  const ObjectId one = at.commit("echo 1 >f");
  at.sh("git config remote.origin.mirror true");
  const auto tree = at.open();
  CHECK(*tree->has_refs());
  CHECK(*tree->default_tip() == one);
  CHECK(*tree->resolve("refs/heads/main") == one);
  CHECK_FALSE(tree->resolve("refs/heads/none")->has_value());
  CHECK(*tree->is_mirror());
}
