// The filter that keeps a push that takes a name away from reading the whole tree.
#include "hooks/template/words.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

TEST_CASE("a name is found wherever it stands between marks and letter case is ignored") {
  Words words;
  words.add("<include-fragment fragment-id=\"Auth\" /> {{ key-1 }} \"/loggers/main.log;rev=2\" 'my backend'");
  for (const char* name : {"auth", "AUTH", "key-1", "main.log", "my backend"}) CHECK(words.may_hold(name));
  for (const char* name : {"aut", "auth2", "key", "your backend", "log"}) CHECK_FALSE(words.may_hold(name));
  CHECK(words.may_hold("$$"));  // no word that could be missed
}

TEST_CASE("letters written as numbers may spell any name") {
  for (const char* text : {"{\"name\": \"\\u0061uth\"}", "<x id=\"&#97;uth\" />"}) {
    Words words;
    words.add(text);
    CHECK(words.may_hold("auth"));
    CHECK(words.to_text() == "*");
  }
}

TEST_CASE("words read back as they were written and nothing else does") {
  Words words;
  words.add("one two three");
  const std::string text = words.to_text();
  CHECK(text.size() == 18);
  const std::optional<Words> again = Words::parse(text);
  REQUIRE(again);
  CHECK(again->to_text() == text);
  CHECK(again->may_hold("two"));
  for (const std::string& wrong :
       {text + "0", std::string("zzzzzz"), text.substr(12) + text.substr(0, 6), std::string("**")}) {
    CHECK_FALSE(Words::parse(wrong));
  }
}

namespace {

// Gives every folder a name of its content, which is the content.
class Named final : public repo::FileSource {
 public:
  explicit Named(std::map<std::string, std::string> files) : files_(files), inner_(std::move(files)) {}
  Result<std::string> read(std::string_view path, std::size_t max) const override { return inner_.read(path, max); }
  Result<bool> exists(std::string_view path) const override { return inner_.exists(path); }
  Result<std::vector<std::string>> list(std::string_view directory) const override { return inner_.list(directory); }
  Result<std::vector<repo::Folder>> folders(std::string_view directory) const override {
    Result<std::vector<repo::Folder>> out = FileSource::folders(directory);
    for (repo::Folder& folder : *out) {
      const std::string prefix = (directory.empty() ? "" : std::string(directory) + "/") + folder.name + "/";
      for (const auto& [path, text] : files_) {
        if (path.starts_with(prefix)) folder.content += path + "=" + text;
      }
    }
    return out;
  }
  std::vector<std::string>& reads() const { return inner_.reads; }

 private:
  std::map<std::string, std::string> files_;
  MemorySource inner_;
};

class Memory final : public KeptWords {
 public:
  std::optional<Words> find(const std::string& key) override {
    const auto at = kept.find(key);
    return at == kept.end() ? std::nullopt : std::optional(at->second);
  }
  void keep(const std::string& key, const Words& words) override { kept[key] = words; }
  std::map<std::string, Words> kept;
};

}  // namespace

TEST_CASE("a name that goes is looked for only in folders that changed or may use it once the others are known") {
  const std::string fragment = "<fragment>\n  <set-method>GET</set-method>\n</fragment>\n";
  std::map<std::string, std::string> files{
      {"a/apis/orders/policy.xml", policy_with("<include-fragment fragment-id=\"auth\" />")},
      {"a/apis/stock/policy.xml", policy_with("<include-fragment fragment-id=\"log\" />")},
      {"a/workspaces/w/apis/inner/policy.xml", policy_with("<base />")},
      {"a/policy fragments/auth/policy.xml", fragment},
      {"a/policy fragments/log/policy.xml", fragment},
      {"a/policy fragments/old/policy.xml", fragment}};
  const Named before(files);
  Memory kept;
  const auto without = [&](const std::string& name) {
    files.erase("a/policy fragments/" + name + "/policy.xml");
    const Named after(files);
    TreeOptions options = change_of(before, {}, {"policy fragments/" + name + "/policy.xml"});
    options.kept = &kept;
    Lines said = findings(after, options);
    for (const std::string& path : after.reads()) said.push_back("read " + path);
    return said;
  };
  // The first time every folder is read, in every workspace.
  CHECK(without("old").size() >= 4);
  CHECK(kept.kept.size() == 5);
  // Then only those that use the name, and it is found there as before.
  const Lines said = without("auth");
  REQUIRE(!said.empty());
  CHECK(said[0].starts_with("a/apis/orders/policy.xml:4:"));
  CHECK(said[0].find("fragment 'auth' is deleted by this change and still used here") != std::string::npos);
  for (const std::string& line : said) {
    if (line.starts_with("read ")) CHECK(line == "read a/apis/orders/policy.xml");
  }
}
