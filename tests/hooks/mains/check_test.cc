// postern-check as a program, and the pages that are made from its rules.
#include "hooks/policy/check.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/base/process.h"
#include "hooks/mains/main_check_rules.h"

using namespace postern;
namespace fs = std::filesystem;

namespace {

// A directory that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "postern-check-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const fs::path file = fs::path(path_) / name;
    fs::create_directories(file.parent_path());
    REQUIRE(write_file_atomic(file.string(), text, 0644));
    return file.string();
  }

 private:
  std::string path_;
};

ProcessResult run(std::vector<std::string> arguments, const std::string& directory = {},
                  const std::string& input = {}) {
  ProcessRequest request;
  request.argv = std::move(arguments);
  request.directory = directory;
  request.input = input;
  const char* path = std::getenv("PATH");
  request.environment = {{"PATH", path == nullptr ? "/usr/bin:/bin" : path},
                         {"HOME", directory},
                         {"GIT_CONFIG_NOSYSTEM", "1"},
                         {"GIT_AUTHOR_NAME", "a"},
                         {"GIT_AUTHOR_EMAIL", "a@example.org"},
                         {"GIT_COMMITTER_NAME", "a"},
                         {"GIT_COMMITTER_EMAIL", "a@example.org"}};
  auto result = run_process(request);
  REQUIRE(result);
  return *result;
}

ProcessResult judge(std::vector<std::string> arguments, const std::string& directory = {},
                    const std::string& input = {}) {
  arguments.insert(arguments.begin(), std::string(POSTERN_BIN_DIR) + "/postern-check");
  return run(std::move(arguments), directory, input);
}

const std::string kGood = "<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n";
const std::string kBad = "<policies>\n  <inbound>\n    <bsae />\n  </inbound>\n</policies>\n";
const std::string kWarned = "<policies>\n  <inbound>\n    <base />\n    <base />\n  </inbound>\n</policies>\n";

std::string file(const std::string& name) {
  auto text = read_file(std::string(POSTERN_SOURCE_DIR) + "/" + name, std::size_t{16} << 20);
  REQUIRE(text);
  return *text;
}

// As much of JSON Schema as schema/policies.schema.json uses.
void validate(const json::Value& value, const json::Value& schema, const json::Value& root, const std::string& where) {
  CAPTURE(where);
  if (const std::string* ref = schema.find_string("$ref")) {
    const json::Value* target = root.find("$defs")->find(ref->substr(std::string_view("#/$defs/").size()));
    REQUIRE(target != nullptr);
    return validate(value, *target, root, where);
  }
  if (const json::Value* type = schema.find("type")) {
    bool fits = false;
    json::Array types = type->as_array() != nullptr ? *type->as_array() : json::Array{*type};
    for (const json::Value& one : types) {
      const std::string& name = *one.as_string();
      fits |= name == "object"    ? value.as_object() != nullptr
              : name == "array"   ? value.as_array() != nullptr
              : name == "string"  ? value.as_string() != nullptr
              : name == "boolean" ? value.as_bool() != nullptr
              : name == "integer" ? value.as_int() != nullptr
              : name == "number"  ? value.as_int() != nullptr || value.as_double() != nullptr
                                  : value.is_null();
    }
    CHECK(fits);
  }
  if (const json::Value* list = schema.find("enum")) {
    bool fits = false;
    for (const json::Value& one : *list->as_array()) fits |= one == value;
    CHECK(fits);
  }
  if (const json::Object* object = value.as_object()) {
    if (const json::Value* required = schema.find("required"))
      for (const json::Value& name : *required->as_array()) {
        CAPTURE(*name.as_string());
        CHECK(value.find(*name.as_string()) != nullptr);
      }
    const json::Value* properties = schema.find("properties");
    for (const auto& [name, member] : *object) {
      const json::Value* known = properties == nullptr ? nullptr : properties->find(name);
      if (known != nullptr) {
        validate(member, *known, root, where + "/" + name);
      } else {
        CAPTURE(name);
        CHECK(schema.find("additionalProperties") == nullptr);
      }
    }
  }
  if (const json::Array* array = value.as_array())
    if (const json::Value* items = schema.find("items"))
      for (std::size_t i = 0; i < array->size(); ++i)
        validate((*array)[i], *items, root, where + "/" + std::to_string(i));
}

}  // namespace

TEST_CASE("The exit code says whether there are findings") {
  const Folder folder;
  CHECK(judge({folder.write("good.xml", kGood)}).exit_code == 0);
  CHECK(judge({folder.write("bad.xml", kBad)}).exit_code == 1);
  CHECK(judge({folder.write("warned.xml", kWarned)}).exit_code == 0);
  CHECK(judge({"--fail-on", "warning", folder.path() + "/warned.xml"}).exit_code == 1);
  CHECK(judge({folder.path()}).exit_code == 1);
}

