// Two APIs of one path.
#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

std::string api(const std::string& path, const std::string& more = {}) {
  return fmt::format(R"({{"properties":{{"path":"{}"{}{}}}}})", path, more.empty() ? "" : ",", more);
}

std::string version(const std::string& path, const std::string& set, const std::string& name) {
  return api(path, fmt::format(R"("apiVersionSetId":"{}","apiVersion":"{}")", set, name));
}

// The findings of the rule for APIs by their folders.
Lines paths_of(const std::map<std::string, std::string>& apis, const std::map<std::string, std::string>& more = {}) {
  std::map<std::string, std::string> files = more;
  for (const auto& [folder, text] : apis) {
    files.emplace("a/" + folder + "/apiInformation.json", text);
    files.emplace("a/" + folder + "/specification.yaml", "openapi: 3.0.1\ninfo: {}\npaths: {}\n");
  }
  Lines out;
  for (const std::string& line : findings(MemorySource(files)))
    if (line.find("[duplicate-api-path]") != std::string::npos) out.push_back(line);
  return out;
}

}  // namespace

TEST_CASE("two APIs of one path that are no versions of one set are an error at the second") {
  CHECK(
      paths_of({{"apis/a", api("orders")}, {"apis/b", api("/orders/")}, {"apis/c", api("orders/c")}}) ==
      Lines{"a/apis/b/apiInformation.json:1:23 error [duplicate-api-path] API 'a' has the path 'orders' too, and they "
            "are not versions of one set"});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/b", version("o", "/apiVersionSets/s", "v1")}}).size() == 1);
  CHECK(paths_of(
            {{"apis/a", version("o", "/apiVersionSets/t", "v2")}, {"apis/b", version("o", "/apiVersionSets/s", "v1")}})
            .size() == 1);
  CHECK(paths_of({{"apis/a", api("")}, {"apis/b", api("")}}).size() == 1);
  CHECK(paths_of({{"workspaces/w/apis/a", api("o")}, {"workspaces/w/apis/b", api("o")}}).size() == 1);
}

TEST_CASE("two versions of one set with the same version and path are an error") {
  CHECK(paths_of({{"apis/a", version("o", "/apiVersionSets/s", "v1")},
                  {"apis/b", version("o", "/subscriptions/0/x/apiVersionSets/S", "V1")}}) ==
        Lines{"a/apis/b/apiInformation.json:1:23 error [duplicate-api-path] API 'a' has the path 'o' and the version "
              "'v1' of the same set too"});
}

TEST_CASE("versions and revisions and what only the deployment knows share a path in peace") {
  const auto set = [](const char* v) { return version("o", "/apiVersionSets/s", v); };
  CHECK(paths_of({{"apis/a", set("")}, {"apis/a-v1", set("v1")}, {"apis/a-v2", set("v2")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/a;rev=2", api("o")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/a-2", api("o", R"("isCurrent":false)")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/a-2", api("o", R"("sourceApiId":"/apis/a")")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/b", api("o", R"("type":"websocket")")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"workspaces/w/apis/a", api("o")}, {"workspaces/x/apis/a", api("o")}}) ==
        Lines{});
  CHECK(paths_of({{"apis/a", api("{#PATH#}")}, {"apis/b", api("{#PATH#}")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("__P__")}, {"apis/b", api("__P__")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/b", api("o", R"("apiVersionSetId":"{{set}}")")}}) == Lines{});
  CHECK(paths_of({{"apis/a", api("o")}, {"apis/b", api("o", R"("apiVersionSet":{"name":"s"})")}}) == Lines{});
}

TEST_CASE("an API that a configuration file may give another path is left alone") {
  const std::map<std::string, std::string> apis{{"apis/a", api("o")}, {"apis/b", api("o")}};
  CHECK(paths_of(apis, {{"configuration.prod.yaml", "apis:\n  - name: b\n    properties:\n      path: p\n"}}) ==
        Lines{});
  CHECK(paths_of(apis, {{"configuration.prod.yaml", "namedValues:\n  - name: b\n"}}).size() == 1);
}

TEST_CASE("a change is asked only about the paths that it brings") {
  const std::map<std::string, std::string> stood{{"a/apis/a/apiInformation.json", api("o")},
                                                 {"a/apis/a/specification.yaml", "openapi: 3.0.1\n"},
                                                 {"a/apis/z/apiInformation.json", api("o")},
                                                 {"a/apis/z/specification.yaml", "openapi: 3.0.1\n"}};
  const MemorySource before(stood);
  std::map<std::string, std::string> now = stood;
  now["a/apis/a/apiInformation.json"] = api("o", R"("displayName":"other")");
  CHECK(findings(MemorySource(now), change_of(before, {"apis/a/apiInformation.json"})) == Lines{});
  now["a/apis/m/apiInformation.json"] = api("o");
  now["a/apis/m/specification.yaml"] = "openapi: 3.0.1\n";
  CHECK(findings(MemorySource(now), change_of(before, {"apis/m/apiInformation.json"})) ==
        Lines{"a/apis/m/apiInformation.json:1:23 error [duplicate-api-path] API 'z' has the path 'o' too, and they are "
              "not versions of one set"});
}
