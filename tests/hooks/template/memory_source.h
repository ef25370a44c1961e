// A tree in memory that remembers what was read.
#pragma once

#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "hooks/repo/file_source.h"
#include "hooks/template/tree.h"

namespace postern::tree {

class MemorySource final : public repo::FileSource {
 public:
  explicit MemorySource(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  Result<std::string> read(std::string_view path, std::size_t) const override {
    reads.push_back(std::string(path));
    const auto at = files_.find(std::string(path));
    if (at == files_.end()) return fail(ErrorCode::not_found, "not there: " + std::string(path));
    if (at->second == "unreadable") return fail(ErrorCode::io, "disk");
    return at->second;
  }
  Result<bool> exists(std::string_view path) const override { return files_.contains(std::string(path)); }
  Result<std::vector<std::string>> list(std::string_view directory) const override {
    std::vector<std::string> out;
    for (const auto& [path, text] : files_) {
      if (directory.empty() || path.starts_with(std::string(directory) + "/")) out.push_back(path);
    }
    return out;
  }
  mutable std::vector<std::string> reads;

 private:
  std::map<std::string, std::string> files_;
};

using Lines = std::vector<std::string>;

inline std::string policy_with(const std::string& inbound) {
  return "<policies>\n  <inbound>\n    <base />\n    " + inbound + "\n  </inbound>\n</policies>\n";
}

// One line per finding: "path:line:column severity [rule] message".
inline Lines findings(const repo::FileSource& source, const TreeOptions& options = {}, std::string_view root = "a") {
  Lines out;
  const auto found = check_tree(source, root, options);
  if (!found) return {"could not find out: " + found.error().message};
  for (const policy::Finding& each : *found) {
    out.push_back(fmt::format("{}:{}:{} {} [{}] {}", each.path, each.line, each.column,
                              policy::to_string(each.severity), each.rule, each.message));
  }
  return out;
}

// A change of a tree beside the tree before it.
inline TreeOptions change_of(const repo::FileSource& before, std::set<std::string> changed,
                             std::set<std::string> deleted = {}) {
  TreeOptions options;
  options.extent = {false, std::move(changed), std::move(deleted)};
  options.before = &before;
  return options;
}

}  // namespace postern::tree
