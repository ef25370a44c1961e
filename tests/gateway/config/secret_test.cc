#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/config/config.h"

using namespace postern;
using namespace postern::config;
namespace fs = std::filesystem;

namespace {

struct SecretFile {
  explicit SecretFile(std::string_view bytes, mode_t mode)
      : path((fs::temp_directory_path() / ("postern-secret-" + hex_encode(random_bytes(8)))).string()) {
    REQUIRE(create_file(path, bytes, 0600));
    REQUIRE(::chmod(path.c_str(), mode) == 0);
  }
  ~SecretFile() { ::unlink(path.c_str()); }
  Result<Secret> read() const { return resolve({SecretRef::Kind::file, path}); }
  std::string path;
};

}  // namespace

TEST_CASE("a secret file is read without its final line end") {
  CHECK(SecretFile("s3cret\n", 0600).read()->reveal() == "s3cret");
  CHECK(SecretFile("s3cret\r\n", 0600).read()->reveal() == "s3cret");
  CHECK(SecretFile("two\nlines", 0600).read()->reveal() == "two\nlines");
}

TEST_CASE("a secret file that others can read or write is refused and its group may read it") {
  for (const mode_t mode : {0604, 0602, 0644, 0666, 0606}) {
    const auto secret = SecretFile("s3cret", mode).read();
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == ErrorCode::denied);
    CHECK(secret.error().message.find("fix: chmod o=") != std::string::npos);
    CHECK(secret.error().message.find("s3cret") == std::string::npos);
  }
  for (const mode_t mode : {0400, 0440, 0640, 0660}) CHECK(SecretFile("s3cret", mode).read());
}

TEST_CASE("what is no file or holds nothing is no secret") {
  CHECK(resolve({SecretRef::Kind::file, "/nowhere/at/all"}).error().code == ErrorCode::not_found);
  CHECK(resolve({SecretRef::Kind::file, "/tmp"}).error().code == ErrorCode::denied);
  CHECK(SecretFile("\n", 0600).read().error().code == ErrorCode::not_found);
  CHECK(SecretFile(std::string(100000, 'x'), 0600).read().error().code == ErrorCode::limit);
}

TEST_CASE("a secret of the environment is read or missed by name") {
  ::setenv("POSTERN_TEST_SECRET", "value", 1);
  CHECK(resolve({SecretRef::Kind::env, "POSTERN_TEST_SECRET"})->reveal() == "value");
  ::setenv("POSTERN_TEST_SECRET", "", 1);
  CHECK_FALSE(resolve({SecretRef::Kind::env, "POSTERN_TEST_SECRET"}));
  ::unsetenv("POSTERN_TEST_SECRET");
  CHECK(resolve({SecretRef::Kind::env, "POSTERN_TEST_SECRET"}).error().message ==
        "env:POSTERN_TEST_SECRET: no such variable in the environment");
}

TEST_CASE("key vault is asked by vault name and version and only where there is somebody to ask") {
  std::vector<std::string> asked;
  const KeyVaultReader reader = [&](const std::string& vault, const std::string& name,
                                    const std::string& version) -> Result<Secret> {
    asked = {vault, name, version};
    return Secret("from-the-vault");
  };
  CHECK(resolve({SecretRef::Kind::keyvault, "v/n"}, reader)->reveal() == "from-the-vault");
  CHECK(asked == std::vector<std::string>{"v", "n", ""});
  CHECK(resolve({SecretRef::Kind::keyvault, "v/n/7"}, reader));
  CHECK(asked == std::vector<std::string>{"v", "n", "7"});
  CHECK(resolve({SecretRef::Kind::keyvault, "v/n"}).error().code == ErrorCode::unsupported);
}
