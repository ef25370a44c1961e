// SQLite, as the rest of the house sees it. The one file that includes sqlite3.h is sqlite_database.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/digest.h"
#include "gateway/base/result.h"

namespace postern::store {

class Database;

// A prepared statement of one Database; not thread-safe, and must not outlive it. Parameters and columns count from 0.
//
//   statement.bind(0, name);                      // texts must stay alive until done or reset()
//   auto row = statement.step();                  // true: a row stands ready; false: done
class Statement {
 public:
  Statement() = default;
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);

  // limit: disk full; unavailable: locked; corrupt; conflict: a constraint; io otherwise.
  Result<bool> step();
  // step(), expecting no row; then reset().
  Status run();
  void reset();  // ready for the next use; bindings are gone

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // also of a blob; valid until the next step() or reset()
  bool is_null(int column) const;
  Sha256 digest(int column) const;  // of a blob of 32 bytes

 private:
  friend class Database;
  struct Finalize {
    void operator()(void* statement) const;
  };
  std::unique_ptr<void, Finalize> handle_;
};

// The rows of one query, each handed to `take(const Statement&) -> Status`, whose failure ends it.
template <class Take>
Status each_row(Statement& statement, Take take) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    if (Status taken = take(statement); !taken) return taken;
  }
}

// One connection; used by one thread at a time.
class Database {
 public:
  enum class Access { read_write_create, read_only };
  Database() = default;

  // Write access sets WAL, synchronous=FULL, foreign keys and the busy time-out; a new file gets mode 0640.
  static Result<Database> open(const std::string& path, Access access, std::chrono::milliseconds busy_timeout);

  Status execute(const std::string& sql);  // any number of statements without parameters
  Result<Statement> prepare(std::string_view sql);
  bool in_transaction() const;
  std::int64_t last_insert_id() const;

 private:
  struct Close {
    void operator()(void* database) const;
  };
  std::unique_ptr<void, Close> handle_;
  std::string path_;
};

struct Migration {
  int version;  // from 1, without holes
  std::string_view sql;
};

// Brings the schema to the newest version, whole or not at all; the version stands in user_version.
// unsupported when the file is newer than the list, or when it is not empty and not of this `application_id`.
Status migrate(Database& database, std::int32_t application_id, std::span<const Migration> migrations);
// The same question without writing: unsupported also when it is older.
Status check_version(Database& database, std::int32_t application_id, std::span<const Migration> migrations);

}  // namespace postern::store
