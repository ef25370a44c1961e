#include "hooks/repo/directory_source.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace postern;
using namespace postern::repo;
namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    std::string pattern = "/tmp/postern-dir-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
  }
};

}  // namespace

TEST_CASE("a directory lists and reads its files sorted and without git's own") {
  const Directory at;
  at.write("b/x.xml", "x");
  at.write("a.xml", "a");
  at.write(".git/config", "c");
  const auto source = open_directory_source(at.path.string());
  REQUIRE(source.has_value());
  CHECK(*(*source)->list("") == std::vector<std::string>{"a.xml", "b/x.xml"});
  CHECK(*(*source)->list("b") == std::vector<std::string>{"b/x.xml"});
  CHECK((*source)->list("none")->empty());
  CHECK(*(*source)->read("b/x.xml", 10) == "x");
  CHECK((*source)->read("b/x.xml", 0).error().code == ErrorCode::limit);
  CHECK((*source)->read("none", 10).error().code == ErrorCode::not_found);
  CHECK_FALSE(*(*source)->exists("b"));
}

TEST_CASE("a directory without any file below it has no name") {
  const Directory at;
  at.write("a/b/c/x", "x");
  fs::create_directories(at.path / "a" / "empty" / "deeper");
  fs::create_directories(at.path / "none");
  const auto source = open_directory_source(at.path.string());
  CHECK(*(*source)->names("") == std::vector<std::string>{"a/"});
  CHECK(*(*source)->names("a") == std::vector<std::string>{"b/"});
}

TEST_CASE("no link leads out of a directory") {
  const Directory at;
  const Directory outside;
  outside.write("secret", "s");
  fs::create_directory_symlink(outside.path, at.path / "link");
  fs::create_symlink(outside.path / "secret", at.path / "file");
  const auto source = open_directory_source(at.path.string());
  for (const char* path : {"link/secret", "file", "../", "./a", "/etc/passwd", "link"}) {
    INFO(path);
    CHECK_FALSE(*(*source)->exists(path));
    CHECK_FALSE((*source)->read(path, 100).has_value());
  }
  CHECK((*source)->list("")->empty());
}

TEST_CASE("a directory that is not there is an error and not an empty one") {
  CHECK_FALSE(open_directory_source("/nonexistent-directory").has_value());
}
