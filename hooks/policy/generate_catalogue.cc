// Host program: schema/policies.json in, the constant tables of catalogue.h out. Runs at build time only.
//   generate_catalogue IN OUT
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "gateway/base/file.h"
#include "gateway/base/json.h"

namespace {

using postern::json::Array;
using postern::json::Value;

[[noreturn]] void die(const std::string& message) {
  fmt::print(stderr, "generate_catalogue: {}\n", message);
  std::exit(1);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string text_of(const Value& v, std::string_view name) {
  const std::string* s = v.find_string(name);
  return s == nullptr ? std::string() : *s;
}
bool flag(const Value& v, std::string_view name, bool otherwise = false) {
  const Value* f = v.find(name);
  const bool* b = f == nullptr ? nullptr : f->as_bool();
  return b == nullptr ? otherwise : *b;
}
const Array& list(const Value& v, std::string_view name) {
  static const Array kEmpty;
  const Value* f = v.find(name);
  const Array* a = f == nullptr ? nullptr : f->as_array();
  return a == nullptr ? kEmpty : *a;
}
std::string number(const Value& v) {
  if (const auto* i = v.as_int()) return fmt::format("{}", *i);
  if (const auto* d = v.as_double()) return fmt::format("{}", *d);
  return "0";
}

struct Out {
  std::vector<std::string> values, attributes, children, elements, constraints, policies;
  std::map<std::string, std::size_t> policy_elements;

  std::pair<std::size_t, std::size_t> strings(const Array& a) {
    const std::size_t first = values.size();
    for (const Value& v : a) {
      if (v.as_string() == nullptr) die("a list holds something that is no string");
      values.push_back(quoted(*v.as_string()));
    }
    return {first, a.size()};
  }

  std::string attribute(const std::string& path, const Value& a) {
    static const std::map<std::string, std::string> kTypes = {
        {"string", "string"}, {"boolean", "boolean"}, {"enum", "enumeration"},    {"integer", "integer"},
        {"int", "int32"},     {"long", "int64"},      {"unsigned", "unsigned32"}, {"positive", "positive"},
        {"number", "number"}, {"uri", "uri"},         {"datetime", "datetime"}};
    const std::string type = text_of(a, "type");
    const auto t = kTypes.find(type);
    if (t == kTypes.end()) die(fmt::format("{}: type '{}' is not one of the known", path, type));
    std::string need = text_of(a, "required");
    if (need.empty()) need = "no";
    std::string expressions = text_of(a, "expressions");
    if (expressions.empty()) expressions = "unknown";
    const auto [first, count] = strings(list(a, "values"));
    if (type == "enum" && count == 0) die(path + ": an enum without values");
    const Value* min = a.find("min");
    const Value* max = a.find("max");
    return fmt::format("{{{}, Type::{}, {}, Need::{}, Expressions::{}, {}, {}, {}, {}, {}, {}, {}, {}}}",
                       quoted(text_of(a, "name")), t->second,
                       text_of(a, "value_severity") == "warning" ? "false" : "true", need, expressions, first, count,
                       min != nullptr ? "true" : "false", max != nullptr ? "true" : "false",
                       min != nullptr ? number(*min) : "0", max != nullptr ? number(*max) : "0",
                       a.find_int("min_length") != nullptr ? "true" : "false", quoted(text_of(a, "unit")));
  }

  // Children first, so that their indices are known; returns the index of the element.
  std::size_t element(const std::string& path, const Value& e) {
    std::vector<std::string> made_children;
    for (const Value& c : list(e, "children")) {
      const std::string name = text_of(c, "name");
      const bool policy = flag(c, "policy");
      std::string index = "kNone";
      if (policy) {
        pending.push_back(name);
      } else {
        index = std::to_string(element(path + "/" + name, c));
      }
      auto count = [&](std::string_view key, std::string otherwise) {
        const auto* i = c.find_int(key);
        return i == nullptr ? otherwise : std::to_string(*i);
      };
      const std::string min = count("min", "0");
      const std::string max = count("max", "kUnbounded");
      made_children.push_back(fmt::format("{{{}, {}, {}, {}, {}, {}, {}}}", quoted(name),
                                          policy ? "@" + name + "@" : index, policy ? "true" : "false", min,
                                          count("min_usual", min), max, count("max_usual", max)));
    }
    const std::size_t first_attribute = attributes.size();
    for (const Value& a : list(e, "attributes")) attributes.push_back(attribute(path + "/@" + text_of(a, "name"), a));
    const std::size_t first_child = children.size();
    for (std::string& c : made_children) children.push_back(std::move(c));
    std::string text = text_of(e, "text");
    if (text.empty()) text = "none";
    const std::string order = text_of(e, "order");
    elements.push_back(
        fmt::format("{{{}, {}, {}, {}, {}, {}, {}, Text::{}, {}, {}, {}, {}}}", quoted(text_of(e, "name")),
                    first_attribute, attributes.size() - first_attribute, first_child, children.size() - first_child,
                    order.empty() ? "false" : "true", order == "sequence_usual" ? "false" : "true", text,
                    flag(e, "text_expressions", true) ? "true" : "false", flag(e, "mixed") ? "true" : "false",
                    flag(e, "opaque") ? "true" : "false", flag(e, "nested") ? "true" : "false"));
    return elements.size() - 1;
  }

  std::string constraint(const std::string& path, const Value& c) {
    static const std::map<std::string, std::string> kKinds = {{"requires", "requires_attributes"}};
    std::string kind = text_of(c, "kind");
    const auto k = kKinds.find(kind);
    if (k != kKinds.end()) kind = k->second;
    if (kind.empty()) die(path + ": a constraint without a kind");
    const Value* any = c.find("attributes");
    if (any == nullptr) any = c.find("children");
    if (any == nullptr) any = c.find("then");
    if (any == nullptr) any = c.find("others");
    const auto [first, count] = strings(any != nullptr && any->as_array() != nullptr ? *any->as_array() : Array());
    return fmt::format("{{ConstraintKind::{}, {}, {}, {}, {}, {}, {}, {}, {}}}", kind,
                       text_of(c, "severity") == "error" ? "true" : "false", quoted(text_of(c, "element")),
                       quoted(text_of(c, "attribute")), quoted(text_of(c, "value")), quoted(text_of(c, "other")),
                       quoted(text_of(c, "text")), first, count);
  }

  static unsigned bits(const Array& a, const std::vector<std::string>& order, const std::string& path) {
    unsigned bits = 0;
    for (const Value& v : a) {
      std::size_t i = 0;
      while (i < order.size() && order[i] != *v.as_string()) ++i;
      if (i == order.size()) die(fmt::format("{}: '{}' is not known", path, *v.as_string()));
      bits |= 1U << i;
    }
    return bits;
  }

  void policy(const Value& p) {
    static const std::vector<std::string> kSections = {"inbound", "backend", "outbound", "on-error"};
    // The order of policy::Scope.
    static const std::vector<std::string> kScopes = {"global",    "workspace", "product", "api",
                                                     "operation", "resolver",  "fragment"};
    static const std::vector<std::string> kGateways = {"classic", "v2", "consumption", "self-hosted", "workspace"};
    const std::string name = text_of(p, "name");
    const std::size_t index = element(name, p);
    policy_elements[name] = index;
    const std::size_t first_constraint = constraints.size();
    for (const Value& c : list(p, "constraints")) constraints.push_back(constraint(name, c));
    const auto [first_note, notes] = strings(list(p, "notes"));
    auto known = [&](std::string_view key) {
      return p.find(key) != nullptr && !p.find(key)->is_null() ? "true" : "false";
    };
    policies.push_back(fmt::format(
        "{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}", quoted(name),
        quoted(text_of(p, "category")), quoted(text_of(p, "doc")), index, bits(list(p, "sections"), kSections, name),
        bits(list(p, "sections_tolerated"), kSections, name), known("sections"), bits(list(p, "scopes"), kScopes, name),
        known("scopes"), text_of(p, "scope_severity") == "error" ? "true" : "false",
        bits(list(p, "gateways"), kGateways, name), flag(p, "once_per_section") ? "true" : "false",
        flag(p, "deprecated") ? "true" : "false", flag(p, "documented", true) ? "true" : "false",
        flag(p, "preview") ? "true" : "false", flag(p, "document_root") ? "true" : "false", first_constraint,
        constraints.size() - first_constraint, first_note, notes));
  }

  std::vector<std::string> pending;
};

std::string table(std::string_view type, std::string_view name, const std::vector<std::string>& rows) {
  std::string out = fmt::format("constexpr {} {}[] = {{\n", type, name);
  for (const std::string& row : rows) out += "    " + row + ",\n";
  if (rows.empty()) out += "    {},\n";
  return out + "};\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) die("usage: generate_catalogue IN OUT");
  const auto text = postern::read_file(argv[1], std::size_t{8} << 20);
  if (!text) die(text.error().message);
  const auto json = postern::json::parse(*text, {std::size_t{8} << 20, 64, 1000000});
  if (!json) die(fmt::format("{}: {}", argv[1], json.error().message));
  Out out;
  std::map<std::string, const Value*> sorted;
  for (const Value& p : list(*json, "policies")) {
    if (!sorted.emplace(text_of(p, "name"), &p).second) die("policy '" + text_of(p, "name") + "' stands there twice");
  }
  for (const auto& [name, p] : sorted) out.policy(*p);
  for (const std::string& name : out.pending)
    if (!out.policy_elements.contains(name))
      die("child '" + name + "' is marked a policy and there is none of that name");
  for (std::string& child : out.children) {
    const std::size_t begin = child.find('@');
    if (begin == std::string::npos) continue;
    const std::size_t end = child.find('@', begin + 1);
    child = child.substr(0, begin) + std::to_string(out.policy_elements[child.substr(begin + 1, end - begin - 1)]) +
            child.substr(end + 1);
  }
  std::string file = "// Made from schema/policies.json by generate_catalogue. Do not edit.\n";
  file += table("std::string_view", "kValues", out.values);
  file += table("Attribute", "kAttributes", out.attributes);
  file += table("Child", "kChildren", out.children);
  file += table("Element", "kElements", out.elements);
  file += table("Constraint", "kConstraints", out.constraints);
  file += table("Policy", "kPolicies", out.policies);
  file += fmt::format("constexpr std::string_view kAsOf = {};\n", quoted(text_of(*json, "as_of")));
  const auto written = postern::write_file_atomic(argv[2], file, 0644);
  if (!written) die(written.error().message);
  return 0;
}
