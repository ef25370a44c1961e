// The journal in one SQLite file.
#pragma once

#include <memory>
#include <string_view>

#include "hooks/deploy/journal.h"

namespace postern::deploy {

// `path` is what follows "sqlite:". See open_journal().
Result<std::unique_ptr<Journal>> open_sqlite_journal(std::string_view path, const JournalOptions& options);

}  // namespace postern::deploy
