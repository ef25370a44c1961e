// What only the SQLite store can show: crash, full disk, lock, migration, what another program left.
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "gateway/base/file.h"
#include "gateway/store/sqlite_database.h"
#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::store;
using namespace postern::store::testing;
using audit::EntryKind;

namespace {

std::unique_ptr<Store> open(const std::string& path, StoreOptions options = {}) {
  auto opened = open_store("sqlite:" + path, options);
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened);
  return std::move(*opened);
}

// Another program's hand in the file.
void execute(const std::string& path, const std::string& sql) {
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(raw, sqlite3_close);
  char* message = nullptr;
  const int code = sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message);
  INFO((message == nullptr ? "" : message));
  REQUIRE(code == SQLITE_OK);
}

void check_chain(Store& store, std::size_t at_least) {
  const auto heads = *store.heads();
  REQUIRE(heads.size() == 1);
  const auto records = *store.chain_records(heads[0].chain, 1, 1000000);
  Sha256 previous = audit::genesis_hash(heads[0].chain);
  std::int64_t seq = 0;
  bool whole = true;
  for (const AuditRecord& item : records) {
    whole = whole && item.record.seq == ++seq && item.record.previous == previous &&
            item.record.hash == audit::record_hash(item.record.chain, seq, previous, item.record.bytes);
    previous = item.record.hash;
  }
  CHECK(whole);
  CHECK(records.size() >= at_least);
  CHECK(store.check_tables()->empty());
}

}  // namespace

TEST_CASE("a writer killed in the middle of appends leaves a whole chain with all that was acknowledged") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  std::size_t acknowledged = 0;
  for (int round = 0; round < 4; ++round) {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = open_store("sqlite:" + path);
      if (!store) ::_exit(1);
      for (int i = 0;; ++i) {
        const std::string push = "p" + std::to_string(round) + "-" + std::to_string(i);
        const bool begun = (*store)->begin_push_and_wait(intent(push, {update('0', '1')})).has_value();
        const bool settled = begun && (*store)->settle_push_and_wait(outcome(push, {update('0', '1')})).has_value();
        if (!settled || ::write(fds[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(fds[1]);
    char byte = 0;
    for (int i = 0; i < 30 + round * 7; ++i) {
      REQUIRE(::read(fds[0], &byte, 1) == 1);
      ++acknowledged;
    }
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    while (::read(fds[0], &byte, 1) == 1) ++acknowledged;
    ::close(fds[0]);
    const auto store = open(path);
    check_chain(*store, acknowledged * 2);
    CHECK(store->open_pushes()->size() <= static_cast<std::size_t>(round) + 1);
    CHECK(store->last_push_seq() >= static_cast<Seq>(acknowledged));
  }
}

TEST_CASE("a full disk refuses and the store recovers without opening again") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  // RLIMIT_FSIZE stands in for the full disk: SQLite sees a short write. In a child, as it holds for all files.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened = open_store("sqlite:" + path);
    if (!opened) ::_exit(10);
    Store& store = **opened;
    if (!store.append_and_wait(entry(EntryKind::fetch))) ::_exit(11);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit saved = limit;
    limit.rlim_cur = 200 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto large = entry(EntryKind::fetch);
    large.detail = json::Object{{"x", std::string(50000, 'x')}};
    int accepted = 0;
    Result<Seq> last = Seq{0};
    for (int i = 0; i < 50; ++i) {
      last = store.append_and_wait(large);
      if (!last) break;
      ++accepted;
    }
    if (last) ::_exit(12);
    if (store.health()) ::_exit(13);
    if (!store.list_audit({})) ::_exit(14);
    ::setrlimit(RLIMIT_FSIZE, &saved);
    if (!store.append_and_wait(large)) ::_exit(15);
    if (!store.health()) ::_exit(16);
    ::_exit(store.list_audit({})->size() == static_cast<std::size_t>(accepted) + 2 ? 0 : 17);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  check_chain(*open(path), 3);
}

TEST_CASE("a locked store refuses after the busy time-out and recovers") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  StoreOptions options;
  options.busy_timeout = std::chrono::milliseconds(50);
  const auto store = open(path, options);
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
  REQUIRE(sqlite3_exec(raw, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto refused = store->append_and_wait(entry(EntryKind::fetch));
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
  REQUIRE(store->append_soon(entry(EntryKind::advertise)));
  CHECK(store->list_audit({})->size() == 1);
  REQUIRE(sqlite3_exec(raw, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(raw);
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  store->close();
  CHECK(store->list_audit({})->size() == 3);
  check_chain(*store, 3);
}

TEST_CASE("opening again migrates nothing twice and the file is WAL and synced in full") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  open(path).reset();
  open(path).reset();
  auto database = Database::open(path, Database::Access::read_write_create, std::chrono::milliseconds(100));
  REQUIRE(database);
  const auto pragma = [&](const std::string& name) {
    auto statement = *database->prepare("PRAGMA " + name);
    REQUIRE(*statement.step());
    return std::string(statement.text(0));
  };
  CHECK(pragma("user_version") == "1");
  CHECK(pragma("journal_mode") == "wal");
  CHECK(pragma("synchronous") == "2");
  CHECK(pragma("foreign_keys") == "1");
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0007) == 0);
}

TEST_CASE("a migration that fails leaves the schema as it was") {
  const TemporaryDirectory directory;
  auto database =
      Database::open(directory.path() + "/m.db", Database::Access::read_write_create, std::chrono::milliseconds(100));
  REQUIRE(database);
  const std::array first = {Migration{1, "CREATE TABLE a (x); INSERT INTO a VALUES (1);"}};
  REQUIRE(migrate(*database, 7, first));
  const std::array bad = {first[0], Migration{2, "CREATE TABLE b (x); CREATE TABLE a (y);"}};
  const Status failed = migrate(*database, 7, bad);
  REQUIRE(!failed);
  CHECK(failed.error().message.find("migration 2") != std::string::npos);
  CHECK(!database->in_transaction());
  const std::array good = {first[0], Migration{2, "CREATE TABLE b (x);"}};
  REQUIRE(migrate(*database, 7, good));
  REQUIRE(migrate(*database, 7, good));
  CHECK(check_version(*database, 7, good));
  CHECK(check_version(*database, 7, first).error().code == ErrorCode::unsupported);
  CHECK(migrate(*database, 8, good).error().code == ErrorCode::unsupported);
}

TEST_CASE("a newer schema and a foreign database are refused with both versions named") {
  const TemporaryDirectory directory;
  const std::string newer = directory.path() + "/newer.db";
  open(newer).reset();
  execute(newer, "PRAGMA user_version=99");
  const auto opened = open_store("sqlite:" + newer);
  REQUIRE(!opened);
  CHECK(opened.error().code == ErrorCode::unsupported);
  CHECK(opened.error().message.find("version 99") != std::string::npos);
  const std::string foreign = directory.path() + "/foreign.db";
  execute(foreign, "CREATE TABLE something (x)");
  CHECK(open_store("sqlite:" + foreign).error().code == ErrorCode::unsupported);
  StoreOptions options;
  options.read_only = true;
  CHECK(!open_store("sqlite:" + foreign, options));
}

TEST_CASE("what is no database is refused and left as it is") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  const std::string text(5000, 'x');
  REQUIRE(create_file(path, text, 0600));
  CHECK(open_store("sqlite:" + path).error().code == ErrorCode::corrupt);
  CHECK(*read_file(path, 10000) == text);
  CHECK(!open_store("sqlite:" + directory.path() + "/none/a.db"));
  CHECK(open_store("sqlite:").error().code == ErrorCode::bad_usage);
  StoreOptions options;
  options.read_only = true;
  const auto missing = open_store("sqlite:" + directory.path() + "/missing.db", options);
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(!std::filesystem::exists(directory.path() + "/missing.db"));
}

TEST_CASE("a copy in a directory that may not be written to is read") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  {
    const auto store = open(path);
    REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  }
  const std::string copy = directory.path() + "/copy #1?";
  std::filesystem::create_directory(copy);
  std::filesystem::copy_file(path, copy + "/b.db");
  ::chmod(copy.c_str(), 0555);
  StoreOptions options;
  options.read_only = true;
  CHECK(open(copy + "/b.db", options)->list_audit({})->size() == 1);
  ::chmod(copy.c_str(), 0755);
}

