// Which words stand in the files of a folder, kept small: a filter for names that might be used there. It may say yes
// for nothing, never no for something.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::tree {

// Value: a word is a run of letters, digits, '-', '_', '.' and bytes above 0x7f, letter case aside. Text: six hex
// digits of its hash for each word, sorted; "*" where any word may stand.
class Words {
 public:
  void add(std::string_view text);
  // Whether all words of `name` are there, which is so wherever the name itself stands between marks.
  bool may_hold(std::string_view name) const;

  std::string to_text() const;
  static std::optional<Words> parse(std::string_view text);  // nullopt: not such a text

 private:
  bool any_ = false;
  std::vector<std::uint32_t> words_;  // hashes, sorted, each once
};

// What was found out about folders before, by whatever names their content; another push asks again. Nothing here is
// needed, so an implementation may forget at any time.
class KeptWords {
 public:
  virtual ~KeptWords() = default;
  virtual std::optional<Words> find(const std::string& key) = 0;
  virtual void keep(const std::string& key, const Words& words) = 0;
};

}  // namespace postern::tree
