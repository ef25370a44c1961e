// postern-words of a bare repository: whatever stands in it, a word that is in a text is never said not to be.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "hooks/receive/words_file.h"

using namespace postern;

namespace {

// A file of these lines whose frame is right, as the hook reads it.
std::optional<tree::Words> from_file(const std::string& lines, const std::string& key) {
  std::string text = "postern words 1\n" + lines;
  text += "sum " + hex_encode(as_view(sha256(text))) + "\n";
  static const int file = ::memfd_create("postern-words", 0);
  if (file < 0 || ::ftruncate(file, 0) != 0 ||
      ::pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    std::abort();
  return receive::WordsFile("/proc/self/fd/" + std::to_string(file)).find(key);
}

void must_hold(const tree::Words& words, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n\t<>\"'"), text.size());
    if (!words.may_hold(text.substr(0, end))) std::abort();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const std::optional<tree::Words> parsed = tree::Words::parse(text)) {
    const std::optional<tree::Words> again = tree::Words::parse(parsed->to_text());
    if (!again || again->to_text() != parsed->to_text()) std::abort();
    parsed->may_hold(text);
  }
  tree::Words words;
  words.add(text);
  must_hold(words, text);
  const std::string key(40, 'a');
  const std::optional<tree::Words> kept = from_file(key + " " + words.to_text() + "\n", key);
  if (!kept) std::abort();
  must_hold(*kept, text);
  from_file(text, text.substr(0, 40));
  return 0;
}
