#include <git2.h>

#include <string>

#include "gateway/base/encoding.h"
#include "hooks/repo/libgit2.h"

// When it starts, Debian's libgit2 parses every certificate authority of the system, which takes longer than all the
// rest of a hook, for connections that nobody here makes: it only reads. A program's own definition goes before that of
// mbedTLS, and none of our programs uses mbedTLS for anything else. Should libgit2 ever connect by TLS all the same, it
// trusts nobody.
extern "C" int mbedtls_x509_crt_parse_file(void* /*chain*/, const char* /*path*/) { return 0; }

namespace postern::repo {
namespace {

// The library, from the first repository to the end of the process: its start costs more than a whole hook that needs
// none, so it is neither started early nor twice.
class Library {
 public:
  Library() : code_(git_libgit2_init()) {
    if (code_ < 0) return;
    // Only the repository's own configuration is read, and reading executes nothing, so whose it is does not matter.
    for (const int level :
         {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    // libgit2 keeps no tree above 4 KiB, so that each path below a folder of a thousand would read that folder again.
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, std::size_t{4} << 20);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, ssize_t{64} << 20);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, std::size_t{8} << 20);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, std::size_t{32} << 20);
  }
  ~Library() {
    if (code_ >= 0) git_libgit2_shutdown();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  int code() const { return code_; }

 private:
  int code_;
};

}  // namespace

Status start_libgit2() {
  static const Library library;
  if (library.code() < 0) return fail(git_error_of("starting libgit2", library.code()));
  return {};
}

Error git_error_of(std::string_view doing, int code) {
  const git_error* last = git_error_last();
  const std::string why = last != nullptr && last->message != nullptr ? last->message : "libgit2 error";
  ErrorCode kind = ErrorCode::io;
  if (code == GIT_ENOTFOUND) kind = ErrorCode::not_found;
  if (last != nullptr && last->klass == GIT_ERROR_NOMEMORY) {
    return {ErrorCode::limit, std::string(doing) + ": limit memory reached"};
  }
  return {kind, std::string(doing) + ": " + printable(why)};
}

}  // namespace postern::repo
