#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "gateway/base/encoding.h"
#include "hooks/policy/document.h"
#include "hooks/policy/suggest.h"
#include "hooks/template/graphql.h"
#include "hooks/template/information.h"
#include "hooks/template/specification.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// Among how many other APIs of the tree one with an information file is looked for.
constexpr std::size_t kMostSiblings = 20;

// What a document of that kind begins with (WSDL 1.1 §2.1, WADL §2.3).
void judge_xml(TreeReporter& reporter, const TreeFile& file, std::string_view text, std::string_view root) {
  // What the reader of policies says of markup holds for any XML.
  constexpr std::array<std::string_view, 4> kMarkup = {"xml-syntax", "unclosed-tag", "mismatched-tag",
                                                       "duplicate-attribute"};
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    reporter.add_at(file.path, 1, 1, "this specification is in UTF-16; publishers read it as UTF-8",
                    "write it in UTF-8", policy::Severity::warning);
    return;
  }
  // Entities of its own are another language.
  if (text.find("<!ENTITY") != std::string_view::npos || is_pointer(text)) return;
  const policy::PolicyDocument document = policy::PolicyDocument::parse(text);
  for (const policy::SyntaxFault& fault : document.faults()) {
    if (fault.warning || std::find(kMarkup.begin(), kMarkup.end(), fault.rule) == kMarkup.end()) continue;
    reporter.add(file.path, text, fault.range.begin, fault.range.end, fault.message, fault.help);
    return;
  }
  const auto& nodes = document.nodes();
  const auto first = std::find_if(nodes.begin(), nodes.end(),
                                  [](const policy::Node& node) { return node.kind == policy::NodeKind::element; });
  if (first == nodes.end()) {
    reporter.add(file.path, text, 0, 1, fmt::format("no <{}> stands in this specification", root));
    return;
  }
  std::string_view name = document.name(*first);
  name.remove_prefix(name.rfind(':') + 1);
  if (name != root)
    reporter.add(file.path, text, first->name.begin, first->name.end,
                 fmt::format("<{}> where <{}> is due", printable(document.name(*first), 60), root));
}

void judge_openapi(TreeReporter& reporter, const TreeFile& file, const OpenApi& api) {
  if (api.shape != SpecTree::Kind::object) {
    reporter.add_at(file.path, 1, 1, "this specification is no OpenAPI document: an object is due",
                    "write openapi, info and paths");
    return;
  }
  const auto find = [&api](const char* name) -> const OpenApi::Member* {
    const auto at = api.members.find(name);
    return at == api.members.end() ? nullptr : &at->second;
  };
  const OpenApi::Member* version = find("openapi");
  if (version == nullptr) version = find("swagger");
  if (version == nullptr) {
    reporter.add_at(file.path, 1, 1, "neither 'openapi' nor 'swagger' stands at the top of this specification",
                    "write the version it follows: openapi 3.0.1, or swagger 2.0");
    return;
  }
  const bool old = find("openapi") == nullptr;
  if (version->shape == SpecTree::Kind::scalar && !version->text.starts_with(old ? "2." : "3.") &&
      !version->text.empty() && version->text.find_first_of("{#$%") == std::string::npos &&
      version->text != (old ? "2" : "3")) {
    reporter.add_at(file.path, version->line, version->column,
                    fmt::format("there is no {} {}", old ? "swagger" : "openapi", printable(version->text, 30)),
                    old ? "write swagger: \"2.0\"" : "write openapi: 3.0.1", policy::Severity::warning);
  }
  constexpr std::array<std::string_view, 21> kTop = {"openapi",
                                                     "swagger",
                                                     "info",
                                                     "servers",
                                                     "paths",
                                                     "components",
                                                     "security",
                                                     "tags",
                                                     "externalDocs",
                                                     "webhooks",
                                                     "host",
                                                     "basePath",
                                                     "schemes",
                                                     "consumes",
                                                     "produces",
                                                     "definitions",
                                                     "parameters",
                                                     "responses",
                                                     "securityDefinitions",
                                                     "jsonSchemaDialect",
                                                     "$schema"};
  for (const auto& [name, member] : api.members) {
    if (name.starts_with("x-") || std::find(kTop.begin(), kTop.end(), name) != kTop.end()) continue;
    const std::string_view meant = policy::closest(name, kTop);
    if (meant.empty()) continue;
    reporter.add_at(file.path, member.line, member.column,
                    fmt::format("'{}' is no part of OpenAPI", printable(name, 60)),
                    fmt::format("did you mean '{}'?", meant), policy::Severity::warning);
  }
  for (const char* name : {"info", "paths", "components"}) {
    const OpenApi::Member* member = find(name);
    if (member == nullptr || member->shape == SpecTree::Kind::object || member->shape == SpecTree::Kind::nothing)
      continue;
    reporter.add_at(file.path, member->line, member->column,
                    fmt::format("'{}' is {}; an object is due", name,
                                member->shape == SpecTree::Kind::list ? "a list" : "a single value"));
  }
  // Readers differ in what they do without these.
  if (find("info") == nullptr)
    reporter.add_at(file.path, version->line, version->column, "this specification has no 'info'",
                    "OpenAPI demands it, with title and version", policy::Severity::warning);
  if (find("paths") == nullptr && find("webhooks") == nullptr && find("components") == nullptr)
    reporter.add_at(file.path, version->line, version->column, "this specification has no 'paths', so no operation",
                    "OpenAPI demands it; an API without operations has an empty one", policy::Severity::warning);
}

