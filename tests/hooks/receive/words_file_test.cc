// What the hook remembers about folders between pushes: worth nothing unless it is whole.
#include "hooks/receive/words_file.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gateway/base/file.h"

using namespace postern;
using receive::WordsFile;

namespace {

struct Scratch {
  std::string directory = "/tmp/postern-words-XXXXXX";
  std::string path;
  Scratch() {
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    path = directory + "/postern-words";
  }
  ~Scratch() { std::filesystem::remove_all(directory); }
};

const std::string kOne(40, '1');
const std::string kTwo(40, '2');

tree::Words words_of(const std::string& text) {
  tree::Words words;
  words.add(text);
  return words;
}

std::string saved(const Scratch& at) {
  WordsFile file(at.path);
  file.keep(kOne, words_of("alpha beta"));
  file.keep(kTwo, words_of("gamma"));
  file.save();
  return *read_file(at.path, 1 << 20);
}

}  // namespace

TEST_CASE("what is kept about a folder is there for the next push and what nobody asked for goes") {
  Scratch at;
  saved(at);
  {
    WordsFile file(at.path);
    const auto one = file.find(kOne);
    REQUIRE(one);
    CHECK(one->may_hold("beta"));
    CHECK_FALSE(one->may_hold("gamma"));
    CHECK_FALSE(file.find(std::string(40, '3')));
    file.keep(std::string(40, '4'), words_of("delta"));
    file.save();
  }
  WordsFile file(at.path);
  CHECK(file.find(kOne));
  CHECK(file.find(std::string(40, '4')));
  CHECK_FALSE(file.find(kTwo));
}

TEST_CASE("a file of words that is not whole counts as none") {
  Scratch at;
  const std::string whole = saved(at);
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    std::string changed = whole;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    std::ofstream(at.path, std::ios::binary | std::ios::trunc) << changed;
    CHECK_FALSE(WordsFile(at.path).find(kOne));
    std::ofstream(at.path, std::ios::binary | std::ios::trunc) << whole.substr(0, i);
    CHECK_FALSE(WordsFile(at.path).find(kOne));
  }
}

TEST_CASE("words that cannot be written are no failure") {
  WordsFile file("/nonexistent/postern-words");
  file.keep(kOne, words_of("alpha"));
  file.save();
  CHECK(file.find(kOne));
}