TEST_CASE("Bad usage exits 2 and says what is wrong") {
  const Folder folder;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--bogus"},
                                             {"--format", "yaml"},
                                             {"--fail-on", "advice"},
                                             {"--explain", "no-such-rule"},
                                             {"/no/such/place"},
                                             {"--settings", "/no/such/file"},
                                             {"--stdin", "a.xml", "b.xml"}}) {
    const ProcessResult result = judge(arguments, folder.path());
    CAPTURE(arguments.front());
    CHECK(result.exit_code == 2);
    CHECK_FALSE((result.errors + result.output).empty());
  }
}

TEST_CASE("A directory is judged in one order and other XML is passed over") {
  const Folder folder;
  folder.write("b/bad.xml", kBad);
  folder.write("a/bad.xml", kBad);
  folder.write("a/project.xml", "<project><broken></project>");
  folder.write(".git/bad.xml", kBad);
  const ProcessResult result = judge({"."}, folder.path());
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("a/bad.xml:3:6: error: there is no policy <bsae> [unknown-element]\n    <bsae />\n     "
                           "^~~~\nfix: did you mean <base>?\n") == 0);
  CHECK(result.output.find("a/bad.xml") < result.output.find("b/bad.xml"));
  CHECK(result.output.find("project.xml") == std::string::npos);
  CHECK(result.output.find("2 files: 2 errors") != std::string::npos);
}

TEST_CASE("What lies where a policy lies is judged whatever it holds") {
  const Folder folder;
  folder.write("apis/a/policy.xml", "<policy><inbound /></policy>");
  folder.write("apis/b/policy.xml", "");
  folder.write("policy.xml", "{}");
  folder.write("pom/policy.xml", "<project />");
  const ProcessResult result = judge({"--root", ".", "."}, folder.path());
  CHECK(result.exit_code == 1);
  for (const char* path : {"apis/a/policy.xml:1", "apis/b/policy.xml:1", "\npolicy.xml:1"}) {
    INFO(path);
    CHECK_THAT("\n" + result.output, Catch::Contains(path));
  }
  CHECK_THAT(result.output, !Catch::Contains("pom/policy.xml"));
}

TEST_CASE("A file that is named is judged whatever its root is") {
  const Folder folder;
  const ProcessResult result = judge({folder.write("project.xml", "<project/>")});
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("[document-root]") != std::string::npos);
}

TEST_CASE("Standard input is judged under its name") {
  const ProcessResult result = judge({"--stdin", "apis/a/policy.xml"}, {}, kBad);
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("apis/a/policy.xml:3:6: error:") == 0);
}

TEST_CASE("The same findings reach every format") {
  const Folder folder;
  const std::string bad = folder.write("bad.xml", kBad);
  for (const std::string format : {"json", "sarif", "gitlab"}) {
    CAPTURE(format);
    const ProcessResult result = judge({"--format", format, bad});
    CHECK(result.exit_code == 1);
    CHECK(json::parse(result.output));
    CHECK(result.output.find("unknown-element") != std::string::npos);
  }
  CHECK(judge({"--format", "github", bad}).output.starts_with("::error file="));
  CHECK(judge({"--format", "junit", bad}).output.starts_with("<?xml"));
}

TEST_CASE("A baseline accepts what stands and nothing new even when lines move") {
  const Folder folder;
  const std::string bad = folder.write("bad.xml", kBad);
  CHECK(judge({"--write-baseline", "base.json", "bad.xml"}, folder.path()).exit_code == 0);
  CHECK(judge({"--baseline", "base.json", "bad.xml"}, folder.path()).exit_code == 0);
  folder.write("bad.xml", "<!-- a line more -->\n" + kBad);
  CHECK(judge({"--baseline", "base.json", "bad.xml"}, folder.path()).exit_code == 0);
  std::string twice = kBad;
  twice.insert(twice.find("    <bsae"), "    <bsae />\n");
  folder.write("bad.xml", twice);
  CHECK(judge({"--baseline", "base.json", "bad.xml"}, folder.path()).exit_code == 1);
}

TEST_CASE("Settings change severities by rule and by path") {
  const Folder folder;
  folder.write("legacy/bad.xml", kBad);
  folder.write("new/warned.xml", kWarned);
  folder.write("postern-policy.toml",
               "[severity]\nbase-placement = \"error\"\n[[path]]\npaths = [\"legacy/**\"]\nseverity = { "
               "unknown-element = \"off\" }\n");
  const ProcessResult result = judge({"."}, folder.path());
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("legacy") == std::string::npos);
  CHECK(result.output.find("error: <base> stands twice") != std::string::npos);
}

