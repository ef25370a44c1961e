// What a rule is. A rule is one file in rules/ named by its id, and one line in rules.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/check.h"
#include "hooks/policy/document.h"
#include "hooks/policy/expression.h"
#include "hooks/policy/finding.h"
#include "hooks/policy/model.h"

namespace postern::policy {

// What a rule says before it is a Finding: a place and words.
struct Remark {
  Range range;
  Severity severity = Severity::error;
  std::string message;
  std::string help;
};

// What a rule looks at. References, valid during the call.
struct Subject {
  const PolicyDocument& document;
  const Model& model;
  const CheckOptions& options;
  const std::vector<ExpressionFault>& expressions;  // judged once, for the rules that tell them

  std::string_view name(const ModelElement& e) const { return document.name(document.node(e.node)); }
  Range name_range(const ModelElement& e) const { return document.node(e.node).name; }
  const Node& node(const ModelElement& e) const { return document.node(e.node); }
};

struct Rule;

// Collects what one rule has to say.
class Reporter {
 public:
  explicit Reporter(Severity severity) : severity_(severity) {}
  void add(Range range, std::string message, std::string help = {}) {
    add(severity_, range, std::move(message), std::move(help));
  }
  // With another severity than the rule's own: where the sources disagree about a place.
  void add(Severity severity, Range range, std::string message, std::string help = {}) {
    if (remarks.size() < kMost) remarks.push_back({range, severity, std::move(message), std::move(help)});
  }
  static constexpr std::size_t kMost = 1000;  // of one rule in one file; more help nobody
  std::vector<Remark> remarks;

 private:
  Severity severity_;
};

// Immutable. `check` is pure and thread-safe; it may be null for what check_policy() reports itself.
struct Rule {
  std::string_view id;  // the stem of its file
  Severity severity = Severity::error;
  std::string_view summary;  // one line
  std::string_view why;
  std::string_view bad;
  std::string_view good;
  void (*check)(const Subject&, Reporter&) = nullptr;
  // A fault of the text itself: no comment in the document can suppress it.
  bool syntax = false;
  // What it finds must not be shown again: reports leave the source line out, fingerprints do not hold it.
  bool hides_source = false;
};

// Reports the faults of that rule that the reader found.
void report_faults(const Subject& subject, Reporter& reporter, std::string_view rule);

// Reports what the C# parser found for that rule.
void report_expressions(const Subject& subject, Reporter& reporter, std::string_view rule);

// "'a', 'b' or 'c'"; at most `most` names, then how many more there are.
std::string any_of(const std::vector<std::string_view>& names, std::size_t most = 12);

// The text cut to what fits in a message, on one line.
std::string shown(std::string_view text, std::size_t most = 60);

}  // namespace postern::policy
