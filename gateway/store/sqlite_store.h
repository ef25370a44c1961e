// The Store in one SQLite file (schema/sql/sqlite).
#pragma once

#include <memory>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/store/store.h"

namespace postern::store {

// `path` is what follows "sqlite:". See open_store().
Result<std::unique_ptr<Store>> open_sqlite_store(std::string_view path, const StoreOptions& options);

}  // namespace postern::store
