#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/template/information.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

// What the service tells APIs apart by.
struct Face {
  std::string file;
  std::string name;
  std::string place;    // workspace and kind of API, within which paths are compared
  std::string path;     // without slashes at its ends
  std::string set;      // of versions; folded, empty: none
  std::string version;  // folded
  json::Span at;        // of the path in the file
  bool operator==(const Face& other) const {
    return place == other.place && path == other.path && set == other.set && version == other.version;
  }
};

bool is_filled_in(const std::string& text) {
  return text.find_first_of("{#$%") != std::string::npos || text.find("__") != std::string::npos;
}

// nullopt: a revision that is not the current one, or something that only the deployment knows.
std::optional<Face> face_of(const TreeFile& file, std::string_view text) {
  const std::vector<Segment>& resource = file.artifact.resource;
  if (information_kind(file) != "api" || resource.empty() || resource.back().collection != "apis") return std::nullopt;
  const std::string* workspace = file.artifact.name_in("workspaces");
  if (resource.size() != (workspace == nullptr ? 1U : 2U)) return std::nullopt;
  Face face{file.path, resource.back().name, workspace == nullptr ? "" : ascii_lower(*workspace), {}, {}, {}, {}};
  if (face.name.find(";rev=") != std::string::npos) return std::nullopt;
  const std::optional<Information> information = Information::read(text);
  if (!information) return std::nullopt;
  const json::Value& properties = information->properties();
  const json::Value* current = properties.find("isCurrent");
  if (current != nullptr && !current->is_null() && (current->as_bool() == nullptr || !*current->as_bool()))
    return std::nullopt;
  const std::string* path = properties.find_string("path");
  if (path == nullptr || is_filled_in(*path)) return std::nullopt;
  // A copy says what it is a copy of; whether it becomes a revision of that is the service's business.
  if (const json::Value* source = properties.find("sourceApiId"); source != nullptr && !source->is_null())
    return std::nullopt;
  const json::Value* set = properties.find("apiVersionSetId");
  if (const json::Value* nested = properties.find("apiVersionSet"); nested != nullptr && !nested->is_null()) {
    if (set == nullptr || set->is_null()) set = nested->find("id");
    if (set == nullptr) return std::nullopt;
  }
  if (set != nullptr && !set->is_null()) {
    if (set->as_string() == nullptr || is_filled_in(*set->as_string())) return std::nullopt;
    const std::string& id = *set->as_string();
    face.set = ascii_lower(std::string_view(id).substr(id.rfind('/') + 1));
  }
  const json::Value* version = properties.find("apiVersion");
  if (version != nullptr && !version->is_null()) {
    if (version->as_string() == nullptr || is_filled_in(*version->as_string())) return std::nullopt;
    face.version = ascii_lower(*version->as_string());
  }
  const std::string* type = properties.find_string("type");
  if (type == nullptr) type = properties.find_string("apiType");
  face.place += "\n" + (type == nullptr ? std::string("http") : ascii_lower(*type));
  face.path = *path;
  while (face.path.starts_with('/')) face.path.erase(0, 1);
  while (face.path.ends_with('/')) face.path.pop_back();
  face.at = properties.find("path")->span;
  if (text.starts_with("\xef\xbb\xbf")) {
    face.at.begin += 3;
    face.at.end += 3;
  }
  return face;
}

// ARM: "Cannot create API 'a' with the same Path 'p' as API 'b' unless it's a part of the same version set", and within
// one set "API with specified version 'v' already exists".
bool collide(const Face& a, const Face& b) {
  if (a.place != b.place || a.path != b.path) return false;
  return a.set != b.set || a.set.empty() || a.version == b.version;
}

class Check {
 public:
  Check(TreeView& view, TreeReporter& reporter) : view_(view), reporter_(reporter) {}

