// Rule unreachable-branch: every branch of a choose can be taken.
#include <fmt/core.h>

#include <map>
#include <string>

#include "hooks/policy/expression_tokens.h"
#include "hooks/policy/rule.h"

namespace postern::policy {
namespace {

// A condition as it is compared: its tokens with one blank between; empty when nothing can be said of it.
std::string condition_of(const Subject& s, const ModelElement& when) {
  const Attribute* a = s.document.attribute(s.node(when), "condition");
  if (a == nullptr || !a->has_value || s.document.has_placeholder(*a)) return {};
  if (!s.document.is_expression(*a)) return std::string(s.document.value(*a));
  std::string out;
  for (const Part& part : s.document.parts(*a)) {
    if (part.kind != NodeKind::expression) continue;
    const Expression& expression = s.document.expressions()[part.expression];
    if (!expression.complete || expression.block) return {};
    const LexedExpression lexed(s.document, expression);
    for (const csharp::Token& token : lexed.tokens()) {
      // What is another value at each call.
      if (is(token, "Random") || is(token, "NewGuid") || is(token, "Now") || is(token, "UtcNow")) return {};
      if (token.kind == csharp::TokenKind::placeholder) return {};
      if (!out.empty()) out += ' ';
      out += lexed.text(token);
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

void check(const Subject& s, Reporter& r) {
  for (const ModelElement& e : s.model.elements()) {
    if (e.policy == nullptr || e.policy->name != "choose" || e.unsettled || e.child_count < 2) continue;
    std::map<std::string, unsigned> seen;  // condition -> its line
    unsigned always = 0;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& branch = s.model[index];
      if (branch.place != Place::part || branch.guessed) continue;
      const unsigned line = s.document.position(s.node(branch).range.begin).line;
      if (always != 0) {
        r.add(s.name_range(branch),
              fmt::format("this branch is never taken: the condition on line {} always holds", always),
              "put the branch that always holds last, as <otherwise>");
        break;
      }
      if (s.name(branch) != "when") continue;
      const std::string condition = condition_of(s, branch);
      if (condition.empty()) continue;
      if (condition == "true" || condition == "( true )") {
        always = line;
        continue;
      }
      const auto [at, fresh] = seen.emplace(condition, line);
      if (!fresh)
        r.add(s.name_range(branch),
              fmt::format("this branch is never taken: line {} has the same condition", at->second),
              "change the condition, or remove the branch");
    }
  }
}

}  // namespace

extern const Rule k_unreachable_branch;
const Rule k_unreachable_branch = {
    .id = "unreachable-branch",
    .severity = Severity::warning,
    .summary = "Every branch of a choose can be taken.",
    .why =
        "The first branch whose condition holds is taken. One behind a condition that always holds, or with the "
        "condition of a branch before it, never is.",
    .bad =
        "<choose><when "
        "condition=\"@(true)\"><set-method>GET</set-method></when><otherwise><set-method>PUT</set-method></otherwise></"
        "choose>",
    .good =
        "<choose><when condition=\"@(context.Api.Id == "
        "\"a\")\"><set-method>GET</set-method></when><otherwise><set-method>PUT</set-method></otherwise></choose>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
