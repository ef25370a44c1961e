#include "hooks/template/specification.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/encoding.h"
#include "hooks/policy/suggest.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

using Kind = SpecTree::Kind;
using Node = SpecTree::Node;
using Member = SpecTree::Member;

constexpr std::array<std::string_view, 8> kMethods = {"get",     "put",  "post",  "delete",
                                                      "options", "head", "patch", "trace"};

// More of one kind in one file is the same mistake.
constexpr std::size_t kMostFaults = 100;
// Among how many names a misspelt one is looked for.
constexpr std::size_t kMostNames = 500;

bool is_method(std::string_view name) { return std::find(kMethods.begin(), kMethods.end(), name) != kMethods.end(); }

void read_operations(const SpecTree& tree, const Node& paths, OpenApi& out) {
  for (const Member& path : paths.members) {
    const Node& item = tree.value(path);
    // Merged in from an anchor, or kept elsewhere.
    if (path.key == "<<" || tree.find(item, "$ref") != nullptr || tree.find(item, "<<") != nullptr)
      out.complete = false;
    for (const Member& each : item.members) {
      const Node& operation = tree.value(each);
      if (!is_method(each.key) || operation.kind != Kind::object) continue;
      if (const std::string* id = tree.find_text(operation, "operationId")) {
        out.operation_ids.insert(*id);
      } else {
        out.complete = false;
      }
    }
  }
}

// What stands below these is data, or belongs to somebody else.
bool is_data(std::string_view key) {
  return key == "example" || key == "examples" || key == "default" || key == "enum" || key == "const" ||
         key.starts_with("x-");
}

// The responses of an operation, where "default" is one of them: nothing else has numbers and that word for keys alone.
bool holds_responses(const Node& node) {
  bool has_code = false;
  for (const Member& each : node.members) {
    const bool code = !each.key.empty() && each.key.front() >= '1' && each.key.front() <= '5';
    if (!code && each.key != "default" && !each.key.starts_with("x-")) return false;
    has_code = has_code || code;
  }
  return has_code;
}

// References of this document to itself that lead nowhere.
void find_lost_references(const SpecTree& tree, OpenApi& out) {
  struct Lost {
    TextPlace at;
    unsigned times = 0;
  };
  std::map<std::string, bool> known;
  std::map<std::string, Lost> lost;
  std::vector<char> seen(tree.nodes().size());
  std::vector<std::uint32_t> open{0};
  while (!open.empty()) {
    const std::uint32_t index = open.back();
    open.pop_back();
    if (std::exchange(seen[index], 1) != 0) continue;
    const Node& node = tree.nodes()[index];
    for (const Member& member : node.members) {
      const Node& value = tree.value(member);
      if (member.key != "$ref" || value.kind != Kind::scalar) {
        if (!is_data(member.key) || (member.key == "default" && holds_responses(node))) open.push_back(member.value);
        continue;
      }
      // A deployment may write it, and what a merge brings is not looked for.
      if (!value.text.starts_with("#/") || value.text.find_first_of("{$") != std::string::npos) continue;
      const auto [at, fresh] = known.emplace(value.text, true);
      if (fresh) at->second = tree.resolve(value.text) != nullptr;
      if (at->second) continue;
      Lost& one = lost[value.text];
      if (one.times == 0 || std::pair(value.at.line, value.at.column) < std::pair(one.at.line, one.at.column))
        one.at = value.at;
      ++one.times;
    }
  }
  for (const auto& [reference, one] : lost) {
    if (out.lost_references.size() == kMostFaults) break;
    const Node* parent = nullptr;
    tree.resolve(reference, &parent);
    std::string help;
    if (parent != nullptr && parent->kind == Kind::object) {
      if (tree.find(*parent, "<<") != nullptr) continue;
      std::vector<std::string_view> names;
      if (parent->members.size() <= kMostNames)
        for (const Member& each : parent->members) names.push_back(each.key);
      const std::string_view last = std::string_view(reference).substr(reference.rfind('/') + 1);
      if (const std::string_view meant = policy::closest(last, names); !meant.empty())
        help = fmt::format("did you mean '{}'?", printable(meant, 100));
    }
    out.lost_references.push_back(
        {one.at,
         fmt::format("'{}' leads to nothing in this specification{}", printable(reference, 160),
                     one.times > 1 ? fmt::format(", here and {} more times", one.times - 1) : std::string()),
         help.empty() ? "add what it names, or mend it" : std::move(help)});
  }
}

