// The one judgement of a policy document: hook, CI gate and deployer call this and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/document.h"
#include "hooks/policy/finding.h"
#include "hooks/policy/guardrails.h"
#include "hooks/policy/scope.h"

namespace postern::policy {

// A setting for one rule. `off` drops its findings.
enum class RuleLevel { off, advice, warning, error };

// Value. Everything that a judgement depends on besides the text.
struct CheckOptions {
  Scope scope = Scope::unknown;
  // What the settings (and then the platform) say per rule id; rules that are not named keep their own severity.
  std::map<std::string, RuleLevel, std::less<>> severity;
  // Rules that a comment in the document may suppress (`may_relax`); "*" is every rule but the syntax ones.
  std::vector<std::string> may_suppress = {"*"};
  // Days since 1970-01-01, to judge the end date of a suppression; 0: end dates are not judged.
  std::int64_t today = 0;
  bool advice = false;  // advice is dropped unless asked for
  // What the organisation declared, narrowed to this file (Settings::guardrails_for).
  Guardrails guardrails;
};

struct CheckCounts {
  unsigned suppressed = 0;
};

// Judges one document. Pure and thread-safe. `path` only names the findings; they come sorted, with fingerprints.
std::vector<Finding> check_policy(std::string_view path, std::string_view text, const CheckOptions& options,
                                  CheckCounts* counts = nullptr);

// Something that a document names and that must exist elsewhere.
struct Reference {
  enum class Kind { named_value, fragment, backend, certificate, logger };
  Kind kind = Kind::named_value;
  std::string name;
  Position begin;
  Position end;
  // False when the place is one where the same marks mean something else (Liquid), so that a missing target is no
  // fault.
  bool certain = true;
};

std::string_view to_string(Reference::Kind kind);

// Every reference in the document, in order. Names built by an expression or holding a placeholder are left out.
std::vector<Reference> list_references(std::string_view text);

}  // namespace postern::policy
