// What was found out about the folders of a repository, from one push to the next: <repository>/postern-words.
//
// Lines "<key> <words>" (tree::KeptWords, tree::Words) between a first line with the version and a last one with the
// digest of all before it. A key names the content of a folder, so a line never grows old; only what the last push that
// asked has used is kept. Nothing is lost with the file but time, and a file that is not whole counts as none. Who can
// write it, the Gogs user, can move refs past every hook as well.
#pragma once

#include <map>
#include <set>
#include <string>

#include "hooks/template/words.h"

namespace postern::receive {

class WordsFile final : public tree::KeptWords {
 public:
  explicit WordsFile(std::string path) : path_(std::move(path)) {}
  std::optional<tree::Words> find(const std::string& key) override;  // the file is read when first asked
  void keep(const std::string& key, const tree::Words& words) override;
  // Writes the file, when something new is to be kept. A failure is none.
  void save() const;

 private:
  void load();
  std::string path_;
  bool loaded_ = false;
  bool changed_ = false;
  std::map<std::string, std::string, std::less<>> lines_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace postern::receive
