// What the hook's program loads before it does anything: that is paid twice in every push.
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>
#include <string>

namespace {

// The names of the shared libraries that the dynamic linker would load for the program.
std::string loaded_by(const std::string& program) {
  const std::string command = "LD_TRACE_LOADED_OBJECTS=1 '" + program + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  REQUIRE(pipe);
  std::string names;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) names += line.data();
  return names;
}

}  // namespace

TEST_CASE("the hook loads nothing that only connections need and in one file nothing but libc") {
  const std::string libraries = loaded_by(POSTERN_BIN_DIR "/postern-hook");
  INFO(libraries);
  REQUIRE(libraries.find("libc.so") != std::string::npos);
  for (const char* name : {"libcurl", "libsqlite3", "libmicrohttpd"}) {
    CHECK(libraries.find(name) == std::string::npos);
  }
#ifdef POSTERN_ONE_FILE
  for (const char* name :
       {"libgit2", "libcrypto", "libmbedtls", "libssh2", "libgssapi", "libstdc++", "libfmt", "toml"}) {
    CHECK(libraries.find(name) == std::string::npos);
  }
#endif
}
