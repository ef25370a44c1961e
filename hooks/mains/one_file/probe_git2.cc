// Links only where offline_git2.cc fits the archive of libgit2.
#include <git2.h>

int main() {
  git_repository* repository = nullptr;
  return git_libgit2_init() >= 0 && git_repository_open_ext(&repository, nullptr, 0, nullptr) == 0 ? 0 : 1;
}
