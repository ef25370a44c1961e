// fixtures/policy: every file in ok/ has no error and no warning but those its .expected lists; every file in err/ has
// exactly the findings of its .expected (`LINE SEVERITY RULE`, one per line). NAME.SCOPE.xml is judged at that scope,
// and under the settings of its .toml where there is one.
#include <fmt/core.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "gateway/base/file.h"
#include "hooks/policy/catalogue.h"
#include "hooks/policy/check.h"
#include "hooks/policy/rules.h"
#include "hooks/policy/settings.h"

using namespace postern::policy;
namespace fs = std::filesystem;

namespace {

const std::string kRoot = POSTERN_SOURCE_DIR "/fixtures/policy";

std::vector<fs::path> documents(const std::string& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(kRoot + "/" + folder))
    if (entry.path().extension() == ".xml") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::string read(const fs::path& path) {
  auto text = postern::read_file(path.string(), std::size_t{64} << 20);
  REQUIRE(text);
  return *text;
}

Scope scope_of(const fs::path& path) {
  const std::string scope = path.stem().extension().string();
  for (Scope one : {Scope::global, Scope::workspace, Scope::product, Scope::api, Scope::operation, Scope::resolver,
                    Scope::fragment})
    if (scope == "." + std::string(to_string(one))) return one;
  return Scope::unknown;
}

CheckOptions options_of(fs::path path) {
  CheckOptions options;
  options.scope = scope_of(path);
  const std::string name = path.filename().string();
  if (path.replace_extension(".toml"); fs::exists(path)) {
    const auto settings = parse_settings(read(path));
    REQUIRE(settings);
    options.severity = settings->levels_for(name);
    options.guardrails = settings->guardrails_for(name);
  }
  return options;
}

std::string found_in(const fs::path& path) {
  const CheckOptions options = options_of(path);
  std::string out;
  for (const Finding& f : check_policy(path.filename().string(), read(path), options))
    out += fmt::format("{} {} {}\n", f.line, to_string(f.severity), f.rule);
  return out;
}

std::string expected_of(fs::path path) {
  path.replace_extension(".expected");
  return fs::exists(path) ? read(path) : std::string();
}

}  // namespace

TEST_CASE("Documents in fixtures ok have no findings") {
  const auto files = documents("ok");
  REQUIRE(files.size() > 80);
  for (const fs::path& path : files) {
    CAPTURE(path.string());
    CHECK(found_in(path) == expected_of(path));
  }
}

TEST_CASE("Documents as people write them have no findings") {
  const auto files = documents("practice");
  REQUIRE(files.size() > 10);
  for (const fs::path& path : files) {
    CAPTURE(path.string());
    CHECK(found_in(path) == "");
  }
}

TEST_CASE("Documents in fixtures err have exactly their findings") {
  const auto files = documents("err");
  REQUIRE(files.size() > 100);
  for (const fs::path& path : files) {
    CAPTURE(path.string());
    CHECK_FALSE(expected_of(path).empty());
    CHECK(found_in(path) == expected_of(path));
  }
}

TEST_CASE("Every catalogue entry and every rule has its fixtures") {
  auto has = [](const std::string& folder, std::string_view name, std::string_view holds = {}) {
    for (const fs::path& path : documents(folder)) {
      const std::string file = path.filename().string();
      if (file.starts_with(std::string(name) + ".") && read(path).find(holds) != std::string::npos) return true;
    }
    return false;
  };
  // A fixture that only bears the name of an element says nothing about it.
  for (const catalogue::Policy& policy : catalogue::policies()) {
    CAPTURE(policy.name);
    CHECK(has("ok", policy.name, fmt::format("<{}", policy.name)));
    CHECK(has("err", policy.name, fmt::format("<{}", policy.name)));
  }
  for (const Rule* rule : rules()) {
    CAPTURE(rule->id);
    CHECK(has("err", fmt::format("rule-{}", rule->id)));
    CHECK(has("ok", fmt::format("rule-{}", rule->id)));
  }
}

TEST_CASE("Line ends and byte order marks change no finding") {
  for (const fs::path& path : documents("err")) {
    CAPTURE(path.string());
    if (path.stem().string().starts_with("rule-encoding")) continue;
    const std::string text = read(path);
    std::string other = "\xef\xbb\xbf";
    for (const char c : text) other += c == '\n' ? std::string("\r\n") : std::string(1, c);
    const CheckOptions options = options_of(path);
    std::string rules;
    for (const Finding& f : check_policy("a", text, options))
      rules += fmt::format("{}:{} {}\n", f.line, f.column, f.rule);
    std::string others;
    for (const Finding& f : check_policy("a", other, options))
      others += fmt::format("{}:{} {}\n", f.line, f.column, f.rule);
    CHECK(rules == others);
  }
}
