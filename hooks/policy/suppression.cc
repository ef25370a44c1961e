#include "hooks/policy/suppression.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "hooks/policy/rules.h"
#include "hooks/policy/suggest.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {
namespace {

constexpr std::string_view kMark = "postern-allow";

// A test holds these equal to tree::tree_rules().
constexpr TreeRuleName kTreeRules[] = {
    {"artifact-json"},           {"artifact-yaml"},         {"artifact-shape"},
    {"artifact-specification"},  {"artifact-name"},         {"duplicate-name"},
    {"missing-artifact"},        {"stray-policy-file"},     {"tls-validation-off"},
    {"logged-content"},          {"artifact-secret"},       {"openapi-reference"},
    {"openapi-operation"},       {"duplicate-api-path"},    {"override-file"},
    {"missing-reference", true}, {"fragment-cycle", true},  {"artifact-host", true},
    {"unknown-operation", true}, {"required-policy", true}, {"limit-without-subscription", true},
};

const TreeRuleName* find_tree_rule(std::string_view name) {
  for (const TreeRuleName& one : kTreeRules)
    if (one.id == name) return &one;
  return nullptr;
}

// Days since 1970-01-01 of YYYY-MM-DD.
std::optional<std::int64_t> day_of(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int fields[3] = {};
  constexpr std::size_t kStart[] = {0, 5, 8};
  constexpr std::size_t kLength[] = {4, 2, 2};
  for (int f = 0; f < 3; ++f) {
    for (std::size_t i = 0; i < kLength[f]; ++i) {
      const char c = text[kStart[f] + i];
      if (c < '0' || c > '9') return std::nullopt;
      fields[f] = fields[f] * 10 + (c - '0');
    }
  }
  const std::chrono::year_month_day day{std::chrono::year(fields[0]),
                                        std::chrono::month(static_cast<unsigned>(fields[1])),
                                        std::chrono::day(static_cast<unsigned>(fields[2]))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day).time_since_epoch().count();
}

bool allowed(const CheckOptions& options, std::string_view rule) {
  for (const std::string& one : options.may_suppress)
    if (one == "*" || one == rule) return true;
  return false;
}

}  // namespace

std::vector<Suppression> read_suppressions(const Subject& s, Reporter& r) {
  std::vector<Suppression> out;
  const std::string usage = "write <!-- postern-allow RULE until YYYY-MM-DD: reason -->";
  const auto& nodes = s.document.nodes();
  for (NodeId id = 0; id < nodes.size(); ++id) {
    if (nodes[id].kind != NodeKind::comment) continue;
    const std::string_view text = xml::trimmed(s.document.text(nodes[id].content));
    if (!text.starts_with(kMark)) continue;
    std::string_view rest = xml::trimmed(text.substr(kMark.size()));
    const std::size_t until = rest.find("until ");
    const std::size_t colon = rest.find(':', until == std::string_view::npos ? 0 : until);
    if (until == std::string_view::npos || colon == std::string_view::npos ||
        xml::trimmed(rest.substr(colon + 1)).empty()) {
      r.add(nodes[id].range, "this suppression lacks its end date or its reason and has no effect", usage);
      continue;
    }
    const std::string_view date = xml::trimmed(rest.substr(until + 6, colon - until - 6));
    const std::optional<std::int64_t> day = day_of(date);
    if (!day) {
      r.add(nodes[id].range, fmt::format("'{}' is no date; this suppression has no effect", shown(date)), usage);
      continue;
    }
    if (s.options.today != 0 && *day < s.options.today) {
      r.add(nodes[id].range, fmt::format("this suppression ended on {} and has no effect any more", date),
            "fix what it covers, or agree on a new date");
      continue;
    }
    // The next element: behind the comment in document order, since nodes stand in that order.
    NodeId next = id + 1;
    while (next < nodes.size() && nodes[next].kind != NodeKind::element) ++next;
    const Range covers = next < nodes.size() ? nodes[next].range : Range{};
    for (std::string_view names = rest.substr(0, until); !names.empty();) {
      const std::size_t comma = names.find(',');
      const std::string_view name = xml::trimmed(names.substr(0, comma));
      names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
      const Rule* rule = find_rule(name);
      const TreeRuleName* of_tree = find_tree_rule(name);
      if (of_tree != nullptr && !of_tree->in_documents) {
        r.add(nodes[id].range,
              fmt::format("rule '{}' finds nothing in documents, so this comment has no effect", name));
      } else if (of_tree != nullptr && allowed(s.options, name)) {
        out.push_back({of_tree->id, covers});
      } else if (rule == nullptr && of_tree == nullptr) {
        std::vector<std::string_view> ids;
        for (const Rule* one : rules()) ids.push_back(one->id);
        for (const TreeRuleName& one : kTreeRules)
          if (one.in_documents) ids.push_back(one.id);
        const std::string_view meant = closest(name, ids);
        r.add(nodes[id].range, fmt::format("there is no rule '{}'", shown(name)),
              meant.empty() ? "postern-check --list-rules names them" : fmt::format("did you mean '{}'?", meant));
      } else if (rule != nullptr && (rule->syntax || rule->id == "suppression")) {
        r.add(nodes[id].range, fmt::format("rule '{}' cannot be suppressed", name));
      } else if (!allowed(s.options, name)) {
        r.add(nodes[id].range, fmt::format("rule '{}' may not be suppressed here; this comment has no effect", name),
              "ask the platform team to name it in may_relax");
      } else {
        out.push_back({rule->id, covers});
      }
    }
  }
  return out;
}

std::span<const TreeRuleName> tree_rule_names() { return kTreeRules; }

std::vector<TreeSuppression> read_tree_suppressions(std::string_view text, const CheckOptions& options) {
  std::vector<TreeSuppression> out;
  if (text.find(kMark) == std::string_view::npos) return out;
  const PolicyDocument document = PolicyDocument::parse(text);
  const Model model = Model::build(document);
  const std::vector<ExpressionFault> expressions;
  Reporter told_elsewhere(Severity::warning);
  const auto& nodes = document.nodes();
  const auto root =
      std::find_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.kind == NodeKind::element; });
  for (const Suppression& one : read_suppressions({document, model, options, expressions}, told_elsewhere)) {
    if (find_tree_rule(one.rule) == nullptr) continue;
    const bool whole = root != nodes.end() && one.covers.begin == root->range.begin;
    out.push_back(
        {std::string(one.rule), document.position(one.covers.begin), document.position(one.covers.end), whole});
  }
  return out;
}

bool covers(const TreeSuppression& suppression, const Finding& finding) {
  if (suppression.rule != finding.rule) return false;
  const auto at = std::pair(finding.line, finding.column);
  if (suppression.whole && at == std::pair(1U, 1U)) return true;
  return std::pair(suppression.begin.line, suppression.begin.column) <= at &&
         at < std::pair(suppression.end.line, suppression.end.column);
}

}  // namespace postern::policy
