#include "gateway/spool/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/base/file.h"

using namespace postern;
using namespace postern::spool;

namespace {

const std::string kId = "00112233445566778899aabbccddeeff";
const std::string kDirectId = "direct-" + kId;

struct Directory {
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-spool-XXXXXX").string();
    path = ::mkdtemp(name.data());
    ::chmod(path.c_str(), 02770);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

git::RefUpdate update(char from, char to, const std::string& ref = "refs/heads/main") {
  return {*git::ObjectId::parse(std::string(40, from)), *git::ObjectId::parse(std::string(40, to)), ref};
}

Verdict verdict(const std::string& id = kId) {
  Verdict out;
  out.id = id;
  out.repository = "a/b";
  out.mode = "enforce";
  out.accepted = true;
  out.commands = {{update('0', '1'), true, "", "grant-1", false}};
  out.new_commits = {std::string(40, '1')};
  out.at = *parse_rfc3339("2026-11-22T14:03:07.123Z");
  return out;
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("of many processes that claim one ticket exactly one gets it") {
  const Directory directory;
  constexpr int kProcesses = 16;
  int gate[2];
  REQUIRE(::pipe(gate) == 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(gate[1]);
      char byte = 0;
      (void)!::read(gate[0], &byte, 1);  // all start when the parent closes the pipe
      const Status claimed = Spool(directory.path).claim(kId);
      ::_exit(claimed ? 0 : claimed.error().code == ErrorCode::conflict ? 1 : 2);
    }
    children.push_back(child);
  }
  ::close(gate[0]);
  ::close(gate[1]);
  int won = 0;
  int lost = 0;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    won += WEXITSTATUS(status) == 0 ? 1 : 0;
    lost += WEXITSTATUS(status) == 1 ? 1 : 0;
  }
  CHECK(won == 1);
  CHECK(lost == kProcesses - 1);
  CHECK(Spool(directory.path).is_claimed(kId));
}

TEST_CASE("processes that add to one done file lose nothing") {
  const Directory directory;
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const Done done{kId, "a/b", {update('0', '1', "refs/heads/b" + std::to_string(i))}, WallTime()};
      ::_exit(Spool(directory.path).write_done(done) ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
  }
  const auto done = Spool(directory.path).read_done(kId);
  REQUIRE(done);
  REQUIRE(*done);
  CHECK((*done)->moved.size() == 8);
}

TEST_CASE("a done file written twice with the same refs holds them once") {
  const Directory directory;
  const Spool spool(directory.path);
  const Done done{kId, "a/b", {update('0', '1')}, WallTime()};
  REQUIRE(spool.write_done(done));
  REQUIRE(spool.write_done(done));
  CHECK((*spool.read_done(kId))->moved == done.moved);
}

TEST_CASE("what is written reads back with the group's rights whatever the umask") {
  const Directory directory;
  const Spool spool(directory.path);
  const mode_t before = ::umask(0077);
  const Status written = spool.write_verdict(verdict());
  const Status done = spool.write_done({kId, "a/b", {update('0', '1')}, WallTime()});
  ::umask(before);
  REQUIRE(written);
  REQUIRE(done);
  CHECK(mode_of(directory.path + "/" + kId + ".json") == 0660);
  CHECK(mode_of(directory.path + "/" + kId + ".done") == 0660);
  const auto read = spool.read_verdict(kId);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->commands.size() == 1);
  CHECK((*read)->new_commits == verdict().new_commits);
}

TEST_CASE("nothing there is no error and an unreadable spool is") {
  const Directory directory;
  const Spool spool(directory.path);
  REQUIRE(spool.read_verdict(kId));
  CHECK(!*spool.read_verdict(kId));
  CHECK(!*spool.read_done(kId));
  CHECK(spool.list_ids()->empty());
  CHECK(spool.check());
  const Spool missing(directory.path + "/none");
  CHECK(missing.claim(kId).error().code == ErrorCode::not_found);
  CHECK(missing.list_ids().error().code == ErrorCode::not_found);
  CHECK(!missing.check());
  CHECK(!missing.write_verdict(verdict()));
}

TEST_CASE("a spool that everybody may write to is refused") {
  const Directory directory;
  ::chmod(directory.path.c_str(), 0777);
  CHECK(Spool(directory.path).check().error().code == ErrorCode::denied);
}

TEST_CASE("ids that are none reach no file") {
  const Directory directory;
  const Spool spool(directory.path);
  const std::vector<std::string> ids = {"",
                                        "../" + kId,
                                        kId + "0",
                                        kId.substr(1),
                                        "00112233445566778899AABBCCDDEEFF",
                                        "direct-",
                                        "direct-" + kDirectId,
                                        kId + std::string(1, '\0'),
                                        std::string(32, '/'),
                                        "direct-../../../../../../../etc/x/"};
  for (const std::string& id : ids) {
    CHECK(!is_valid_id(id));
    CHECK(spool.claim(id).error().code == ErrorCode::invalid_input);
    CHECK(spool.read_verdict(id).error().code == ErrorCode::invalid_input);
    CHECK(spool.read_done(id).error().code == ErrorCode::invalid_input);
    CHECK(spool.remove_verdict(id).error().code == ErrorCode::invalid_input);
    CHECK(spool.set_aside(id).error().code == ErrorCode::invalid_input);
    CHECK(spool.write_verdict(verdict(id)).error().code == ErrorCode::invalid_input);
    CHECK(!spool.is_claimed(id));
  }
  CHECK(is_valid_id(kId));
  CHECK(is_valid_id(kDirectId));
  CHECK(is_valid_id(new_direct_id()));
  CHECK(std::filesystem::is_empty(directory.path));
}

