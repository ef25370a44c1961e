// schema/config.schema.json is for editors; it must know the keys that the loader knows, no more and no fewer.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "tests/gateway/access/rules_support.h"

using namespace postern;

namespace {

// The keys that the loader accepts in the table that `text` ends in, as it says itself.
std::vector<std::string> accepted_keys(const std::string& text) {
  const config::Files files{
      .read = [&](const std::string&) -> Result<std::string> { return text; },
      .list = [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{}; }};
  const auto loaded = config::load("/p.toml", files);
  std::vector<std::string> keys;
  if (loaded) return keys;
  for (const auto& problem : loaded.error().errors) {
    if (!problem.key.ends_with("zzzzzzzz")) continue;
    std::string list = problem.message.substr(problem.message.find("accepted: ") + 10) + ", ";
    for (std::size_t at = 0; at < list.size();) {
      const std::size_t end = list.find(", ", at);
      keys.push_back(list.substr(at, end - at));
      at = end + 2;
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> schema_keys(const json::Value& table) {
  std::vector<std::string> keys;
  const json::Value* properties = table.find("properties");
  if (properties == nullptr) return keys;
  for (const auto& [name, value] : *properties->as_object()) keys.push_back(name);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

TEST_CASE("the schema for editors knows exactly the keys that the loader knows") {
  const auto text = read_file(std::string(POSTERN_SOURCE_DIR) + "/schema/config.schema.json", 1 << 20);
  REQUIRE(text);
  const auto schema = json::parse(*text);
  REQUIRE(schema);
  CHECK(schema_keys(*schema) == accepted_keys("zzzzzzzz = 1\n"));
  for (const auto& [name, section] : *schema->find("properties")->as_object()) {
    if (name == "include") continue;
    const json::Value* items = section.find("items");
    const std::string header = items == nullptr ? "[" + name + "]\n" : "[[" + name + "]]\n";
    const json::Value& table = items == nullptr ? section : *items;
    INFO(name);
    CHECK(schema_keys(table) == accepted_keys(header + "zzzzzzzz = 1\n"));
    // Tables within: limits, approvals, and the arrays claims and health.
    for (const auto& [key, value] : *table.find("properties")->as_object()) {
      const json::Value* inner = value.find("items");
      const json::Value& nested = inner == nullptr ? value : *inner;
      if (nested.find("properties") == nullptr) continue;
      const std::string line = inner == nullptr ? key + " = { zzzzzzzz = 1 }\n" : key + " = [{ zzzzzzzz = 1 }]\n";
      INFO(key);
      CHECK(schema_keys(nested) == accepted_keys(header + line));
    }
  }
}