  Status run() {
    // In the order of their paths: the first of two is the one that was there.
    for (const TreeFile& file : view_.judged()) {
      if (information_kind(file) != "api") continue;
      const Result<std::string_view> text = view_.text(file.path);
      if (!text) return fail(text.error());
      std::optional<Face> face = face_of(file, *text);
      if (!face) continue;
      if (!view_.options().extent.whole) {
        const Result<bool> stood = stood_so(file, *face);
        if (!stood) return fail(stood.error());
        if (*stood) continue;
      }
      faces_[face->place + "\n" + face->path].push_back(std::move(*face));
    }
    if (!view_.options().extent.whole) {
      if (Status done = add_untouched(); !done) return done;
    }
    for (const auto& [unused, same] : faces_) {
      for (std::size_t i = 1; i < same.size(); ++i) {
        const auto other = std::find_if(same.begin(), same.begin() + static_cast<std::ptrdiff_t>(i),
                                        [&](const Face& each) { return collide(each, same[i]); });
        if (other == same.begin() + static_cast<std::ptrdiff_t>(i)) continue;
        // Of two that stood, nothing is to be said.
        const Face& said = judged(same[i]) ? same[i] : *other;
        if (!judged(said)) continue;
        if (Status done = say(said, &said == &same[i] ? *other : same[i]); !done) return done;
      }
    }
    return {};
  }

 private:
  bool judged(const Face& face) const {
    return view_.options().extent.whole || view_.options().extent.changed.contains(face.file);
  }

  // Whether the API had the same path and version before the change.
  Result<bool> stood_so(const TreeFile& file, const Face& face) const {
    const Result<std::string> before = view_.text_before(file.path);
    if (!before && before.error().code == ErrorCode::not_found) return false;
    if (!before) return fail(before.error());
    const std::optional<Face> then = face_of(file, *before);
    return then && *then == face;
  }

  Status add_untouched() {
    if (faces_.empty()) return {};
    std::set<std::string> paths;
    for (const auto& [unused, same] : faces_) paths.insert(same.front().path);
    const Result<std::vector<TreeFile>> users = view_.users_of(paths);
    if (!users) return fail(users.error());
    for (const TreeFile& file : *users) {
      if (information_kind(file) != "api" || view_.options().extent.changed.contains(file.path)) continue;
      const Result<std::string> text = view_.glance(file.path);
      if (!text) return fail(text.error());
      std::optional<Face> face = face_of(file, *text);
      if (!face) continue;
      const auto at = faces_.find(face->place + "\n" + face->path);
      if (at != faces_.end()) at->second.insert(at->second.begin(), std::move(*face));
    }
    return {};
  }

  // An override may give either another path.
  Result<bool> may_be_overridden(const Face& a, const Face& b) {
    const Result<std::string_view> overrides = view_.configuration_texts();
    if (!overrides) return fail(overrides.error());
    const auto names = [&](const std::string& name) { return overrides->find(name) != std::string_view::npos; };
    return (names(a.name) || names(b.name)) && (names("path") || names("apiVersion"));
  }

  Status say(const Face& face, const Face& other) {
    const Result<bool> open = may_be_overridden(face, other);
    if (!open) return fail(open.error());
    if (*open) return {};
    const Result<std::string> text = view_.glance(face.file);
    if (!text) return fail(text.error());
    const bool version = !face.set.empty() && face.set == other.set;
    reporter_.add(face.file, *text, face.at.begin, face.at.end,
                  version
                      ? fmt::format("API '{}' has the path '{}' and the version '{}' of the same set too",
                                    printable(other.name, 100), printable(face.path, 100), printable(face.version, 60))
                      : fmt::format("API '{}' has the path '{}' too, and they are not versions of one set",
                                    printable(other.name, 100), printable(face.path, 100)),
                  version ? "give one of them another apiVersion"
                          : "give one of them another path, or both the same apiVersionSetId and an apiVersion each");
    return {};
  }

  TreeView& view_;
  TreeReporter& reporter_;
  std::map<std::string, std::vector<Face>> faces_;  // by place and path
};

}  // namespace

const TreeRule kDuplicateApiPath{
    {"duplicate-api-path", policy::Severity::error, "No two APIs have one path, unless they are versions of one set.",
     "ARM refuses the second API of a path that is not a version of the same set, and the second with the same "
     "version. "
     "Revisions that are not current are left out, and so are APIs that a configuration file beside the tree gives "
     "another path.",
     "{ \"properties\": { \"path\": \"orders\" } } in apis/orders and in apis/orders-new",
     "{ \"properties\": { \"path\": \"orders\", \"apiVersion\": \"v2\", \"apiVersionSetId\": "
     "\"/apiVersionSets/orders\" "
     "} } in apis/orders-v2"},
    [](TreeView& view, TreeReporter& reporter) { return Check(view, reporter).run(); }};

}  // namespace postern::tree