TEST_CASE("a symbolic link planted as a verdict is not followed") {
  const Directory directory;
  const Spool spool(directory.path);
  const std::string secret = directory.path + "/secret";
  REQUIRE(create_file(secret, to_text(verdict()), 0600));
  REQUIRE(::symlink(secret.c_str(), (directory.path + "/" + kId + ".json").c_str()) == 0);
  CHECK(!spool.read_verdict(kId));
  // A claim through a dangling link would make a file elsewhere.
  REQUIRE(::symlink((directory.path + "/elsewhere").c_str(), (directory.path + "/" + kId + ".claim").c_str()) == 0);
  CHECK(!spool.claim(kId));
  CHECK(!std::filesystem::exists(directory.path + "/elsewhere"));
}

TEST_CASE("a hard link or a pipe or a directory planted as a verdict is refused and does not hang") {
  const Directory directory;
  const Spool spool(directory.path);
  const std::string path = directory.path + "/" + kId + ".json";
  REQUIRE(create_file(directory.path + "/other", to_text(verdict()), 0600));
  REQUIRE(::link((directory.path + "/other").c_str(), path.c_str()) == 0);
  CHECK(spool.read_verdict(kId).error().code == ErrorCode::invalid_input);
  ::unlink(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0660) == 0);
  CHECK(spool.read_verdict(kId).error().code == ErrorCode::invalid_input);
  ::unlink(path.c_str());
  REQUIRE(::mkdir(path.c_str(), 0770) == 0);
  CHECK(spool.read_verdict(kId).error().code == ErrorCode::invalid_input);
}

TEST_CASE("a verdict under the id of another push is refused") {
  const Directory directory;
  const Spool spool(directory.path);
  REQUIRE(spool.write_verdict(verdict()));
  const std::string other(32, 'a');
  std::filesystem::rename(directory.path + "/" + kId + ".json", directory.path + "/" + other + ".json");
  CHECK(spool.read_verdict(other).error().code == ErrorCode::invalid_input);
}

TEST_CASE("an endless verdict is refused at the limit") {
  const Directory directory;
  REQUIRE(create_file(directory.path + "/" + kId + ".json", "", 0660));
  REQUIRE(::truncate((directory.path + "/" + kId + ".json").c_str(), off_t{1} << 40) == 0);
  CHECK(Spool(directory.path).read_verdict(kId).error().code == ErrorCode::limit);
}

TEST_CASE("what no reader would take is not written") {
  const Directory directory;
  const Spool spool(directory.path);
  Verdict large = verdict();
  large.commands.assign(kMaxCommands + 1, verdict().commands.at(0));
  CHECK(spool.write_verdict(large).error().code == ErrorCode::limit);
  large.commands.resize(kMaxCommands);
  CHECK(spool.write_verdict(large));
  CHECK((*spool.read_verdict(large.id))->commands.size() == kMaxCommands);
  for (CommandVerdict& command : large.commands) command.reason = std::string(1000, 'x');
  CHECK(spool.write_verdict(large).error().code == ErrorCode::limit);
  CHECK(spool.write_done({kId, "a/b", std::vector(kMaxCommands + 1, verdict().commands.at(0).command), WallTime()})
            .error()
            .code == ErrorCode::limit);
}

TEST_CASE("ids are listed once and other names are let be") {
  const Directory directory;
  const Spool spool(directory.path);
  REQUIRE(spool.write_verdict(verdict()));
  REQUIRE(spool.write_done({kId, "a/b", {}, WallTime()}));
  REQUIRE(spool.write_done({kDirectId, "a/b", {}, WallTime()}));
  REQUIRE(spool.claim(std::string(32, 'c')));
  for (const char* name : {"README", "x.json", ".json", "x.done"}) {
    REQUIRE(create_file(directory.path + "/" + name, "", 0600));
  }
  CHECK(*spool.list_ids() == std::vector<std::string>{kId, kDirectId});
}

TEST_CASE("taking in leaves the claim and old claims go later") {
  const Directory directory;
  const Spool spool(directory.path);
  REQUIRE(spool.claim(kId));
  REQUIRE(spool.write_verdict(verdict()));
  REQUIRE(spool.remove_verdict(kId));
  REQUIRE(spool.remove_verdict(kId));
  CHECK(spool.list_ids()->empty());
  CHECK(spool.claim(kId).error().code == ErrorCode::conflict);
  const WallTime now = SystemClock().wall();
  REQUIRE(spool.remove_old_claims(now - std::chrono::hours(1)));
  CHECK(spool.is_claimed(kId));
  REQUIRE(create_file(directory.path + "/" + kId + ".json.00.tmp", "", 0600));
  REQUIRE(create_file(directory.path + "/keep", "", 0600));
  REQUIRE(spool.remove_old_claims(now + std::chrono::hours(1)));
  CHECK(!spool.is_claimed(kId));
  CHECK(!std::filesystem::exists(directory.path + "/" + kId + ".json.00.tmp"));
  CHECK(std::filesystem::exists(directory.path + "/keep"));
}

TEST_CASE("what cannot be read is set aside and no longer listed") {
  const Directory directory;
  const Spool spool(directory.path);
  REQUIRE(create_file(directory.path + "/" + kId + ".json", "{", 0660));
  CHECK(!spool.read_verdict(kId));
  REQUIRE(spool.set_aside(kId));
  CHECK(spool.list_ids()->empty());
  CHECK(std::filesystem::exists(directory.path + "/" + kId + ".json.bad"));
}
