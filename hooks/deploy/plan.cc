#include "hooks/deploy/plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern::deploy {
namespace {

using policy::Scope;

int rank(Scope scope) {
  switch (scope) {
    case Scope::fragment: return 0;
    case Scope::global: return 1;
    case Scope::workspace: return 2;
    case Scope::product: return 3;
    case Scope::api: return 4;
    case Scope::operation: return 5;
    case Scope::resolver: return 6;
    case Scope::unknown: return 7;
  }
  return 7;
}

// A service-wide fragment may be used inside a workspace, never the other way round.
bool before(const Step& a, const Step& b) {
  const bool a_put = a.action == Action::put;
  const bool b_put = b.action == Action::put;
  if (a_put != b_put) return a_put;
  const auto key = [](const Step& step) {
    return std::tuple(rank(step.resource.scope), step.resource.arm_path.starts_with("/workspaces/"),
                      resource_key(step.resource.arm_path));
  };
  return a_put ? key(a) < key(b) : key(b) < key(a);
}

}  // namespace

Plan make_plan(std::string environment, std::string service, std::string from, std::string to,
               std::vector<Step> steps) {
  std::stable_sort(steps.begin(), steps.end(), before);
  Plan plan{std::move(environment), std::move(service), std::move(from), std::move(to), std::move(steps), 0, {}};
  Sha256Stream digest;
  const auto add = [&](std::string_view field) {
    // Lengths first: no two different plans give the same bytes.
    digest.update(fmt::format("{}:", field.size()));
    digest.update(field);
  };
  for (const std::string* field : {&plan.environment, &plan.service, &plan.from, &plan.to}) add(*field);
  for (const Step& step : plan.steps) {
    if (step.action == Action::remove) ++plan.deletes;
    add(to_string(step.action));
    add(resource_key(step.resource.arm_path));
    add(as_view(sha256(step.text)));
  }
  plan.digest = hex_encode(as_view(digest.finish()));
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text;
  for (const Step& step : plan.steps) {
    text += fmt::format("{:<7}{}  ({})\n", to_string(step.action), printable(step.resource.arm_path),
                        printable(step.resource.file));
  }
  const auto puts = plan.steps.size() - plan.deletes;
  text += fmt::format("{} to put, {} to delete; plan {}\n", puts, plan.deletes, plan.digest.substr(0, 16));
  return text;
}

json::Value to_json(const Plan& plan) {
  json::Array steps;
  for (const Step& step : plan.steps) {
    json::Object object{{"action", std::string(to_string(step.action))},
                        {"resource", step.resource.arm_path},
                        {"scope", std::string(policy::to_string(step.resource.scope))},
                        {"file", step.resource.file}};
    if (step.action == Action::put) object.emplace_back("sha256", hex_encode(as_view(sha256(step.text))));
    steps.emplace_back(std::move(object));
  }
  return json::Object{
      {"environment", plan.environment}, {"service", plan.service}, {"from", plan.from},        {"to", plan.to},
      {"digest", plan.digest},           {"deletes", plan.deletes}, {"steps", std::move(steps)}};
}

}  // namespace postern::deploy