TEST_CASE("A mistake in the settings names file line and key") {
  const Folder folder;
  folder.write("a.xml", kGood);
  folder.write("postern-policy.toml", "[severity]\nmissing-bas = \"error\"\n");
  const ProcessResult result = judge({"."}, folder.path());
  CHECK(result.exit_code == 2);
  CHECK(
      result.errors.find("postern-policy.toml: line 2: there is no rule 'missing-bas'; did you mean 'missing-base'?") !=
      std::string::npos);
}

TEST_CASE("Only what changed is judged and a shallow clone says what it lacks") {
  const Folder folder;
  const std::string repository = folder.path() + "/r";
  fs::create_directories(repository);
  REQUIRE(run({"git", "init", "-q", "-b", "main"}, repository).exit_code == 0);
  folder.write("r/old.xml", kBad);
  REQUIRE(run({"git", "add", "."}, repository).exit_code == 0);
  REQUIRE(run({"git", "commit", "-qm", "one"}, repository).exit_code == 0);
  folder.write("r/new.xml", kBad);
  REQUIRE(run({"git", "add", "."}, repository).exit_code == 0);
  REQUIRE(run({"git", "commit", "-qm", "two"}, repository).exit_code == 0);
  folder.write("r/untracked.xml", kBad);
  const ProcessResult range = judge({"--changed", "HEAD~1..HEAD"}, repository);
  CHECK(range.exit_code == 1);
  CHECK(range.output.find("new.xml") != std::string::npos);
  CHECK(range.output.find("old.xml") == std::string::npos);
  CHECK(range.output.find("untracked.xml") == std::string::npos);
  const ProcessResult tree = judge({"--changed", "HEAD"}, repository);
  CHECK(tree.output.find("untracked.xml") != std::string::npos);
  CHECK(tree.output.find("new.xml") == std::string::npos);
  REQUIRE(run({"git", "clone", "-q", "--depth", "1", "file://" + repository, folder.path() + "/s"}, folder.path())
              .exit_code == 0);
  const ProcessResult shallow = judge({"--changed", "HEAD~1..HEAD"}, folder.path() + "/s");
  CHECK(shallow.exit_code == 2);
  CHECK(shallow.errors.find("shallow") != std::string::npos);
}

TEST_CASE("A path within the layout tells the scope") {
  using policy::Scope;
  CHECK(check::scope_of_path("x/apis/a/policy.xml", std::nullopt) == Scope::api);
  CHECK(check::scope_of_path("x/apis/a/operations/o/policy.xml", std::nullopt) == Scope::operation);
  CHECK(check::scope_of_path("x/products/p/policy.xml", std::nullopt) == Scope::product);
  CHECK(check::scope_of_path("x/policy fragments/f/policy.xml", std::nullopt) == Scope::fragment);
  CHECK(check::scope_of_path("x/policy.xml", std::nullopt) == Scope::unknown);
  CHECK(check::scope_of_path("x/policy.xml", "x") == Scope::global);
}

TEST_CASE("The page of rules is what the rules say") {
  // POSTERN_UPDATE=1 writes it anew.
  const std::string path = std::string(POSTERN_SOURCE_DIR) + "/docs/rules.md";
  if (std::getenv("POSTERN_UPDATE") != nullptr) REQUIRE(write_file_atomic(path, check::rules_page(), 0644));
  CHECK(file("docs/rules.md") == check::rules_page());
}

TEST_CASE("The list of names that configuration knows holds every rule") {
  const auto root = json::parse(file("schema/rules.json"));
  REQUIRE(root);
  std::set<std::string> listed;
  for (const json::Value& one : *root->find("rules")->as_array()) listed.insert(*one.find_string("id"));
  std::set<std::string> known;
  for (const policy::Rule* rule : check::all_rules()) {
    known.insert(std::string(rule->id));
    for (const json::Value& one : *root->find("rules")->as_array())
      if (*one.find_string("id") == rule->id) CHECK(*one.find_string("severity") == to_string(rule->severity));
  }
  CHECK(listed == known);
}

TEST_CASE("The catalogue keeps to its schema") {
  const auto catalogue = json::parse(file("schema/policies.json"), {std::size_t{8} << 20, 64, 1000000});
  const auto schema = json::parse(file("schema/policies.schema.json"));
  REQUIRE(catalogue);
  REQUIRE(schema);
  validate(*catalogue, *schema, *schema, "");
}
