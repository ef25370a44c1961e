// The commands in a process of their own, as people and services start them.
#include "hooks/deploy/commands.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"

namespace postern::deploy {
namespace {

struct Installed {
  std::string directory;
  Installed() {
    std::string pattern = "/tmp/postern-deploy-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
    std::ofstream(directory + "/postern.toml")
        << "[server]\nlisten = [\"unix:" << directory << "/g.sock\"]\nexternal_url = \"https://git.example.com\"\n"
        << "[upstream]\nkind = \"gogs\"\nurl = \"http://127.0.0.1:1\"\ncredentials = [\"env:NONE\"]\n"
        << "[tickets]\nsigning_keys = [\"env:NONE\"]\n[audit]\nsigning_keys = [\"env:NONE\"]\n"
        << "[[governed]]\nrepos = [\"platform/*\"]\nmode = \"enforce\"\ndirect = \"refuse\"\n"
        << "[[templates]]\nrepos = [\"platform/*\"]\nroot = \"apim\"\nlayout = \"apiops\"\n"
        << "[[environment]]\nname = \"prod\"\nmode = \"plan\"\nrepo = \"platform/policies\"\nref = "
           "\"refs/heads/main\"\n"
        << "service = \"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/"
           "Microsoft.ApiManagement/service/contoso\"\ncredential = \"managed-identity\"\nkinds = [\"policy\"]\n"
        << "[deploy]\nstore = \"sqlite:" << directory << "/deploy.db\"\ngateway = \"unix:" << directory
        << "/g.sock\"\ngit_url = \"http://127.0.0.1:1\"\n";
  }
  ~Installed() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  // The exit code; what it says goes to `said`.
  int run(const std::string& command, const std::string& environment, std::string& said) const {
    const std::string path = directory + "/said";
    const pid_t child = ::fork();
    if (child == 0) {
      const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      CommandLine line;
      line.command = command;
      line.environment = environment;
      line.config = directory + "/postern.toml";
      const int code = run_command(line);
      std::fflush(nullptr);
      ::_exit(code);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    said = read_file(path, 1 << 20).value_or("");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
};

}  // namespace

TEST_CASE("two deployers never work on one journal") {
  const Installed at;
  std::string said;
  const int alone = at.run("plan", "prod", said);
  INFO(said);
  CHECK(alone == kExitFindings);
  CHECK(said.find("nothing deploys to prod before a person says") != std::string::npos);
  // Another one holds it, as `postern-deploy run` does for all its life.
  const FileDescriptor other(::open((at.directory + "/deploy.db.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  REQUIRE(other);
  REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
  for (const char* command : {"plan", "apply"}) {
    const int second = at.run(command, "prod", said);
    INFO(said);
    CHECK(second == kExitCouldNotFinish);
    CHECK(said.find("another postern-deploy works on this store") != std::string::npos);
  }
}

}  // namespace postern::deploy
