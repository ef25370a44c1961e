#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/template/information.h"
#include "hooks/template/references.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// An id of ARM in an artifact's JSON ("/products/starter", whole or from the subscription on), with its place.
struct Link {
  const json::Value* at;   // null: the folder's own name is the link
  std::string collection;  // of kCollections
  std::string name;
};

struct Collection {
  std::string_view name;
  std::string_view one;  // as a person calls a member of it
};
constexpr std::array kCollections = {Collection{"apiVersionSets", "version set"},
                                     Collection{"loggers", "logger"},
                                     Collection{"products", "product"},
                                     Collection{"apis", "API"},
                                     Collection{"groups", "group"},
                                     Collection{"backends", "backend"},
                                     Collection{"tags", "tag"},
                                     Collection{"namedValues", "named value"},
                                     Collection{"certificates", "certificate"}};

const Collection* find_collection(std::string_view name) {
  const auto at = std::find_if(kCollections.begin(), kCollections.end(),
                               [&](const Collection& each) { return ascii_lower(each.name) == ascii_lower(name); });
  return at == kCollections.end() ? nullptr : &*at;
}

// Every service has these.
constexpr std::array<std::string_view, 4> kBuiltIn = {"groups/administrators", "groups/developers", "groups/guests",
                                                      "loggers/azuremonitor"};

// The last two segments of an id, where they name a resource of ours.
std::optional<Link> link_in(const json::Value& value) {
  const std::string* id = value.as_string();
  if (id == nullptr || id->find_first_of("{#$%") != std::string::npos) return std::nullopt;
  const std::size_t slash = id->rfind('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == id->size()) return std::nullopt;
  const std::size_t before = id->rfind('/', slash - 1);
  const std::string_view collection = std::string_view(*id).substr(before + 1, slash - before - 1);
  const Collection* known = find_collection(collection);
  if (known == nullptr) return std::nullopt;
  return Link{&value, std::string(known->name), id->substr(slash + 1)};
}

// Every {{name}} in the strings of a value. Names that the service made for the credentials of a logger are left out:
// extractors leave them out as well.
void add_named_values(const json::Value& value, int depth, std::vector<Link>& out) {
  if (depth > 64) return;
  if (const json::Array* array = value.as_array())
    for (const json::Value& each : *array) add_named_values(each, depth + 1, out);
  if (const json::Object* object = value.as_object())
    for (const auto& [unused, each] : *object) add_named_values(each, depth + 1, out);
  const std::string* text = value.as_string();
  if (text == nullptr) return;
  for (std::size_t at = text->find("{{"); at != std::string::npos; at = text->find("{{", at + 2)) {
    const std::size_t end = text->find("}}", at);
    if (end == std::string::npos) return;
    std::string_view name = std::string_view(*text).substr(at + 2, end - at - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
             c == '-';
    });
    const bool made = name.starts_with("Logger-Credentials-") ||
                      (name.size() == 24 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos);
    if (plain && !made) out.push_back({&value, "namedValues", std::string(name)});
  }
}

std::vector<Link> links_of(const TreeFile& file, const Information& information) {
  std::vector<Link> out;
  const auto add = [&](const json::Value* value) {
    if (value == nullptr) return;
    if (std::optional<Link> link = link_in(*value)) out.push_back(std::move(*link));
  };
  for (const std::string_view name : {"apiVersionSetId", "loggerId", "scope", "apiId", "productId", "groupId"}) {
    add(information.at({name}));
  }
  if (const json::Value* services = information.at({"pool", "services"}); services && services->as_array()) {
    for (const json::Value& service : *services->as_array()) add(service.find("id"));
  }
  if (const json::Value* ids = information.at({"credentials", "certificateIds"}); ids && ids->as_array()) {
    for (const json::Value& id : *ids->as_array()) add(&id);
  }
  const std::string kind = information_kind(file);
  if (kind == "backend" || kind == "logger") add_named_values(information.properties(), 0, out);
  return out;
}

// A resource below another that stands for a link (products/p/apis/orders): to the resource of its own name, unless its
// body says which.
std::optional<Link> link_by_name(const TreeFile& file, const std::optional<json::Value>& body) {
  const std::vector<Segment>& resource = file.artifact.resource;
  if (resource.size() < 2) return std::nullopt;
  const std::string_view parent = resource[resource.size() - 2].collection;
  const std::string_view collection = resource.back().collection;
  const bool links =
      (parent == "products" && (collection == "apis" || collection == "groups" || collection == "tags")) ||
      (parent == "tags" && (collection == "apis" || collection == "products")) ||
      (parent == "gateways" && collection == "apis") || (parent == "apis" && collection == "tags");
  if (!links || !body || body->as_object() == nullptr) return std::nullopt;
  const json::Value* properties = body->find("properties");
  for (const char* name : {"apiId", "groupId", "productId", "id"}) {
    if (properties != nullptr && properties->find(name) != nullptr) return std::nullopt;
  }
  return Link{nullptr, std::string(collection), resource.back().name};
}