// The names between braces, folded, without what routers write behind them ({id:int}); those of the rest of a path and
// of a query ({*rest}, {?query}) left out.
std::vector<std::string> names_in_braces(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    const std::size_t end = path.find('}', at);
    if (end == std::string_view::npos) break;
    std::string_view name = path.substr(at + 1, end - at - 1);
    if (name.find_first_of("*{?&+#;,/") != std::string_view::npos) continue;
    name = name.substr(0, name.find(':'));
    if (!name.empty()) out.push_back(ascii_lower(name));
  }
  return out;
}

// A path with nothing in its braces.
std::string skeleton(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == '}') inside = false;
    if (!inside) out += c;
    if (c == '{') inside = true;
  }
  return out;
}

struct Parameters {
  std::vector<std::pair<std::string, const Node*>> in_path;  // folded name, where it stands
  bool known = true;                                         // each of them could be read
};

void add_parameters(const SpecTree& tree, const Node& holder, Parameters& out) {
  if (tree.find(holder, "<<") != nullptr) out.known = false;
  const Node* list = tree.find(holder, "parameters");
  if (list == nullptr || list->kind == Kind::nothing) return;
  if (list->kind != Kind::list) {
    out.known = false;
    return;
  }
  for (const Member& each : list->members) {
    const Node* parameter = &tree.value(each);
    for (int steps = 0; steps < 8; ++steps) {
      const std::string* reference = tree.find_text(*parameter, "$ref");
      if (reference == nullptr) break;
      parameter = tree.resolve(*reference);
      if (parameter == nullptr) break;
    }
    const Node* name = parameter == nullptr ? nullptr : tree.find(*parameter, "name");
    const std::string* in = parameter == nullptr ? nullptr : tree.find_text(*parameter, "in");
    if (name == nullptr || in == nullptr || name->kind != Kind::scalar) {
      out.known = false;
    } else if (*in == "path") {
      out.in_path.emplace_back(ascii_lower(name->text), name);
    }
  }
}

// Names that the address of the service itself has in braces, folded.
std::string text_of_addresses(const SpecTree& tree) {
  std::string out;
  for (const char* name : {"host", "basePath"})
    if (const std::string* text = tree.find_text(tree.root(), name)) out += *text + "\n";
  const Node* servers = tree.find(tree.root(), "servers");
  if (servers != nullptr) {
    for (const Member& each : servers->members)
      if (const std::string* url = tree.find_text(tree.value(each), "url")) out += *url + "\n";
  }
  return ascii_lower(out);
}

