// What will be done to a service, in which order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/json.h"
#include "hooks/deploy/change.h"

namespace postern::deploy {

// One write. `text` is exactly what the file holds (raw form); empty for a delete.
struct Step {
  Action action = Action::put;
  Resource resource;
  std::string text;
};

// Value. Steps are in the order they must be taken.
struct Plan {
  std::string environment;  // empty for a plan of a directory
  std::string service;      // ARM id
  std::string from;         // commit that is deployed; empty for a directory
  std::string to;           // commit that is to be; empty for a directory
  std::vector<Step> steps;
  unsigned deletes = 0;
  std::string digest;  // SHA-256, hex, over all of the above: what an approval names
};

// Fragments come before the policies that may use them, wide scopes before narrow ones, deletes last and in reverse,
// so that a policy is gone before the fragment it used. Pure.
Plan make_plan(std::string environment, std::string service, std::string from, std::string to, std::vector<Step> steps);

// "put  /apis/orders/policies/policy  (apimartifacts/apis/orders/policy.xml)", one line per step.
std::string describe(const Plan& plan);
json::Value to_json(const Plan& plan);  // without the texts

}  // namespace postern::deploy
