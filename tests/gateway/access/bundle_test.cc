#include "gateway/access/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "tests/gateway/access/rules_support.h"

using namespace postern;
using namespace postern::access;
using namespace postern::access::test;
namespace fs = std::filesystem;

namespace {

struct Scratch {
  Scratch() : path(fs::temp_directory_path() / ("postern-bundle-" + hex_encode(random_bytes(8)))) {
    fs::create_directories(path);
  }
  ~Scratch() { fs::remove_all(path); }
  std::string at(const std::string& name) const { return (path / name).string(); }
  fs::path path;
};

constexpr std::string_view kRules = R"(
[[governed]]
repos = ["platform/policies"]
mode = "observe"
direct = "authorize"
[[governed]]
repos = ["platform/*", "docs/*.wiki"]
[[templates]]
repos = ["platform/*"]
root = "apimartifacts"
may_relax = ["unknown-element"]
severity = { doctype = "off" }
[[grant]]
name = "alice-writes"
to = ["alice"]
repos = ["platform/*"]
verbs = ["read", "write"]
)";

HookBundle bundle_of(const AccessRules& rules) {
  auto loaded = load(std::string(kPeople) + std::string(kRules));
  const auto key = identity::SigningKey::generate_ed25519();
  return config::make_hook_bundle(loaded->config, rules, {key->public_key()}, kNow);
}

}  // namespace

TEST_CASE("hook json survives writing and reading") {
  const auto rules = people_with(kRules);
  const HookBundle bundle = bundle_of(*rules);
  const std::string text = hook_bundle_to_json(bundle);
  const auto read = hook_bundle_from_json(text);
  REQUIRE(read);
  CHECK(hook_bundle_to_json(*read) == text);
  CHECK(read->issuer == "https://git.example.com");
  CHECK(read->rules == rules->digest());
  CHECK(read->published_at == kNow);
  REQUIRE(read->keys.size() == 1);
  CHECK(read->keys[0].key_id() == bundle.keys[0].key_id());
  CHECK(read->limits.blob_bytes == (16ULL << 20));
}

TEST_CASE("the bundle governs as the rules do") {
  const auto rules = people_with(kRules);
  const auto bundle = *hook_bundle_from_json(hook_bundle_to_json(bundle_of(*rules)));
  for (const char* name : {"platform/policies", "platform/x", "other/x", "platform/x.wiki", "docs/x.wiki", "docs/x"}) {
    const Governance ours = rules->governance_of(repo(name));
    const Governance theirs = bundle.governance_of(repo(name));
    CHECK(ours.governed == theirs.governed);
    CHECK(ours.mode == theirs.mode);
    CHECK(ours.direct == theirs.direct);
    CHECK((rules->templates_of(repo(name)) == nullptr) == (bundle.templates_of(repo(name)) == nullptr));
  }
  CHECK(bundle.governance_of(repo("docs/x.wiki")).governed);
  CHECK_FALSE(bundle.governance_of(repo("platform/x.wiki")).governed);
}

TEST_CASE("a hook json with a fault is refused and the fault is named") {
  const auto rules = people_with(kRules);
  const std::string text = hook_bundle_to_json(bundle_of(*rules));
  const auto with = [&](std::string_view member, json::Value value) {
    auto root = *json::parse(text);
    root.set(member, std::move(value));
    const auto read = hook_bundle_from_json(json::dump(root));
    return read ? std::string() : read.error().message;
  };
  CHECK(with("version", 2) == "member \"version\" is not 1");
  CHECK(with("governed", "all") == "member \"governed\" is not an array");
  CHECK(with("governed",
             json::Array{json::Object{{"repos", json::Array{"a/b"}}, {"mode", "off"}, {"direct", "refuse"}}}) ==
        "member \"mode\" is not observe or enforce");
  CHECK(with("keys", json::Array{json::Object{{"kty", "oct"}}})
            .starts_with("member \"keys\" is not a list of public keys"));
  CHECK(with("limits", json::Object{{"blob_bytes", -1}}) == "member \"blob_bytes\" is not a count");
  CHECK_FALSE(with("published_at", "now").empty());
  CHECK_FALSE(hook_bundle_from_json(text.substr(0, text.size() / 2)));
}

