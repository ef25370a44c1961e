#include "hooks/receive/words_file.h"

#include <algorithm>
#include <string_view>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::receive {
namespace {

constexpr std::string_view kFirst = "postern words 1\n";
constexpr std::size_t kMaxBytes = std::size_t{32} << 20;
constexpr std::size_t kKeyDigits = 40;

std::string last_line(std::string_view before) { return "sum " + hex_encode(as_view(sha256(before))) + "\n"; }

}  // namespace

void WordsFile::load() {
  loaded_ = true;
  const Result<std::string> bytes = read_file(path_, kMaxBytes);
  if (!bytes) return;
  std::string_view text = *bytes;
  const std::size_t last = text.rfind("sum ");
  if (!text.starts_with(kFirst) || last == std::string_view::npos ||
      text.substr(last) != last_line(text.substr(0, last))) {
    return;
  }
  text = text.substr(kFirst.size(), last - kFirst.size());
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.size() > kKeyDigits && line[kKeyDigits] == ' ') {
      lines_.emplace(line.substr(0, kKeyDigits), line.substr(kKeyDigits + 1));
    }
  }
}

std::optional<tree::Words> WordsFile::find(const std::string& key) {
  if (!loaded_) load();
  const auto at = lines_.find(key);
  if (at == lines_.end()) return std::nullopt;
  used_.insert(key);
  return tree::Words::parse(at->second);
}

void WordsFile::keep(const std::string& key, const tree::Words& words) {
  std::string text = words.to_text();
  used_.insert(key);
  std::string& line = lines_[key];
  changed_ = changed_ || line != text;
  line = std::move(text);
}

void WordsFile::save() const {
  if (!changed_) return;
  std::string text(kFirst);
  for (const std::string& key : used_) {
    const std::string& words = lines_.find(key)->second;
    if (text.size() + words.size() + 256 > kMaxBytes) break;
    ((text += key) += ' ') += words;
    text += '\n';
  }
  text += last_line(text);
  (void)write_file_atomic(path_, text, 0644);
}

}  // namespace postern::receive