// Operations that the service takes for one, and parameters of a path that the operation does not have or that the path
// does not have (Microsoft: API import restrictions, URL template requirements).
void find_broken_operations(const SpecTree& tree, const Node& paths, OpenApi& out) {
  const std::string addresses = text_of_addresses(tree);
  std::map<std::string, std::pair<std::string, unsigned>> first;  // signature -> path and line
  for (const Member& path : paths.members) {
    const Node& item = tree.value(path);
    if (!path.key.starts_with('/') || item.kind != Kind::object || tree.find(item, "$ref") != nullptr) continue;
    // A deployment fills such a path in.
    if (path.key.find("{{") != std::string::npos || path.key.find("#{") != std::string::npos ||
        path.key.find("${") != std::string::npos)
      continue;
    if (out.broken_operations.size() >= kMostFaults) return;
    const std::vector<std::string> names = names_in_braces(path.key);
    const std::string bare = skeleton(path.key);
    std::map<std::string, std::vector<const Node*>> strange_names;  // folded; where each is declared
    for (const Member& each : item.members) {
      const Node& operation = tree.value(each);
      if (!is_method(each.key) || operation.kind != Kind::object) continue;
      const auto [twin, fresh] = first.emplace(each.key + " " + bare, std::pair(path.key, path.at.line));
      if (!fresh && twin->second.first != path.key) {
        out.broken_operations.push_back(
            {path.at,
             fmt::format("{} '{}' and '{}' on line {} are one operation: only the names of their parameters differ",
                         each.key, printable(path.key, 100), printable(twin->second.first, 100), twin->second.second),
             "OpenAPI forbids it and the import refuses it; make one of both, or give them another path"});
        twin->second.first = path.key;  // once for the path
      }
      Parameters parameters;
      add_parameters(tree, item, parameters);
      add_parameters(tree, operation, parameters);
      if (!parameters.known) continue;
      bool strange = false;
      for (const auto& [name, at] : parameters.in_path) {
        if (std::find(names.begin(), names.end(), name) != names.end() || name.find('*') != std::string::npos ||
            addresses.find("{" + name + "}") != std::string::npos)
          continue;
        strange = true;
        std::vector<const Node*>& places = strange_names[name];
        if (std::find(places.begin(), places.end(), at) == places.end()) places.push_back(at);
      }
      if (strange) continue;
      for (const std::string& name : names) {
        if (std::any_of(parameters.in_path.begin(), parameters.in_path.end(),
                        [&name](const auto& each_one) { return each_one.first == name; }))
          continue;
        // What stands behind a question mark may be declared as a part of the query.
        const std::size_t query = path.key.find('?');
        if (query != std::string::npos && ascii_lower(path.key).find("{" + name + "}") > query) continue;
        out.broken_operations.push_back({each.at,
                                         fmt::format("{} '{}' does not declare the parameter '{}' of its path",
                                                     each.key, printable(path.key, 120), printable(name, 60)),
                                         "add it to parameters, with in: path and required: true"});
      }
    }
    // What several operations declare alike is meant so: the path is the one to mend.
    for (const auto& [name, places] : strange_names)
      out.broken_operations.push_back({places.size() > 1 ? path.at : places.front()->at,
                                       fmt::format("the path '{}' has no parameter '{}'", printable(path.key, 120),
                                                   printable(places.front()->text, 60)),
                                       "the service wants every parameter in path to stand in the path"});
  }
}

}  // namespace

OpenApi read_openapi(const SpecTree& tree) {
  OpenApi out;
  const Node& root = tree.root();
  out.shape = root.kind;
  if (root.kind != Kind::object) return out;
  for (const Member& member : root.members) {
    const Node& value = tree.value(member);
    out.members.emplace(member.key, OpenApi::Member{value.kind, value.text, member.at.line, member.at.column});
  }
  find_lost_references(tree, out);
  const Node* paths = tree.find(root, "paths");
  if (paths == nullptr || paths->kind != Kind::object) return out;
  read_operations(tree, *paths, out);
  find_broken_operations(tree, *paths, out);
  return out;
}

std::optional<OpenApi> read_openapi_json(std::string_view text) {
  const Result<json::Value> root = parse_artifact(text);
  if (!root) return std::nullopt;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return read_openapi(SpecTree::from_json(*root, text));
}

Specification read_specification(std::string_view path, std::string_view text) {
  Specification out;
  if (is_pointer(text)) return out;
  const std::string name = ascii_lower(path);
  if (name.ends_with(".json")) {
    out.api = read_openapi_json(text);
  } else if (name.ends_with(".yaml") || name.ends_with(".yml")) {
    YamlText yaml = read_yaml(text);
    out.fault = std::move(yaml.fault);
    out.repeat = std::move(yaml.repeat);
    if (yaml.tree) out.api = read_openapi(*yaml.tree);
  }
  return out;
}

}  // namespace postern::tree