TEST_CASE("every table that disagrees with the log is named") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a.db";
  {
    const auto store = open(path);
    accept(*store, "p1", {update('0', '1')}, {id('1'), id('2')});
    REQUIRE(store->begin_push_and_wait(intent("p2", {update('1', '2')})));
    PushOutcome write = outcome("direct-1", {update('1', '3')});
    REQUIRE(store->record_direct_and_wait(write, false));
    Deployment deployment{"d1", "prod", "a/b", kMain, id('1'), "", "healthy", "", json::Object{}};
    REQUIRE(store->record_deployment_and_wait(deployment, entry(EntryKind::deploy_outcome)));
    CHECK(store->check_tables()->empty());
  }
  struct Tampering {
    std::string sql;
    std::string named;
  };
  const std::vector<Tampering> tamperings = {
      {"UPDATE record SET who = 'mallory' WHERE id = 1", "record 1"},
      {"UPDATE record SET repository = 'x/y' WHERE id = 2", "record 2"},
      {"UPDATE record SET at = at + 1 WHERE id = 2", "record 2"},
      {"UPDATE record SET kind = 'fetch' WHERE id = 3", "record 3"},
      {"UPDATE accepted_ref SET new_id = '9999999999999999999999999999999999999999' WHERE seq = 1", "push p1"},
      {"UPDATE accepted_ref SET forced = 1 WHERE seq = 1", "push p1"},
      {"DELETE FROM push_commit WHERE position = 1", "push p1"},
      {"UPDATE push SET link = 1 WHERE id = 'direct-1'", "push direct-1"},
      {"UPDATE push SET direct = 0 WHERE id = 'direct-1'", "push direct-1"},
      {"UPDATE push SET sponsor = 'x' WHERE id = 'p1'", "push p1"},
      {"UPDATE push SET truncated = 1 WHERE id = 'p1'", "push p1"},
      {"UPDATE push SET outcome = NULL WHERE id = 'p1'", "push p1"},
      {"DELETE FROM push WHERE id = 'p2'", "record 3: the push it began"},
      {"DELETE FROM deployment", "the deployment it tells of"},
      {"INSERT INTO accepted_ref (push, repository, ref, old_id, new_id, forced) VALUES ('p2', 'a/b', x'61', "
       "'1111111111111111111111111111111111111111', '2222222222222222222222222222222222222222', 0)",
       "push p2"},
  };
  for (const Tampering& tampering : tamperings) {
    const std::string copy = directory.path() + "/copy.db";
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    execute(copy, tampering.sql);
    StoreOptions options;
    options.read_only = true;
    const auto faults = open(copy, options)->check_tables();
    REQUIRE(faults);
    INFO(tampering.sql);
    REQUIRE(!faults->empty());
    bool named = false;
    for (const std::string& fault : *faults) named = named || fault.find(tampering.named) != std::string::npos;
    CHECK(named);
  }
}
