#include "hooks/receive/hook_call.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "hooks/receive/parent_process.h"

using namespace postern;
using namespace postern::receive;

namespace {

Environment env(std::map<std::string, std::string, std::less<>> values) { return Environment(std::move(values)); }

}  // namespace

TEST_CASE("the git command of a process is found behind its options") {
  CHECK(git_command_of({"git", "receive-pack", "--stateless-rpc", "."}) == "receive-pack");
  CHECK(git_command_of({"/usr/lib/git-core/git-receive-pack", "/r"}) == "receive-pack");
  CHECK(git_command_of({"/usr/bin/git", "-c", "receive-pack=1", "--git-dir", "receive-pack", "branch", "-D", "x"}) ==
        "branch");
  CHECK(git_command_of({"git", "--git-dir=/x", "pack-refs"}) == "pack-refs");
  CHECK(git_command_of({"git", "tag", "receive-pack"}) == "tag");
  CHECK(git_command_of({"sh", "receive-pack"}).empty());
  CHECK(git_command_of({"git"}).empty());
  CHECK(git_command_of({}).empty());
}

TEST_CASE("our own process has an argv and a start time") {
  const auto self = read_process(::getpid());
  REQUIRE(self.has_value());
  CHECK_FALSE(self->argv.empty());
  CHECK(self->started.find_first_not_of("0123456789") == std::string::npos);
}

TEST_CASE("commands are read line by line and a malformed one is an error") {
  const std::string one(40, '1');
  const std::string two(40, '2');
  const auto commands = parse_commands(one + " " + two + " refs/heads/a\n" + two + " " + one + " refs/heads/b\n");
  REQUIRE(commands.has_value());
  REQUIRE(commands->size() == 2);
  CHECK((*commands)[1].ref == "refs/heads/b");
  for (const std::string& bad : {one + " " + two + "\n", std::string("x y z\n"), one + " " + two + " \n"}) {
    CHECK_FALSE(parse_commands(bad).has_value());
  }
}

TEST_CASE("push options are read in order and a missing one is an error") {
  CHECK(push_options(Environment{})->empty());
  const Environment two = env({{"GIT_PUSH_OPTION_COUNT", "2"}, {"GIT_PUSH_OPTION_0", "a"}, {"GIT_PUSH_OPTION_1", "b"}});
  CHECK(*push_options(two) == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(push_options(env({{"GIT_PUSH_OPTION_COUNT", "2"}, {"GIT_PUSH_OPTION_0", "a"}})).has_value());
  CHECK_FALSE(push_options(env({{"GIT_PUSH_OPTION_COUNT", "x"}})).has_value());
  CHECK_FALSE(push_options(env({{"GIT_PUSH_OPTION_COUNT", "-1"}})).has_value());
}

TEST_CASE("a writer is Gogs itself only when nothing names an account") {
  CHECK_FALSE(gogs_user(Environment{}).has_value());
  CHECK(gogs_user(env({{"GOGS_AUTH_USER_NAME", "a"}})) == "a");
  CHECK(gogs_user(env({{"GOGS_AUTH_USER_ID", "1"}})) == "");
}

TEST_CASE("a repository is located by its real place below the root") {
  namespace fs = std::filesystem;
  std::string pattern = "/tmp/postern-locate-XXXXXX";
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const fs::path base = pattern;
  fs::create_directories(base / "root/o/r.git/worktrees/x");
  fs::create_directories(base / "root/o/plain");
  fs::create_directories(base / "other/o/r.git");
  fs::create_directory_symlink(base / "root", base / "link");
  const auto at = [&](const fs::path& dir) {
    return locate_repository((base / "link").string(), env({{"GIT_DIR", dir.string()}}));
  };
  CHECK((*at(base / "root/o/r.git"))->repo.full_name() == "o/r");
  CHECK((*at(base / "link/o/r.git"))->repo.full_name() == "o/r");
  CHECK((*at(base / "root/o/r.git/worktrees/x"))->directory == (base / "root/o/r.git").string());
  CHECK_FALSE(at(base / "root/o/plain")->has_value());
  CHECK_FALSE(at(base / "other/o/r.git")->has_value());
  CHECK_FALSE(at(base / "none").has_value());
  fs::remove_all(base);
}
