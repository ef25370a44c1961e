#include "hooks/deploy/plan.h"

#include <catch2/catch.hpp>

#include "hooks/deploy/backoff.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;
using policy::Scope;

Step step(Action action, std::string path, Scope scope, std::string text = "t") {
  return {action, {std::move(path), scope, "f", "i"}, action == Action::put ? std::move(text) : std::string()};
}

std::vector<std::string> order(const Plan& plan) {
  std::vector<std::string> list;
  for (const auto& each : plan.steps)
    list.push_back(std::string(to_string(each.action)) + " " + each.resource.arm_path);
  return list;
}

TEST_CASE("a plan puts fragments first wide before narrow and deletes last in reverse") {
  const Plan plan = make_plan("prod", "/s", "a", "b",
                              {step(Action::remove, "/policyFragments/old", Scope::fragment),
                               step(Action::remove, "/apis/x/policies/policy", Scope::api),
                               step(Action::remove, "/apis/x/operations/o/policies/policy", Scope::operation),
                               step(Action::put, "/apis/a/operations/o/policies/policy", Scope::operation),
                               step(Action::put, "/apis/a/policies/policy", Scope::api),
                               step(Action::put, "/products/p/policies/policy", Scope::product),
                               step(Action::put, "/workspaces/w/policies/policy", Scope::workspace),
                               step(Action::put, "/policies/policy", Scope::global),
                               step(Action::put, "/workspaces/w/policyFragments/f", Scope::fragment),
                               step(Action::put, "/policyFragments/f", Scope::fragment)});
  CHECK(order(plan) == std::vector<std::string>{"put /policyFragments/f", "put /workspaces/w/policyFragments/f",
                                                "put /policies/policy", "put /workspaces/w/policies/policy",
                                                "put /products/p/policies/policy", "put /apis/a/policies/policy",
                                                "put /apis/a/operations/o/policies/policy",
                                                "delete /apis/x/operations/o/policies/policy",
                                                "delete /apis/x/policies/policy", "delete /policyFragments/old"});
  CHECK(plan.deletes == 3);
}

TEST_CASE("the digest names everything that an approval would be for") {
  const auto digest = [](std::string environment, std::string service, std::string from, std::string to,
                         std::vector<Step> steps) {
    return make_plan(std::move(environment), std::move(service), std::move(from), std::move(to), std::move(steps))
        .digest;
  };
  const auto one = step(Action::put, "/a", Scope::api, "text");
  const auto base = digest("e", "s", "l", "t", {one});
  CHECK(base.size() == 64);
  CHECK(base == digest("e", "s", "l", "t", {one}));
  CHECK(base != digest("f", "s", "l", "t", {one}));
  CHECK(base != digest("e", "x", "l", "t", {one}));
  CHECK(base != digest("e", "s", "x", "t", {one}));
  CHECK(base != digest("e", "s", "l", "x", {one}));
  CHECK(base != digest("es", "", "l", "t", {one}));
  CHECK(base != digest("e", "s", "l", "t", {}));
  CHECK(base != digest("e", "s", "l", "t", {step(Action::put, "/a", Scope::api, "texT")}));
  CHECK(base != digest("e", "s", "l", "t", {step(Action::remove, "/a", Scope::api)}));
  CHECK(base != digest("e", "s", "l", "t", {step(Action::put, "/b", Scope::api, "text")}));
  const auto two = step(Action::put, "/b", Scope::api, "more");
  CHECK(digest("e", "s", "l", "t", {one, two}) == digest("e", "s", "l", "t", {two, one}));
}

TEST_CASE("a plan as text and as JSON holds no policy text") {
  const Plan plan =
      make_plan("prod", "/s", "a", "b", {step(Action::put, "/apis/a/policies/policy", Scope::api, "s3cret")});
  CHECK(describe(plan).starts_with("put    /apis/a/policies/policy  (f)\n1 to put, 0 to delete; plan "));
  const std::string json = json::dump(to_json(plan));
  CHECK(json.find("s3cret") == std::string::npos);
  CHECK(json.find("\"sha256\":\"") != std::string::npos);
}

TEST_CASE("back-off doubles to a quarter of an hour and jitter takes off at most half") {
  CHECK(next_delay(1, std::nullopt, 0) == 1s);
  CHECK(next_delay(2, std::nullopt, 0) == 2s);
  CHECK(next_delay(5, std::nullopt, 0) == 16s);
  CHECK(next_delay(11, std::nullopt, 0) == 15min);
  CHECK(next_delay(4000000000U, std::nullopt, 0) == 15min);
  for (unsigned failures = 0; failures < 20; ++failures) {
    CHECK(next_delay(failures, std::nullopt, 255) * 2 >= next_delay(failures, std::nullopt, 0));
    CHECK(next_delay(failures, std::nullopt, 255) <= next_delay(failures, std::nullopt, 0));
  }
}

TEST_CASE("Retry-After is never undercut") {
  CHECK(next_delay(1, 30s, 255) == 30s);
  CHECK(next_delay(11, 30s, 0) == 15min);
}

}  // namespace
}  // namespace postern::deploy
