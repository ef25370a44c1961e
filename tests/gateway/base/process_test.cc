#include "gateway/base/process.h"

#include <catch2/catch.hpp>

namespace postern {
namespace {

using namespace std::chrono_literals;

ProcessRequest shell(std::string script) {
  ProcessRequest request;
  request.argv = {"sh", "-c", std::move(script)};
  request.environment = {{"PATH", "/usr/bin:/bin"}};
  request.deadline = 10s;
  return request;
}

TEST_CASE("a program gives its output its errors and its exit code") {
  auto result = run_process(shell("echo out; echo err >&2; exit 3"));
  REQUIRE(result);
  CHECK(result->output == "out\n");
  CHECK(result->errors == "err\n");
  CHECK(result->exit_code == 3);
}

TEST_CASE("input larger than a pipe reaches the program") {
  auto request = shell("wc -c");
  request.input.assign(1000000, 'x');
  auto result = run_process(request);
  REQUIRE(result);
  CHECK(result->output == "1000000\n");
}

TEST_CASE("a secret at descriptor 3 is in neither arguments nor environment") {
  auto request = shell("tr '\\0' ' ' < /proc/self/cmdline; tr '\\0' ' ' < /proc/self/environ; cat <&3");
  request.descriptor3 = Secret("hunter2\n");
  auto result = run_process(request);
  REQUIRE(result);
  CHECK(result->output.ends_with("hunter2\n"));
  CHECK(result->output.find("hunter2") == result->output.size() - 8);
}

TEST_CASE("the environment is exactly the one given") {
  auto request = shell("env | grep -v '^PWD=' | grep -v '^SHLVL=' | grep -v '^_=' | sort");
  request.environment.emplace_back("A", "1");
  CHECK(run_process(request)->output == "A=1\nPATH=/usr/bin:/bin\n");
}

TEST_CASE("a program and its children are killed at the deadline") {
  auto request = shell("sleep 60 & sleep 60");
  request.deadline = 100ms;
  const auto start = std::chrono::steady_clock::now();
  auto result = run_process(request);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::timeout);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("a program that talks without end is stopped") {
  auto request = shell("yes");
  request.max_output = 100000;
  auto result = run_process(request);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::limit);
}

TEST_CASE("a program that is not there is named") {
  ProcessRequest request;
  request.argv = {"no-such-program-here"};
  auto result = run_process(request);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::unavailable);
  CHECK(result.error().message.find("no-such-program-here") != std::string::npos);
}

}  // namespace
}  // namespace postern
