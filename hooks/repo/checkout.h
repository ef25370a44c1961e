// git itself, asked about the checkout around the current directory: libgit2 refuses foreign-owned, shallow and
// filtered ones, which is what CI has.
//
// Nothing that the repository's own configuration names is executed: no filter, external diff, file system monitor or
// hook; and in a checkout that belongs to somebody else nothing is fetched either (its configuration says from where
// and by which program). Replace refs are ignored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/process.h"
#include "gateway/base/result.h"
#include "hooks/repo/file_source.h"

namespace postern::repo {

// Safe from any thread.
class Checkout {
 public:
  static constexpr std::size_t kMaxOutput = std::size_t{64} << 20;  // bytes

  // Looks where the repository is and whose. bad_usage when there is none.
  static Result<Checkout> open();

  bool shallow() const { return shallow_; }
  // Runs git with these arguments, whatever it answers.
  Result<ProcessResult> run(std::vector<std::string> arguments, std::string input = {}) const;
  // What it prints; unavailable, with its own words, when it fails.
  Result<std::string> output(std::vector<std::string> arguments, std::string input = {}) const;
  // The first line of it; bad_usage when git fails.
  Result<std::string> line(std::vector<std::string> arguments) const;

 private:
  Checkout();
  void configure(const std::string& key, const std::string& value);
  Status switch_filters_off();

  std::vector<std::pair<std::string, std::string>> environment_;
  unsigned long configured_ = 0;
  std::optional<std::string> allowed_protocols_;
  bool shallow_ = false;
};

// The last line git said, which is the one that matters.
std::string last_words(std::string_view errors);

// The files of a commit (or tree) of this checkout, below the current directory. Each question is one git or two.
// unavailable: an object that a filtered clone lacks.
std::unique_ptr<FileSource> checkout_source(const Checkout& checkout, std::string commit);

}  // namespace postern::repo
