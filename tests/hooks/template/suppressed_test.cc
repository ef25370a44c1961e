// Comments in documents that accept what rules over the tree find there.
#include <catch2/catch.hpp>

#include "hooks/policy/suppression.h"
#include "tests/hooks/template/memory_source.h"

using namespace postern;
using namespace postern::tree;

namespace {

std::string commented(const std::string& comment) {
  return "<policies>\n  <inbound>\n    <base />\n    <!-- postern-allow " + comment +
         " -->\n    <include-fragment fragment-id=\"auht\" />\n    <include-fragment fragment-id=\"log\" />\n"
         "  </inbound>\n</policies>\n";
}

MemorySource tree_with(const std::string& policy) {
  return MemorySource(
      {{"a/apis/o/policy.xml", policy}, {"a/policyFragments/auth/policy.xml", "<fragment></fragment>"}});
}

// Findings left, then the number of those that were suppressed.
std::pair<std::size_t, std::size_t> judged(const MemorySource& source, const TreeOptions& options) {
  std::vector<policy::Finding> suppressed;
  const auto found = check_tree(source, "a", options, &suppressed);
  REQUIRE(found);
  return {found->size(), suppressed.size()};
}

using Counts = std::pair<std::size_t, std::size_t>;

}  // namespace

TEST_CASE("the names of tree rules that comments know are the tree rules") {
  std::set<std::string_view> known;
  for (const policy::TreeRuleName& one : policy::tree_rule_names()) known.insert(one.id);
  std::set<std::string_view> there;
  for (const policy::Rule* rule : tree_rules()) there.insert(rule->id);
  CHECK(known == there);
}

TEST_CASE("a comment accepts the finding of a tree rule in the next element and no other") {
  const MemorySource source = tree_with(commented("missing-reference until 2030-01-31: comes with the next release"));
  TreeOptions options;
  options.may_suppress = {"missing-reference"};
  options.today = 20000;
  CHECK(judged(source, options) == Counts{1, 1});
  std::vector<policy::Finding> suppressed;
  CHECK(check_tree(source, "a", options, &suppressed)->front().message == "fragment 'log' is not in this tree");
  CHECK(suppressed.front().message == "fragment 'auht' is not in this tree");
  options.may_suppress = {"*"};
  CHECK(judged(source, options) == Counts{1, 1});
  options.may_suppress = {"fragment-cycle"};
  CHECK(judged(source, options) == Counts{2, 0});
  options.may_suppress = {};
  CHECK(judged(source, options) == Counts{2, 0});
  options.may_suppress = {"*"};
  options.today = 30000;  // 2052
  CHECK(judged(source, options) == Counts{2, 0});
}

TEST_CASE("a comment in front of the root accepts what is said of the document as such") {
  const std::string policy = "<!-- postern-allow unknown-operation until 2030-01-31: made by hand -->\n" +
                             policy_with("<set-method>GET</set-method>");
  const MemorySource source(
      {{"a/apis/o/specification.json", R"({"openapi":"3.0.1","info":{},"paths":{"/a":{"get":{"operationId":"a"}}}})"},
       {"a/apis/o/operations/b/policy.xml", policy},
       {"a/apis/o/operations/c/policy.xml", policy_with("<set-method>GET</set-method>")}});
  TreeOptions options;
  options.may_suppress = {"*"};
  CHECK(judged(source, options) == Counts{1, 1});
}

TEST_CASE("what is switched off is not counted as suppressed and levels reach tree rules") {
  const MemorySource source = tree_with(commented("missing-reference until 2030-01-31: comes later"));
  TreeOptions options;
  options.may_suppress = {"*"};
  options.levels_for = [](const std::string& path) -> policy::RuleLevels {
    CHECK(path == "a/apis/o/policy.xml");
    return {{"missing-reference", policy::RuleLevel::off}};
  };
  CHECK(judged(source, options) == Counts{0, 0});
  options.levels_for = [](const std::string&) -> policy::RuleLevels {
    return {{"missing-reference", policy::RuleLevel::error}};
  };
  const auto found = check_tree(source, "a", options);
  REQUIRE(found->size() == 1);
  CHECK(found->front().severity == policy::Severity::error);
}

TEST_CASE("a comment about a tree rule is judged as any other") {
  const auto said = [](const std::string& comment, std::vector<std::string> may_suppress) {
    policy::CheckOptions options;
    options.may_suppress = std::move(may_suppress);
    options.today = 20000;
    std::string out;
    for (const policy::Finding& one : policy::check_policy("p", commented(comment), options))
      if (one.rule == "suppression") out += one.message;
    return out;
  };
  CHECK(said("missing-reference until 2030-01-31: later", {"*"}) == "");
  CHECK(said("missing-reference until 2020-01-31: later", {"*"}).find("ended on 2020-01-31") != std::string::npos);
  CHECK(said("missing-reference until 2030-01-31: later", {}).find("may not be suppressed here") != std::string::npos);
  CHECK(said("artifact-json until 2030-01-31: later", {"*"}) ==
        "rule 'artifact-json' finds nothing in documents, so this comment has no effect");
  CHECK(said("missing-refrence until 2030-01-31: later", {"*"}) == "there is no rule 'missing-refrence'");
}
