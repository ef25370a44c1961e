#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "gateway/base/encoding.h"
#include "hooks/policy/document.h"
#include "hooks/template/information.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// Where a GraphQL schema is not closed, or closes too much (spec.graphql.org, October 2021, §2.1: strings, block
// strings and comments hold brackets that mean nothing).
struct Bracket {
  std::size_t at = 0;
  std::string message;
};
std::optional<Bracket> find_graphql_fault(std::string_view text) {
  constexpr std::string_view kOpen = "{([";
  constexpr std::string_view kClose = "})]";
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i).starts_with("\"\"\"")) {
      std::size_t end = i;
      do {
        end = text.find("\"\"\"", end + 3);
      } while (end != std::string_view::npos && text[end - 1] == '\\');
      if (end == std::string_view::npos) return Bracket{i, "this block string never ends"};
      i = end + 2;
    } else if (c == '"') {
      const std::size_t begin = i;
      for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
        if (text[i] == '\\') ++i;
      }
      if (i >= text.size() || text[i] == '\n') return Bracket{begin, "this string never ends"};
    } else if (kOpen.find(c) != std::string_view::npos) {
      open.push_back(i);
    } else if (const std::size_t kind = kClose.find(c); kind != std::string_view::npos) {
      if (open.empty()) return Bracket{i, fmt::format("'{}' closes nothing", c)};
      if (kOpen.find(text[open.back()]) != kind) {
        return Bracket{open.back(), fmt::format("'{}' is not closed before '{}'", text[open.back()], c)};
      }
      open.pop_back();
    }
  }
  if (open.empty()) return std::nullopt;
  return Bracket{open.back(), fmt::format("'{}' is never closed", text[open.back()])};
}

void judge_xml(TreeReporter& reporter, const TreeFile& file, std::string_view text) {
  // What the reader of policies says of markup holds for any XML.
  constexpr std::array<std::string_view, 4> kMarkup = {"xml-syntax", "unclosed-tag", "mismatched-tag",
                                                       "duplicate-attribute"};
  const policy::PolicyDocument document = policy::PolicyDocument::parse(text);
  for (const policy::SyntaxFault& fault : document.faults()) {
    if (fault.warning || std::find(kMarkup.begin(), kMarkup.end(), fault.rule) == kMarkup.end()) continue;
    reporter.add(file.path, text, fault.range.begin, fault.range.end, fault.message, fault.help);
    return;
  }
}

bool has_version_key(const json::Value& root) {
  return root.find("openapi") != nullptr || root.find("swagger") != nullptr;
}

Status check_one(TreeView& view, TreeReporter& reporter, const TreeFile& file) {
  const Result<std::string_view> text = view.text(file.path);
  if (!text) return fail(text.error());
  const std::string name = ascii_lower(file.path);
  if (name.ends_with(".wsdl") || name.ends_with(".wadl")) {
    judge_xml(reporter, file, *text);
  } else if (name.ends_with(".graphql")) {
    if (const auto fault = find_graphql_fault(*text)) {
      const auto at = static_cast<std::uint32_t>(fault->at);
      reporter.add(file.path, *text, at, at + 1, fault->message, "mend the schema; the publisher imports it whole");
    }
  } else if (name.ends_with(".json")) {
    const Result<json::Value> root = parse_artifact(*text);
    if (root && !has_version_key(*root)) {
      reporter.add(file.path, *text, 0, 1, "neither 'openapi' nor 'swagger' stands at the top of this specification",
                   "write \"openapi\": \"3.0.1\"");
    }
  }
  return {};
}

// An API of REST kind gets its operations from a specification, or from their own folders.
Status check_presence(TreeView& view, TreeReporter& reporter, const TreeFile& file) {
  if (file.artifact.resource.size() > 2 || information_kind(file) != "api") return {};
  const Result<std::string_view> text = view.text(file.path);
  if (!text) return fail(text.error());
  const std::optional<Information> information = Information::read(*text);
  if (!information) return {};
  const json::Value* type = information->at({"type"});
  const std::string kind = type == nullptr || type->as_string() == nullptr ? "http" : ascii_lower(*type->as_string());
  if (kind != "http" && kind != "graphql") return {};
  const Result<std::vector<std::string>> names = view.names_in(file.path.substr(0, file.path.rfind('/')));
  if (!names) return fail(names.error());
  const bool has = std::any_of(names->begin(), names->end(), [](const std::string& name) {
    return ascii_lower(name).starts_with("specification.") || name == "operations/" || name == "schemas/";
  });
  if (has) return {};
  reporter.add(file.path, *text, 0, 1, "this API has neither a specification nor operations",
               kind == "graphql" ? "add specification.graphql beside it" : "add specification.yaml or .json beside it",
               policy::Severity::warning);
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind == ArtifactKind::specification) {
      if (Status done = check_one(view, reporter, file); !done) return done;
    } else if (file.artifact.kind == ArtifactKind::information) {
      if (Status done = check_presence(view, reporter, file); !done) return done;
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactSpecification{
    {"artifact-specification", policy::Severity::error, "the specification of an API is there and parses",
     "The import of a specification that does not parse fails after other resources are written; an API without one "
     "has no operations.",
     "type Query { orders: [Order]", "type Query { orders: [Order] }"},
    check};

}  // namespace postern::tree
