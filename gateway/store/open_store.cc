#include <array>

#include "gateway/base/encoding.h"
#include "gateway/store/sqlite_store.h"
#include "gateway/store/store.h"

namespace postern::store {
namespace {

struct Backend {
  std::string_view scheme;  // with its colon
  std::string_view form;    // for messages
  Result<std::unique_ptr<Store>> (*open)(std::string_view rest, const StoreOptions& options);
};

// Every backend there is. A new one is a line here and a run of the contract suite (tests/gateway/store).
constexpr std::array kBackends = {
    Backend{"sqlite:", "sqlite:/path/to/file.db", open_sqlite_store},
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(std::string_view url, const StoreOptions& options) {
  std::string accepted;
  for (const Backend& backend : kBackends) {
    if (url.starts_with(backend.scheme)) return backend.open(url.substr(backend.scheme.size()), options);
    if (!accepted.empty()) accepted += ", ";
    accepted += backend.form;
  }
  // Not the whole URL: it may hold a password.
  const std::string_view scheme = url.substr(0, url.find(':'));
  return fail(ErrorCode::bad_usage, "store URL with scheme '" + printable(scheme, 32) + "': accepted is " + accepted);
}

}  // namespace postern::store
