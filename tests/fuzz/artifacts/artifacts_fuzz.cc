// An artifact tree as somebody pushes it: any names, any bytes. A file begins with a line "=== PATH".
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "hooks/template/tree.h"

using namespace postern;

namespace {

class Files final : public repo::FileSource {
 public:
  explicit Files(std::string_view text) {
    std::string* file = nullptr;
    while (!text.empty() && files_.size() < 64) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      if (line.starts_with("=== "))
        file = &files_[std::string(line.substr(4))];
      else if (file != nullptr)
        *file += std::string(line) + "\n";
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    // A directory is no file, and the names are those a tree can have.
    std::erase_if(files_, [&](const auto& one) { return !plain(one.first); });
  }
  Result<std::string> read(std::string_view path, std::size_t max_bytes) const override {
    const auto it = files_.find(path);
    if (it == files_.end()) return fail(ErrorCode::not_found, "no such file");
    if (it->second.size() > max_bytes) return fail(ErrorCode::limit, "too large");
    return it->second;
  }
  Result<bool> exists(std::string_view path) const override { return files_.contains(path); }
  Result<std::vector<std::string>> list(std::string_view directory) const override {
    std::vector<std::string> out;
    for (const auto& [path, text] : files_)
      if (directory.empty() || (path.starts_with(directory) && path[directory.size()] == '/')) out.push_back(path);
    return out;
  }

 private:
  static bool plain(std::string_view path) {
    while (true) {
      const std::size_t slash = path.find('/');
      const std::string_view segment = path.substr(0, slash);
      if (segment.empty() || segment == "." || segment == ".." || segment.find('\0') != segment.npos) return false;
      if (slash == path.npos) return true;
      path.remove_prefix(slash + 1);
    }
  }
  std::map<std::string, std::string, std::less<>> files_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Files files(std::string_view(reinterpret_cast<const char*>(data), size));
  const auto whole = tree::check_tree(files, "", {});
  if (whole) {
    for (const policy::Finding& f : *whole)
      if (f.line < 1 || f.column < 1 || f.message.empty() || f.fingerprint.size() != 32) std::abort();
  }
  tree::TreeOptions options;
  options.extent.whole = false;
  const auto listed = files.list("");
  for (std::size_t i = 0; i < listed->size(); i += 2) options.extent.changed.insert((*listed)[i]);
  options.extent.deleted.insert("policy fragments/gone/policy.xml");
  (void)tree::check_tree(files, "", options);
  return 0;
}
