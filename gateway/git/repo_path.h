// Which repository a request means.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern::git {

// Value: owner and name, folded to lower case as Gogs does, without `.git`; `wiki` when the name ended in `.wiki`.
// Only parse() makes one, so gateway, rules and hook never read one path differently (facts: Gogs looks names up by
// their lower-case form; owner at most 35 bytes, name at most 100; letters, digits, '-', '_', '.').
class RepoPath {
 public:
  // "owner/name", "owner/name.git", "owner/name.wiki[.git]". No percent escapes, no empty or dot segments.
  static Result<RepoPath> parse(std::string_view text);

  const std::string& owner() const { return owner_; }
  const std::string& name() const { return name_; }  // without ".wiki"
  bool is_wiki() const { return wiki_; }
  const std::string& full_name() const { return full_name_; }  // what rules match
  auto operator<=>(const RepoPath&) const = default;

 private:
  RepoPath(std::string owner, std::string name, bool wiki)
      : owner_(std::move(owner)), name_(std::move(name)), wiki_(wiki) {
    full_name_.reserve(owner_.size() + name_.size() + 6);
    full_name_.append(owner_).append("/").append(name_).append(wiki_ ? ".wiki" : "");
  }
  std::string owner_;
  std::string name_;
  bool wiki_ = false;
  std::string full_name_;
};

}  // namespace postern::git
