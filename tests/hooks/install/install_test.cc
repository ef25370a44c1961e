// install, status, pause and uninstall on a root of their own; the user is whoever runs the tests, as a trial.
#include "hooks/install/install.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gateway/access/bundle.h"
#include "gateway/access/rules.h"
#include "hooks/install/system_user.h"
#include "hooks/receive/marker.h"

using namespace postern;
using namespace postern::install;
namespace fs = std::filesystem;

namespace {

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// HOME is a directory of the test, so nobody's git configuration is touched.
struct World {
  fs::path path;
  InstallOptions options;
  std::vector<std::string> said;
  Say say = [this](const std::string& line) { said.push_back(line); };

  World() {
    std::string pattern = "/tmp/postern-install-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
    fs::create_directories(path / "home");
    ::setenv("HOME", (path / "home").c_str(), 1);
    fs::create_directories(path / "spool");
    add("o/r");
    write_text(path / "app.ini", "RUN_USER = " + find_user(::geteuid())->name +
                                     "\n[repository]\nROOT = " + (path / "root").string() + "\n");
    access::HookBundle bundle;
    bundle.issuer = "https://git.example.com";
    auto rules = access::AccessRules::make({});
    bundle.rules = (*rules)->digest();
    bundle.keys = {identity::SigningKey::generate_ed25519()->public_key()};
    if (auto done = access::publish_bundle((path / "bundle").string(), bundle, **rules); !done) {
      throw std::runtime_error(done.error().message);
    }
    options.gogs_config = (path / "app.ini").string();
    options.directory = (path / "hooks").string();
    options.bundle = (path / "bundle").string();
    options.spool = (path / "spool").string();
    options.program = POSTERN_BIN_DIR "/postern-hook";
    options.trial = true;
  }
  ~World() {
    if (fs::exists(path / "hooks/install.json")) (void)uninstall(options.directory, say);
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path repository(const std::string& name) const { return path / "root" / (name + ".git"); }
  void add(const std::string& name) const {
    for (const char* hook : {"pre-receive", "update", "post-receive"}) {
      const fs::path file = repository(name) / "hooks" / hook;
      write_text(file, "#!/bin/sh\n");
      ::chmod(file.c_str(), 0755);
    }
    write_text(repository(name) / "config", "[core]\n\tbare = true\n");
  }
  bool was_said(std::string_view text) const {
    for (const std::string& line : said) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  // Refused, nothing left behind, and the reason said.
  void check_refused(std::string_view reason) {
    const Status done = install::install(options, say);
    for (const std::string& line : said) UNSCOPED_INFO(line);
    CHECK_FALSE(done.has_value());
    CHECK(was_said(reason));
    CHECK_FALSE(fs::exists(options.directory));
  }
};

std::string global_setting(const std::string& key) {
  const auto got = run_as(*find_user(::geteuid()), {"git", "config", "--global", "--get", key});
  return got ? got->output : "";
}

}  // namespace

TEST_CASE("install says each change and uninstall puts it back") {
  World at;
  const std::string options_before = global_setting("receive.advertisePushOptions");
  const Status done = install::install(at.options, at.say);
  INFO((done ? "" : done.error().message));
  for (const std::string& line : at.said) UNSCOPED_INFO(line);
  REQUIRE(done.has_value());
  CHECK(at.was_said("wrote 28 hooks into " + at.options.directory));
  CHECK(at.was_said("set core.hooksPath = " + at.options.directory));
  CHECK(at.was_said("receive.advertisePushOptions"));
  CHECK(at.was_said("receive.maxInputSize"));
  CHECK(at.was_said("receive.fsckObjects"));
  CHECK(global_setting("core.hooksPath") == at.options.directory + "\n");
  CHECK((fs::status(at.path / "hooks/pre-receive").permissions() & fs::perms::others_exec) != fs::perms::none);
  const SystemClock clock;
  CHECK(*status(at.options.directory, clock, at.say));
  // Twice is once.
  REQUIRE(install::install(at.options, at.say).has_value());
  // A changed dispatcher is seen.
  std::ofstream(at.path / "hooks/update", std::ios::app) << "exit 0\n";
  CHECK_FALSE(*status(at.options.directory, clock, at.say));
  CHECK(at.was_said("update is not what install wrote"));
  REQUIRE(uninstall(at.options.directory, at.say).has_value());
  CHECK(global_setting("core.hooksPath").empty());
  CHECK(global_setting("receive.advertisePushOptions") == options_before);
  CHECK_FALSE(fs::exists(at.options.directory));
}

TEST_CASE("a pause needs an end and a reason and is written down") {
  World at;
  REQUIRE(install::install(at.options, at.say).has_value());
  const SystemClock clock;
  const WallTime now = clock.wall();
  CHECK_FALSE(pause(at.options.directory, now - std::chrono::hours(1), "r", clock, at.say).has_value());
  CHECK_FALSE(pause(at.options.directory, now + std::chrono::hours(24 * 8), "r", clock, at.say).has_value());
  CHECK_FALSE(pause(at.options.directory, now + std::chrono::hours(1), "", clock, at.say).has_value());
  REQUIRE(pause(at.options.directory, now + std::chrono::hours(1), "gateway host is down", clock, at.say).has_value());
  CHECK(read_all(at.path / "hooks/pauses.log").find("gateway host is down") != std::string::npos);
  CHECK_FALSE(*status(at.options.directory, clock, at.say));
  CHECK(at.was_said("paused: every push passes until"));
  REQUIRE(end_pause(at.options.directory, clock, at.say).has_value());
  CHECK_FALSE(fs::exists(at.path / "hooks/paused-until"));
}

TEST_CASE("a hooks path in a repository itself refuses the installation and is named") {
  World at;
  write_text(at.repository("o/r") / "config", "[core]\n\thooksPath = /elsewhere\n");
  at.check_refused((at.repository("o/r")).string());
}

TEST_CASE("a missing or non-executable stub refuses the installation and is named") {
  {
    World at;
    fs::remove(at.repository("o/r") / "hooks/update");
    at.check_refused("Gogs' own hooks are missing: " + (at.repository("o/r") / "hooks/update").string());
  }
  World at;
  ::chmod((at.repository("o/r") / "hooks/pre-receive").c_str(), 0644);
  at.check_refused("not executable");
}

TEST_CASE("a mirror needs no stubs") {
  World at;
  fs::remove_all(at.repository("o/r") / "hooks");
  write_text(at.repository("o/r") / "config", "[remote \"origin\"]\n\tmirror = true\n");
  Installation plan;
  plan.root = (at.path / "root").string();
  plan.user = find_user(::geteuid())->name;
  plan.directory = plan.program = "/bin/sh";
  plan.bundle = at.options.bundle;
  plan.spool = at.options.spool;
  plan.gogs = plan.trial = true;
  CHECK(examine(plan).empty());
}

TEST_CASE("a missing bundle or spool refuses the installation and is named") {
  {
    World at;
    fs::remove_all(at.path / "bundle");
    at.check_refused("no bundle");
  }
  World at;
  fs::remove_all(at.path / "spool");
  at.check_refused("cannot be written by");
}

TEST_CASE("a mount without exec refuses the installation and is named") {
  World at;
  // A mount of our own, seen by this process alone; it is gone with the process.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string root = (at.path / "root").string();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("none", root.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_NOEXEC, nullptr) != 0) {
      ::_exit(77);
    }
    const Status done = install::install(at.options, at.say);
    const bool named = at.was_said(root + " is on a mount with the option noexec");
    ::_exit(!done && named && !fs::exists(at.options.directory) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    WARN("SKIPPED: this user may not mount");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a bundle that the hook's user cannot read refuses the installation and is named") {
  if (::geteuid() != 0 || !find_user("nobody")) {
    WARN("SKIPPED: needs root and a user nobody");
    return;
  }
  World at;
  ::chmod(at.path.c_str(), 0755);
  at.options.user = "nobody";
  const auto nobody = *find_user("nobody");
  REQUIRE(::chown((at.path / "spool").c_str(), nobody.uid, nobody.gid) == 0);
  CHECK_FALSE(install::install(at.options, at.say).has_value());
  CHECK(at.was_said("/bundle/hook.json cannot be read by nobody; add nobody to the group postern"));
}

TEST_CASE("a link below the root refuses the installation and is named") {
  World at;
  fs::create_directories(at.path / "elsewhere/r2.git");
  fs::create_directory_symlink(at.path / "elsewhere/r2.git", at.path / "root/o/r2.git");
  at.check_refused("symbolic links below ROOT");
}

TEST_CASE("a dispatcher that the Gogs user could change refuses the installation") {
  if (::geteuid() != 0 || !find_user("nobody")) {
    WARN("SKIPPED: needs root and a user nobody");
    return;
  }
  World at;
  ::chmod(at.path.c_str(), 0755);
  at.options.trial = false;
  at.options.user = "nobody";
  const auto nobody = *find_user("nobody");
  REQUIRE(::chown((at.path / "spool").c_str(), nobody.uid, nobody.gid) == 0);
  fs::create_directories(at.options.directory);
  REQUIRE(::chown(at.options.directory.c_str(), nobody.uid, nobody.gid) == 0);
  CHECK_FALSE(install::install(at.options, at.say).has_value());
  CHECK(at.was_said(at.options.directory + " is writable by nobody"));
  CHECK_FALSE(fs::exists(at.path / "hooks/install.json"));
}

TEST_CASE("bad usage is told from a refusal") {
  World at;
  const auto code = [&](auto change) {
    InstallOptions options = at.options;
    change(options);
    const Status done = install::install(options, at.say);
    return done ? ErrorCode::internal : done.error().code;
  };
  CHECK(code([](InstallOptions& o) { o.gogs_config.clear(); }) == ErrorCode::bad_usage);
  CHECK(code([](InstallOptions& o) { o.repositories = "/x"; }) == ErrorCode::bad_usage);
  CHECK(code([](InstallOptions& o) { o.gogs_config = "/nonexistent"; }) == ErrorCode::bad_usage);
  CHECK(code([](InstallOptions& o) { o.directory = "hooks"; }) == ErrorCode::bad_usage);
  CHECK(code([](InstallOptions& o) { o.user = "nobody-of-that-name"; }) == ErrorCode::bad_usage);
  CHECK(read_installation("/nonexistent").error().code == ErrorCode::bad_usage);
  const auto exit_of = [](const std::string& arguments) {
    const int result =
        std::system((POSTERN_BIN_DIR "/postern-hook " + arguments + " >/dev/null 2>&1 </dev/null").c_str());
    return WEXITSTATUS(result);
  };
  CHECK(exit_of("") == 2);
  CHECK(exit_of("instal") == 2);
  CHECK(exit_of("install --no-such-option") == 2);
  CHECK(exit_of("pre-receive") == 2);
  CHECK(exit_of("pre-receive --bundle") == 2);
  CHECK(exit_of("reference-transaction --bundle /x --spool /x --root /x") == 2);
  CHECK(exit_of("pause --until tomorrow --reason x") == 2);
  CHECK(exit_of("--help") == 0);
}

TEST_CASE("rebind moves the marker of a renamed repository") {
  World at;
  REQUIRE(install::install(at.options, at.say).has_value());
  REQUIRE(receive::write_marker(at.repository("o/r").string(), {7, "old/name"}).has_value());
  REQUIRE(rebind(at.options.directory, "O/R", std::nullopt, at.say).has_value());
  const auto marker = *receive::read_marker(at.repository("o/r").string());
  CHECK(marker->name == "o/r");
  CHECK(marker->id == 7);
  CHECK(rebind(at.options.directory, "o/none", std::nullopt, at.say).error().code == ErrorCode::bad_usage);
}
