#include "gateway/store/sqlite_database.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::store {
namespace {

sqlite3* raw(void* handle) { return static_cast<sqlite3*>(handle); }
sqlite3_stmt* raw_statement(void* handle) { return static_cast<sqlite3_stmt*>(handle); }

Error error_of(sqlite3* database, int code, std::string_view doing) {
  ErrorCode kind = ErrorCode::io;
  switch (code & 0xff) {
    case SQLITE_FULL: kind = ErrorCode::limit; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: kind = ErrorCode::unavailable; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: kind = ErrorCode::corrupt; break;
    case SQLITE_CONSTRAINT: kind = ErrorCode::conflict; break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: kind = ErrorCode::denied; break;
    case SQLITE_CANTOPEN: kind = ErrorCode::io; break;
    case SQLITE_MISUSE:
    case SQLITE_ERROR: kind = ErrorCode::internal; break;
    default: break;
  }
  return {kind, fmt::format("{}: {}", doing, database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database))};
}

}  // namespace

void Statement::Finalize::operator()(void* statement) const { sqlite3_finalize(raw_statement(statement)); }
void Database::Close::operator()(void* database) const { sqlite3_close_v2(raw(database)); }

// A failing bind (wrong index, too long) leaves a null there, which NOT NULL columns refuse.
Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(raw_statement(handle_.get()), index + 1, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(raw_statement(handle_.get()), index + 1, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(raw_statement(handle_.get()), index + 1, bytes.data() == nullptr ? "" : bytes.data(),
                      bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(raw_statement(handle_.get()), index + 1);
  return *this;
}

Result<bool> Statement::step() {
  sqlite3_stmt* const statement = raw_statement(handle_.get());
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(sqlite3_db_handle(statement), code, "store");
  sqlite3_reset(statement);
  return fail(std::move(error));
}

Status Statement::run() {
  const auto row = step();
  reset();
  if (!row) return fail(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(raw_statement(handle_.get()));
  sqlite3_clear_bindings(raw_statement(handle_.get()));
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(raw_statement(handle_.get()), column); }

std::string_view Statement::text(int column) const {
  sqlite3_stmt* const statement = raw_statement(handle_.get());
  const void* const bytes = sqlite3_column_blob(statement, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

Sha256 Statement::digest(int column) const {
  Sha256 digest{};
  const std::string_view bytes = text(column);
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(raw_statement(handle_.get()), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::string& path, Access access, std::chrono::milliseconds busy_timeout) {
  const std::string doing = "opening store " + path;
  const bool writing = access == Access::read_write_create;
  if (writing) {
    // SQLite gives its -wal and -shm the mode of the database, so this one call decides who reads the log.
    const FileDescriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!made) return fail(errno_error(doing, errno));
  } else if (struct stat info{}; ::stat(path.c_str(), &info) != 0) {
    return fail(errno_error(doing, errno));
  }
  // Statistics nobody reads would take a lock at each allocation. And what a statement of many rows would need to be
  // undone alone is kept in memory, however much it is: the file that SQLite makes for it otherwise cost more writes
  // than the log itself. Too late, and no harm, when SQLite runs already.
  static const int tuned =
      sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) + sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
  (void)tuned;
  // NOMUTEX: every connection of ours is behind a lock or belongs to one thread.
  const auto try_open = [&](const std::string& name, int flags) -> Result<Database> {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    Database database;
    database.handle_.reset(handle);
    database.path_ = path;
    if (code != SQLITE_OK) return fail(error_of(handle, code, doing));
    sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
    // The first read finds out whether this is a database that can be read at all.
    if (Status read = database.execute("PRAGMA foreign_keys=ON; SELECT count(*) FROM sqlite_schema;"); !read) {
      return fail(in_context(doing, read.error()));
    }
    return database;
  };
  if (writing) {
    auto database = try_open(path, SQLITE_OPEN_READWRITE);
    if (!database) return database;
    // The -wal is folded into the file at 16 MiB: many commits write the same few pages of the indexes.
    if (Status set = database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; "
                                       "PRAGMA wal_autocheckpoint=4000;");
        !set) {
      return fail(in_context(doing, set.error()));
    }
    return database;
  }
  auto database = try_open(path, SQLITE_OPEN_READONLY);
  if (database) return database;
  // A copy in a directory we may not write to: SQLite cannot make its -shm there. Without a -wal nothing is missing
  // from the file itself, so it can be read as it lies.
  struct stat wal{};
  const bool has_wal = ::stat((path + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
  if (has_wal || (database.error().code != ErrorCode::io && database.error().code != ErrorCode::denied)) {
    return database;
  }
  std::string uri = "file:";
  for (const char c : path) uri += c == '/' ? std::string("/") : percent_encode({&c, 1});
  return try_open(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(raw(handle_.get()), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error_of(raw(handle_.get()), code, "store"));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(raw(handle_.get()), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) return fail(error_of(raw(handle_.get()), code, "store"));
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(raw(handle_.get())) == 0; }
std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(raw(handle_.get())); }

namespace {

Result<std::int64_t> pragma(Database& database, std::string_view name) {
  auto statement = database.prepare(fmt::format("PRAGMA {}", name));
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  return *row ? statement->integer(0) : 0;
}

// The version that is there; 0 for an empty file.
Result<std::int64_t> current_version(Database& database, std::int32_t application_id,
                                     std::span<const Migration> migrations) {
  const auto version = pragma(database, "user_version");
  if (!version) return fail(version.error());
  const auto application = pragma(database, "application_id");
  if (!application) return fail(application.error());
  auto tables = database.prepare("SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tables.error());
  if (const auto row = tables->step(); !row) return fail(row.error());
  const bool empty = tables->integer(0) == 0;
  if (!(empty && *version == 0) && *application != application_id) {
    return fail(ErrorCode::unsupported, "the file is a database of another program");
  }
  if (*version > static_cast<std::int64_t>(migrations.size())) {
    return fail(ErrorCode::unsupported,
                fmt::format("the schema has version {}, this program knows versions up to {}: use the newer program",
                            *version, migrations.size()));
  }
  return *version;
}

}  // namespace

Status migrate(Database& database, std::int32_t application_id, std::span<const Migration> migrations) {
  // The version is read under the write lock: two programs that start together must not both apply a step.
  if (Status begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun;
  const auto version = current_version(database, application_id, migrations);
  if (!version) {
    (void)database.execute("ROLLBACK");
    return fail(version.error());
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= *version) continue;
    Status applied = database.execute(std::string(migration.sql));
    if (applied) {
      applied = database.execute(
          fmt::format("PRAGMA user_version={}; PRAGMA application_id={};", migration.version, application_id));
    }
    if (!applied) {
      if (database.in_transaction()) (void)database.execute("ROLLBACK");
      return fail(in_context(fmt::format("migration {}", migration.version), applied.error()));
    }
  }
  return database.execute("COMMIT");
}

Status check_version(Database& database, std::int32_t application_id, std::span<const Migration> migrations) {
  const auto version = current_version(database, application_id, migrations);
  if (!version) return fail(version.error());
  if (*version < static_cast<std::int64_t>(migrations.size())) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("the schema has version {}, this program reads version {}: start the gateway once, it brings "
                    "the schema up to date",
                    *version, migrations.size()));
  }
  return {};
}

}  // namespace postern::store