// apis.json, groups.json, tags.json: names, or objects with a name.
std::vector<Link> links_of_list(const TreeFile& file, const json::Value& list) {
  std::vector<Link> out;
  const std::string name = ascii_lower(file.path.substr(file.path.rfind('/') + 1));
  const std::string collection = name.substr(0, name.rfind('.'));
  if (list.as_array() == nullptr) return out;
  for (const json::Value& each : *list.as_array()) {
    const json::Value* value = each.as_string() != nullptr ? &each : each.find("name");
    const std::string* text = value == nullptr ? nullptr : value->as_string();
    if (text == nullptr || text->empty() || text->find_first_of("{#$%") != std::string::npos) continue;
    out.push_back({value, collection, text->substr(text->rfind('/') + 1)});
  }
  return out;
}

bool may_refer(const TreeFile& file) {
  return file.artifact.kind == ArtifactKind::information || file.artifact.kind == ArtifactKind::link_list;
}

class Check {
 public:
  Check(TreeView& view, TreeReporter& reporter) : view_(view), reporter_(reporter), names_(view) {}

  Status run() {
    Result<Taken> taken = Taken::find(view_, names_);
    if (!taken) return fail(taken.error());
    taken_ = std::move(*taken);
    return judge_users(view_, taken_, may_refer, [this](const TreeFile& file, std::string_view text, bool only_taken) {
      return judge(file, text, only_taken);
    });
  }

 private:
  Status judge(const TreeFile& file, std::string_view text, bool only_taken) {
    std::optional<json::Value> body;
    if (Result<json::Value> parsed = parse_artifact(text)) body = std::move(*parsed);
    std::vector<Link> links;
    std::optional<Information> information;
    if (file.artifact.kind == ArtifactKind::link_list) {
      if (body) links = links_of_list(file, *body);
    } else {
      information = Information::read(text);
      if (information) links = links_of(file, *information);
      if (std::optional<Link> link = link_by_name(file, body)) links.push_back(std::move(*link));
    }
    for (const Link& link : links) {
      const bool gone = taken_.holds(link.collection, link.name, file.artifact);
      if ((only_taken && !gone) || is_external(view_.options(), link.collection, link.name)) continue;
      const bool built_in =
          std::find(kBuiltIn.begin(), kBuiltIn.end(), resource_key(link.collection, link.name)) != kBuiltIn.end();
      const Result<bool> found = names_.has(link.collection, link.name, file.artifact);
      if (!found) return fail(found.error());
      if (built_in || *found) continue;
      // A tree that carries no such resources keeps them elsewhere.
      const Result<bool> carried = names_.carries(link.collection, file.artifact);
      if (!carried) return fail(carried.error());
      if (!*carried && !gone && !names_externals(view_.options(), link.collection)) continue;
      say(file, text, link, gone);
    }
    return {};
  }

  void say(const TreeFile& file, std::string_view text, const Link& link, bool gone) {
    const std::uint32_t mark = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    const json::Span at = link.at == nullptr ? json::Span{} : link.at->span;
    const bool outside = names_externals(view_.options(), link.collection) || link.collection == "certificates";
    reporter_.add(file.path, text, at.begin + mark, at.end + mark,
                  fmt::format("{} '{}' {}", find_collection(link.collection)->one, printable(link.name, 100),
                              gone ? "is deleted by this change and still named here" : "is not in this tree"),
                  gone      ? "remove the use as well, or keep the artifact"
                  : outside ? "add the artifact, mend the id, or declare it external in the settings"
                            : "add the artifact, or mend the id",
                  gone ? policy::Severity::error : policy::Severity::warning);
  }

  TreeView& view_;
  TreeReporter& reporter_;
  Names names_;
  Taken taken_;
};

}  // namespace

const TreeRule kMissingArtifact{
    {"missing-artifact", policy::Severity::warning, "What the JSON of an artifact names exists in the tree.",
     "ARM refuses an API whose version set, a diagnostic whose logger, a backend whose named value or a link whose end "
     "does not exist: ids, apis.json, groups.json, tags.json, and the folders of links. What lives outside the tree is "
     "declared in the settings; what this very change deletes is an error.",
     "{ \"properties\": { \"apiVersionSetId\": \"/apiVersionSets/odrers\" } } where the folder is named orders",
     "{ \"properties\": { \"apiVersionSetId\": \"/apiVersionSets/orders\" } }"},
    [](TreeView& view, TreeReporter& reporter) { return Check(view, reporter).run(); }};

}  // namespace postern::tree