TEST_CASE("publishing swaps the whole directory") {
  const Scratch scratch;
  const std::string link = scratch.at("bundle");
  const auto rules = people_with(kRules);
  REQUIRE(publish_bundle(link, bundle_of(*rules), *rules));
  CHECK(fs::is_symlink(link));
  const std::string first = *resolve_bundle(link);
  const auto second_rules = people_with(std::string(kRules) + "[[group]]\nname = \"more\"\nmembers = [\"bot\"]\n");
  REQUIRE(publish_bundle(link, bundle_of(*second_rules), *second_rules));
  CHECK(*resolve_bundle(link) != first);
  CHECK(read_hook_bundle(link)->rules == second_rules->digest());
  // Who resolved the old one a moment ago still reads both files of it.
  CHECK(read_hook_bundle(first)->rules == rules->digest());
  CHECK(read_rules_bundle(first, rules->digest()));
  REQUIRE(publish_bundle(link, bundle_of(*rules), *rules));
  CHECK_FALSE(fs::exists(first));
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(scratch.path)) ++entries;
  CHECK(entries == 3);
}

TEST_CASE("the bundle is readable by the group and by nobody else whatever the umask") {
  const Scratch scratch;
  const auto rules = people_with(kRules);
  const mode_t before = ::umask(0077);
  const auto published = publish_bundle(scratch.at("bundle"), bundle_of(*rules), *rules);
  ::umask(before);
  REQUIRE(published);
  struct stat info{};
  REQUIRE(::stat(scratch.at("bundle").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 02750U);
  for (const char* name : {"hook.json", "rules.json"}) {
    REQUIRE(::stat((scratch.at("bundle") + "/" + name).c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == 0640U);
  }
}

TEST_CASE("a directory with files in the bundle's place is left alone") {
  const Scratch scratch;
  const auto rules = people_with(kRules);
  fs::create_directories(scratch.path / "bundle");
  REQUIRE(write_file_atomic(scratch.at("bundle/precious"), "x", 0600));
  const auto published = publish_bundle(scratch.at("bundle"), bundle_of(*rules), *rules);
  REQUIRE_FALSE(published);
  CHECK(published.error().code == ErrorCode::conflict);
  CHECK(fs::exists(scratch.path / "bundle/precious"));
  fs::create_directories(scratch.path / "empty");
  CHECK(publish_bundle(scratch.at("empty"), bundle_of(*rules), *rules));
}

TEST_CASE("rules json gives the hook the same decisions") {
  const Scratch scratch;
  const auto rules = people_with(kRules);
  REQUIRE(publish_bundle(scratch.at("bundle"), bundle_of(*rules), *rules));
  const auto read = read_rules_bundle(scratch.at("bundle"), rules->digest());
  REQUIRE(read);
  const auto alice = (*read)->identify_gogs_user("alice");
  CHECK((*read)->decide(alice, repo("platform/x"), "refs/heads/main", Verb::update, {}, kNow).allowed);
  CHECK_FALSE(
      (*read)
          ->decide((*read)->identify_gogs_user("eve"), repo("platform/x"), "refs/heads/main", Verb::update, {}, kNow)
          .allowed);
  const auto wrong = read_rules_bundle(scratch.at("bundle"), std::string(64, '0'));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ErrorCode::corrupt);
}

TEST_CASE("rules with roles for environments are published and read") {
  const Scratch scratch;
  const auto rules = people_with(std::string(kRules) + R"(
[[environment]]
name = "prod"
repo = "platform/policies"
ref = "refs/heads/main"
service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x"
[[role]]
name = "leads"
to = ["team"]
may = ["approve:prod"]
)");
  REQUIRE(publish_bundle(scratch.at("bundle"), bundle_of(*rules), *rules));
  CHECK(read_rules_bundle(scratch.at("bundle"), rules->digest()));
}

TEST_CASE("a bundle that would be too large is not published") {
  const Scratch scratch;
  const auto rules = people_with(kRules);
  auto bundle = bundle_of(*rules);
  for (int i = 0; i < 5000; ++i) bundle.governed.push_back({{"owner-" + std::to_string(i) + "/repository"}, {}});
  const auto published = publish_bundle(scratch.at("bundle"), bundle, *rules);
  REQUIRE_FALSE(published);
  CHECK(published.error().code == ErrorCode::limit);
  CHECK_FALSE(fs::exists(scratch.path / "bundle"));
}

TEST_CASE("a missing bundle is an error that names the file") {
  const Scratch scratch;
  const auto read = read_hook_bundle(scratch.at("nowhere"));
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("/nowhere/hook.json") != std::string::npos);
}
