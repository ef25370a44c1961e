#include "hooks/install/gogs_config.h"

#include <catch2/catch.hpp>

using namespace postern::install;

TEST_CASE("ROOT and RUN_USER are read from app ini") {
  const auto config = parse_gogs_config(
      "; comment\nRUN_USER = git\n[server]\nROOT = /wrong\n[repository]\nROOT = `/data/repos`\n[other]\nRUN_USER=x\n");
  REQUIRE(config.has_value());
  CHECK(config->root == "/data/repos");
  CHECK(config->run_user == "git");
}

TEST_CASE("a missing or relative ROOT is an error") {
  CHECK_FALSE(parse_gogs_config("RUN_USER = git\n").has_value());
  CHECK_FALSE(parse_gogs_config("[repository]\nROOT = data/repos\n").has_value());
}

TEST_CASE("a hooks path of the repository itself is found in any spelling") {
  CHECK(local_hooks_path("[core]\n\tbare = true\n\thooksPath = /x\n") == "/x");
  CHECK(local_hooks_path("[CORE] HOOKSPATH=/y\n") == "/y");
  CHECK(local_hooks_path("[core]\n\tbare = true\n[remote \"hookspath\"]\nurl = x\n").empty());
  CHECK(is_mirror_config("[remote \"origin\"]\n\turl = x\n\tmirror = true\n"));
  CHECK_FALSE(is_mirror_config("[remote \"origin\"]\n\tmirror = false\n"));
}
