// A directory in which git is told what to do.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "gateway/base/process.h"

namespace postern::deploy {

struct GitWorld {
  std::string directory;

  GitWorld() {
    char name[] = "/tmp/postern-git-XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~GitWorld() { std::filesystem::remove_all(directory); }
  GitWorld(const GitWorld&) = delete;
  GitWorld& operator=(const GitWorld&) = delete;

  // The output of a script in that directory, which must succeed.
  std::string shell(const std::string& script) const {
    ProcessRequest request;
    request.argv = {"sh", "-c", "set -e; cd " + directory + "; " + script};
    request.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                           {"HOME", directory},
                           {"GIT_CONFIG_NOSYSTEM", "1"},
                           {"GIT_AUTHOR_NAME", "a"},
                           {"GIT_AUTHOR_EMAIL", "a@b"},
                           {"GIT_COMMITTER_NAME", "a"},
                           {"GIT_COMMITTER_EMAIL", "a@b"}};
    auto result = run_process(request);
    REQUIRE(result);
    INFO(result->errors);
    REQUIRE(result->exit_code == 0);
    return result->output;
  }
  // The commit that the working tree "work" stands at.
  std::string head() const {
    std::string id = shell("cd work && git rev-parse HEAD");
    id.pop_back();
    return id;
  }
};

}  // namespace postern::deploy