Status check_one(TreeView& view, TreeReporter& reporter, const TreeFile& file) {
  const std::string name = ascii_lower(file.path);
  if (name.ends_with(".json") || name.ends_with(".yaml") || name.ends_with(".yml")) {
    const Result<const Specification*> specification = view.specification(file.path);
    if (!specification) return fail(specification.error());
    if ((*specification)->api) judge_openapi(reporter, file, *(*specification)->api);
    return {};
  }
  const Result<std::string_view> text = view.text(file.path);
  if (!text) return fail(text.error());
  if (name.ends_with(".wsdl")) {
    judge_xml(reporter, file, *text, "definitions");
  } else if (name.ends_with(".wadl")) {
    judge_xml(reporter, file, *text, "application");
  } else if (name.ends_with(".graphql")) {
    if (const auto fault = find_graphql_fault(*text))
      reporter.add(file.path, *text, static_cast<std::uint32_t>(fault->begin), static_cast<std::uint32_t>(fault->end),
                   fault->message, "mend the schema; the publisher imports it whole");
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
  // It is imported from an address, or its text stands in the artifact itself.
  if (information->at({"format"}) != nullptr || information->at({"value"}) != nullptr) return {};
  const json::Value* type = information->at({"type"});
  if (type == nullptr) type = information->at({"apiType"});
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

Result<bool> has_information(const TreeView& view, std::string_view folder) {
  const Result<std::vector<std::string>> names = view.names_in(folder);
  if (!names) return fail(names.error());
  return std::any_of(names->begin(), names->end(),
                     [](const std::string& name) { return ascii_lower(name) == "apiinformation.json"; });
}

// Whether one of the first APIs in the folder has an information file.
Result<bool> some_have_information(const TreeView& view, const std::string& apis) {
  const Result<std::vector<std::string>> names = view.names_in(apis);
  if (!names) return fail(names.error());
  std::size_t asked = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with('/')) continue;
    if (++asked > kMostSiblings) break;
    const Result<bool> found = has_information(view, apis + "/" + name.substr(0, name.size() - 1));
    if (!found || *found) return found;
  }
  return false;
}

// Without its information a publisher passes an API over, or makes one without path and settings: versions differ. A
// tree whose other APIs have none either is deployed by something else. `known` keeps the answer for each folder of
// APIs.
Status check_owner(TreeView& view, TreeReporter& reporter, const TreeFile& file, std::map<std::string, bool>& known) {
  const std::string folder = file.path.substr(0, file.path.rfind('/'));
  const std::size_t slash = folder.rfind('/');
  if (slash == std::string::npos) return {};
  const Result<bool> own = has_information(view, folder);
  if (!own) return fail(own.error());
  if (*own) return {};
  const std::string apis = folder.substr(0, slash);
  auto at = known.find(apis);
  if (at == known.end()) {
    const Result<bool> others = some_have_information(view, apis);
    if (!others) return fail(others.error());
    at = known.emplace(apis, *others).first;
  }
  if (at->second)
    reporter.add_at(file.path, 1, 1, "no apiInformation.json stands beside this specification",
                    "add it, as the other APIs have it: it holds the path and the settings of the API",
                    policy::Severity::warning);
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  std::map<std::string, bool> known;
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind == ArtifactKind::specification) {
      if (Status done = check_one(view, reporter, file); !done) return done;
      if (Status done = check_owner(view, reporter, file, known); !done) return done;
    } else if (file.artifact.kind == ArtifactKind::information) {
      if (Status done = check_presence(view, reporter, file); !done) return done;
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactSpecification{
    {"artifact-specification", policy::Severity::error,
     "The specification of an API is there, and is what its file name says.",
     "The import of a specification that does not parse fails after other resources are written; an API without one "
     "has no operations.",
     "type Query { orders: [Order]", "type Query { orders: [Order] }"},
    check};

}  // namespace postern::tree
