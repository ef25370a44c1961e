// What the patterns of rules match (docs/configuration.md), said once for rules, bundle and configuration.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/glob.h"
#include "gateway/git/repo_path.h"

namespace postern::access {

// Value: a pattern of repositories, in lower case. Only one that ends in ".wiki" matches a wiki, and it matches nothing
// else.
class RepoPattern {
 public:
  explicit RepoPattern(std::string pattern) : glob_(std::move(pattern)), wiki_(glob_.text().ends_with(".wiki")) {}
  bool matches(const git::RepoPath& repo) const { return matches(repo.full_name(), repo.is_wiki()); }
  // The same for who asks often: RepoPath::full_name() and is_wiki().
  bool matches(std::string_view full_name, bool is_wiki) const { return wiki_ == is_wiki && glob_.matches(full_name); }
  bool is_literal() const { return glob_.literal_prefix().size() == glob_.text().size(); }
  // The owner when it is written out ("platform" of "platform/*"), else empty.
  std::string_view literal_owner() const;
  const std::string& text() const { return glob_.text(); }

 private:
  Glob glob_;
  bool wiki_;
};

// True when every text that `narrow` matches is matched by `wide`. May say false where it is true, never the reverse.
bool covers(std::string_view wide, std::string_view narrow);
// The same for repositories: a wiki pattern never covers another.
bool covers_repos(std::string_view wide, std::string_view narrow);

// refs/replace/ shows its readers another history than its cloners: nobody gets it.
bool is_replace_ref(std::string_view ref);
// A grant's pattern reaches beyond branches and tags only with the namespace written out.
bool grant_reaches_ref(const Glob& pattern, std::string_view ref);

}  // namespace postern::access
