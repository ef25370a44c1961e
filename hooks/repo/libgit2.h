// What every user of libgit2 needs of it: its start, and its errors in our words.
#pragma once

#include <string_view>

#include "gateway/base/result.h"

namespace postern::repo {

// Starts the library, once in a process, set so that it reads nothing but the repository that is opened and keeps
// within the hook's memory. Thread-safe.
Status start_libgit2();

// The error of the call that just failed with `code` on this thread, said as "<doing>: <why>". not_found where libgit2
// says so, limit where memory ran out, else io.
Error git_error_of(std::string_view doing, int code);

}  // namespace postern::repo
