#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "gateway/base/encoding.h"
#include "hooks/template/specification.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// APIM makes a resource name of an operationId: what a name cannot hold becomes a dash, and what is longer than a name
// may be is cut.
constexpr std::size_t kMostOfName = 80;

std::string folded(std::string_view id) {
  std::string out;
  for (const char c : ascii_lower(id)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) out += c;
  }
  return out;
}

// Reads the tree as it stands, or as it stood before the change.
class Reader {
 public:
  explicit Reader(TreeView& view, bool before) : view_(view), before_(before) {}

  Result<bool> exists(const std::string& path) const { return before_ ? view_.existed(path) : view_.exists(path); }
  // Of a specification that is there; nullopt: nothing can be said.
  Result<std::optional<OpenApi>> openapi(const std::string& path) const {
    if (!before_) {
      const Result<const Specification*> specification = view_.specification(path);
      if (!specification) return fail(specification.error());
      return (*specification)->api;
    }
    const Result<std::string> text = view_.text_before(path);
    if (!text) return fail(text.error());
    return read_specification(path, *text).api;
  }

 private:
  TreeView& view_;
  bool before_;
};

// The folded ids of an API's specifications; nullopt: none is there, or nothing can be said. Of several, each publisher
// takes another, so all count.
Result<std::optional<std::set<std::string>>> operation_ids(const std::string& api, const Reader& reader) {
  std::set<std::string> ids;
  for (const char* name : {"/specification.json", "/specification.yaml", "/specification.yml"}) {
    const Result<bool> there = reader.exists(api + name);
    if (!there) return fail(there.error());
    if (!*there) continue;
    const Result<std::optional<OpenApi>> found = reader.openapi(api + name);
    if (!found) return fail(found.error());
    // Operations without an id get one from the import; nothing can be said then.
    if (!*found || !(*found)->complete) return std::optional<std::set<std::string>>();
    for (const std::string& id : (*found)->operation_ids) ids.insert(folded(id));
  }
  if (ids.empty()) return std::optional<std::set<std::string>>();
  return std::optional(std::move(ids));
}

class Check {
 public:
  Check(TreeView& view, TreeReporter& reporter) : view_(view), reporter_(reporter) {}

  Status run() {
    for (const TreeFile& file : view_.judged()) {
      if (!is_operation_policy(file)) continue;
      const Result<bool> missing = is_missing(file, now_, Reader(view_, false));
      if (!missing) return fail(missing.error());
      if (*missing) say(file);
    }
    if (view_.options().extent.whole) return {};
    // A specification that changed may have lost what untouched policies stand for.
    for (const TreeFile& file : view_.judged()) {
      if (file.artifact.kind != ArtifactKind::specification) continue;
      const std::string api = file.path.substr(0, file.path.rfind('/'));
      const Result<std::vector<TreeFile>> files = view_.files_below(api + "/operations");
      if (!files) return fail(files.error());
      for (const TreeFile& policy : *files) {
        if (!is_operation_policy(policy) || view_.options().extent.changed.contains(policy.path)) continue;
        const Result<bool> now = is_missing(policy, now_, Reader(view_, false));
        if (!now) return fail(now.error());
        if (!*now) continue;
        const Result<bool> then = is_missing(policy, then_, Reader(view_, true));
        if (!then) return fail(then.error());
        if (!*then) say(policy);
      }
    }
    return {};
  }

 private:
  using Known = std::map<std::string, std::optional<std::set<std::string>>>;  // API folder -> folded ids

  static bool is_operation_policy(const TreeFile& file) {
    return file.artifact.kind == ArtifactKind::policy && file.artifact.scope == policy::Scope::operation;
  }

  static Result<bool> is_missing(const TreeFile& file, Known& known, const Reader& reader) {
    const std::string api = file.path.substr(0, file.path.rfind("/operations/"));
    auto at = known.find(api);
    if (at == known.end()) {
      Result<std::optional<std::set<std::string>>> ids = operation_ids(api, reader);
      if (!ids) return fail(ids.error());
      at = known.emplace(api, std::move(*ids)).first;
    }
    if (!at->second) return false;
    const std::string& name = file.artifact.resource.back().name;
    const std::string key = folded(name);
    if (at->second->contains(key)) return false;
    // Of several with one id, each but the first gets a counter.
    const std::size_t counter = name.find_last_not_of("0123456789");
    if (counter != std::string::npos && counter + 1 < name.size() && name[counter] == '-' &&
        at->second->contains(folded(std::string_view(name).substr(0, counter))))
      return false;
    // Cut to its length, with or without a counter behind it.
    if (name.size() + 8 > kMostOfName) {
      const std::string_view begin = std::string_view(key).substr(0, key.size() > 60 ? 60 : key.size());
      const auto longer = at->second->lower_bound(std::string(begin));
      if (longer != at->second->end() && longer->starts_with(begin)) return false;
    }
    // It has an artifact of its own, so it is made whatever the specification says.
    const Result<bool> own = reader.exists(file.path.substr(0, file.path.rfind('/')) + "/operationInformation.json");
    if (!own) return fail(own.error());
    return !*own;
  }

  void say(const TreeFile& file) {
    reporter_.add_at(file.path, 1, 1,
                     fmt::format("no operation of the API's specification is named '{}'",
                                 printable(file.artifact.resource.back().name, 100)),
                     "rename the folder to an operationId of the specification, or add the operation");
  }

  TreeView& view_;
  TreeReporter& reporter_;
  Known now_, then_;
};

Status check(TreeView& view, TreeReporter& reporter) { return Check(view, reporter).run(); }

}  // namespace

const TreeRule kUnknownOperation{
    {"unknown-operation", policy::Severity::warning, "An operation's policy names an operation of the specification.",
     "ARM refuses a policy of an operation that the API does not have.", "apis/orders/operations/getOrdres/policy.xml",
     "apis/orders/operations/getOrders/policy.xml"},
    check};

}  // namespace postern::tree
