// Each fixtures/access/<name>.toml is a configuration, or the rules of one, and <name>.expected everything that is said
// about it: "error LINE KEY: MESSAGE" and "warning …", in order. Lines are those of the fixture.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "gateway/base/file.h"
#include "gateway/config/config.h"
#include "tests/gateway/access/rules_support.h"

namespace fs = std::filesystem;
using namespace postern;

namespace {

std::string said_about(const std::string& path) {
  auto text = *read_file(path, 1 << 20);
  // What every configuration must hold goes behind the fixture, so that its lines stay.
  if (text.find("[server") == std::string::npos && path.find("missing-sections") == std::string::npos) {
    text += access::test::kPreamble;
  }
  const config::Files files{
      .read = [&](const std::string& wanted) -> Result<std::string> {
        if (wanted == "/etc/postern/postern.toml") return text;
        return fail(ErrorCode::not_found, "opening " + wanted + ": No such file or directory");
      },
      .list = [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{}; }};
  const auto loaded = config::load("/etc/postern/postern.toml", files);
  std::string said;
  const auto say = [&](const char* what, const std::vector<config::Problem>& problems) {
    for (const auto& problem : problems) {
      said += std::string(what) + " " + std::to_string(problem.line) + (problem.key.empty() ? "" : " " + problem.key) +
              ": " + problem.message + "\n";
    }
  };
  if (!loaded) say("error", loaded.error().errors);
  say("warning", loaded ? loaded->warnings : loaded.error().warnings);
  return said;
}

void check(const std::string& stem) {
  const std::string base = std::string(POSTERN_SOURCE_DIR) + "/fixtures/access/" + stem;
  const std::string said = said_about(base + ".toml");
  if (std::getenv("POSTERN_WRITE_EXPECTED") != nullptr) {
    REQUIRE(write_file_atomic(base + ".expected", said, 0644));
    return;
  }
  const auto expected = read_file(base + ".expected", 1 << 20);
  REQUIRE(expected);
  CHECK(said == *expected);
  CHECK_FALSE(said.empty());
}

// One test case per fixture, registered before main() looks at the list.
struct Fixture : Catch::ITestInvoker {
  explicit Fixture(std::string name) : stem(std::move(name)) {}
  void invoke() const override { check(stem); }
  std::string stem;
};

const bool kRegistered = [] {
  std::set<std::string> stems;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(std::string(POSTERN_SOURCE_DIR) + "/fixtures/access", ignored)) {
    if (entry.path().extension() == ".toml") stems.insert(entry.path().stem().string());
  }
  for (const auto& stem : stems) {
    Catch::getMutableRegistryHub().registerTest(
        Catch::makeTestCase(new Fixture(stem), "", Catch::NameAndTags("what is said about the configuration " + stem),
                            Catch::SourceLineInfo(__FILE__, __LINE__)));
  }
  return !stems.empty();
}();

}  // namespace

TEST_CASE("the fixtures of mistakes are found") { CHECK(kRegistered); }
