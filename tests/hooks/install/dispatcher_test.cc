#include "hooks/install/dispatcher.h"

#include <catch2/catch.hpp>

using namespace postern::install;

TEST_CASE("the dispatcher carries its paths quoted for the shell") {
  const std::string script = dispatcher_script({"/p/it's", "/b $(x)", "/s", "/r", "/q"});
  CHECK(script.starts_with("#!/bin/sh\n"));
  CHECK(script.find("program='/p/it'\\''s'\n") != std::string::npos);
  CHECK(script.find("bundle='/b $(x)'\n") != std::string::npos);
  CHECK(script.find('@' + std::string("program")) == std::string::npos);
}

TEST_CASE("every hook name of git that a push can meet is there") {
  const auto names = hook_names();
  for (const std::string_view name : {"pre-receive", "update", "proc-receive", "post-receive", "post-update",
                                      "reference-transaction", "push-to-checkout", "pre-auto-gc", "commit-msg"}) {
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}
