// What a rule over the whole tree is: one file in rules/, one line in rules.cc.
#pragma once

#include <functional>

#include "hooks/template/specification.h"
#include "hooks/template/tree.h"

namespace postern::tree {

// One file of the tree, read at most once.
struct TreeFile {
  std::string path;  // below the root
  Artifact artifact;
};

// What the rules look at. Not thread-safe: it reads files as they are asked for.
class TreeView {
 public:
  static Result<TreeView> open(const repo::FileSource& files, std::string_view root, const TreeOptions& options);

  const TreeOptions& options() const { return *options_; }
  // The files to be judged, sorted by path.
  const std::vector<TreeFile>& judged() const { return judged_; }
  // Every file below a folder of the root (empty: the whole root), sorted.
  Result<std::vector<TreeFile>> files_below(std::string_view folder) const;
  // The policies, JSON and lists of the tree that may use one of these names: every one in whose folder, that of a
  // resource, such a name stands in a text or a path. Sorted; there may be more.
  Result<std::vector<TreeFile>> users_of(const std::set<std::string>& names) const;
  Result<bool> exists(std::string_view path) const;
  // What stands in a folder itself; directories end with '/'.
  Result<std::vector<std::string>> names_in(std::string_view folder) const;
  // The bytes of a file; kept for the next rule that asks.
  Result<std::string_view> text(const std::string& path);
  // The same, but forgotten at once: for reading through the whole tree.
  Result<std::string> glance(const std::string& path) const;

  // What an API's specification says; read once, and kept in short.
  Result<const Specification*> specification(const std::string& path);

  // The publishers' configuration files (configuration.prod.yaml), which stand in the artifact root, beside it or at
  // the top of the repository; paths in the whole tree, sorted.
  Result<std::vector<std::string>> configuration_files() const;
  Result<std::string> read_whole(const std::string& whole_path) const;
  // Their texts, one behind the other; read once.
  Result<std::string_view> configuration_texts();
  // What it was before the change; nullopt: it was not there, or nothing is known.
  Result<std::optional<std::string>> whole_before(const std::string& whole_path) const;

  // The tree before the change. When it is not known, nothing stood there.
  Result<bool> existed(std::string_view path) const;
  Result<std::vector<std::string>> names_before(std::string_view folder) const;
  Result<std::string> text_before(const std::string& path) const;
  // `path` below the root as a path in the whole tree, which is what findings carry.
  std::string full_path(std::string_view path) const;
  // And back; empty for what is not below the root.
  std::string_view below(std::string_view full_path) const;

 private:
  Status add_users(const repo::Folder& folder, int depth, const std::set<std::string>& names,
                   std::vector<TreeFile>& out) const;
  TreeView(const repo::FileSource& files, std::string_view root, const TreeOptions& options)
      : files_(&files), root_(root), options_(&options) {}
  const repo::FileSource* files_;
  std::string root_;
  const TreeOptions* options_;
  std::vector<TreeFile> judged_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, Specification, std::less<>> specifications_;
  std::optional<std::string> configuration_texts_;
};

// Collects findings; turns offsets into lines and columns.
class TreeReporter {
 public:
  TreeReporter(TreeView& view, const policy::Rule& rule) : view_(view), rule_(rule) {}
  // At bytes [begin, end) of the file's text.
  void add(const std::string& path, std::string_view text, std::uint32_t begin, std::uint32_t end, std::string message,
           std::string help = {}, std::optional<policy::Severity> severity = {});
  // At a line and column known otherwise.
  void add_at(const std::string& path, unsigned line, unsigned column, std::string message, std::string help = {},
              std::optional<policy::Severity> severity = {});
  // Of a file that may stand outside of the root.
  void add_whole(const std::string& whole_path, unsigned line, unsigned column, std::string message, std::string help,
                 policy::Severity severity);
  std::vector<policy::Finding> take() { return std::move(findings_); }

 private:
  TreeView& view_;
  const policy::Rule& rule_;
  std::vector<policy::Finding> findings_;
};

struct TreeRule {
  policy::Rule info;  // without its check
  Status (*check)(TreeView&, TreeReporter&);
};

extern const TreeRule kArtifactJson;
extern const TreeRule kArtifactYaml;
extern const TreeRule kArtifactShape;
extern const TreeRule kArtifactSpecification;
extern const TreeRule kArtifactName;
extern const TreeRule kDuplicateName;
extern const TreeRule kMissingArtifact;
extern const TreeRule kMissingReference;
extern const TreeRule kFragmentCycle;
extern const TreeRule kStrayPolicyFile;
extern const TreeRule kUnknownOperation;
extern const TreeRule kArtifactHost;
extern const TreeRule kRequiredPolicy;
extern const TreeRule kTlsValidationOff;
extern const TreeRule kLoggedContent;
extern const TreeRule kArtifactSecret;
extern const TreeRule kLimitWithoutSubscription;
extern const TreeRule kOpenapiReference;
extern const TreeRule kOpenapiOperation;
extern const TreeRule kDuplicateApiPath;
extern const TreeRule kOverrideFile;

// Tells the faults of one list of every specification that is judged and is an OpenAPI document.
Status tell_openapi_faults(TreeView& view, TreeReporter& reporter, std::vector<SpecificationFault> OpenApi::* faults);

// Parses an artifact's JSON with the limits that an artifact may need. What some readers of JSON take and others refuse
// (a name that stands twice, half of a surrogate pair, bytes that are no UTF-8) is taken; `doubt`, where given, is then
// what a strict reader says. A placeholder that stands bare for a value is null. Spans are bytes of the text behind a
// byte order mark.
Result<json::Value> parse_artifact(std::string_view text, std::optional<Error>* doubt = nullptr);
// How long the placeholder of a deployment is that the text begins with: #{token}#, {#token#}, {#[token]#}, ${name},
// $(name), {{name}}, __NAME__, @@NAME@@, [[name]]. 0: none.
std::size_t placeholder_length(std::string_view text);
// Whether only Git LFS knows what the file holds.
bool is_pointer(std::string_view text);
// Line and column (1-based, code points) of a byte of the text.
struct LineColumn {
  unsigned line = 1;
  unsigned column = 1;
};
LineColumn line_column(std::string_view text, std::size_t offset);

}  // namespace postern::tree
