// Attack 19 against a whole store: what `postern audit verify` does, on copies that somebody tampered with.
#include "gateway/store/verify_store.h"

#include <catch2/catch.hpp>

#include "gateway/base/file.h"
#include "gateway/store/checkpointer.h"
#include "gateway/store/sqlite_database.h"
#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::store;
using namespace postern::store::testing;

namespace {

// A store with 12 records and checkpoints after the 6th and the 12th, and its witness.
struct Fixture {
  Fixture() {
    auto store = *open_store("sqlite:" + path);
    std::vector<std::unique_ptr<Witness>> witnesses;
    witnesses.push_back(*open_witness("file:" + witness_path));
    Checkpointer checkpointer(*store, clock, key, std::move(witnesses));
    for (int i = 0; i < 6; ++i) {
      const std::string push = "p" + std::to_string(i);
      accept(*store, push, {update('0', '1')}, {id('1')});
      if (i == 2) REQUIRE(checkpointer.checkpoint());
    }
    checkpointer.stop();
    store->close();
  }
  std::vector<std::string> faults(const std::string& sql = "", bool with_witness = true) {
    const std::string copy = directory.path() + "/copy.db";
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(copy + suffix);
    std::filesystem::copy_file(path, copy);
    if (!sql.empty()) {
      auto database = Database::open(copy, Database::Access::read_write_create, std::chrono::seconds(1));
      REQUIRE(database);
      REQUIRE(database->execute("PRAGMA foreign_keys=OFF;"));
      const Status executed = database->execute(sql);
      INFO((executed ? "" : executed.error().message));
      REQUIRE(executed);
    }
    StoreOptions options;
    options.read_only = true;
    const auto store = open_store("sqlite:" + copy, options);
    INFO((store ? "" : store.error().message));
    REQUIRE(store);
    std::vector<WitnessContent> witnesses;
    if (with_witness) witnesses.push_back({"w", *read_file(witness_path, 100000)});
    const auto report = verify_store(**store, {key.public_key()}, witnesses);
    REQUIRE(report);
    std::vector<std::string> out;
    for (const audit::Fault& fault : report->faults) {
      out.push_back(std::string(to_string(fault.kind)) + " " + std::to_string(fault.seq));
    }
    return out;
  }

  TemporaryDirectory directory;
  std::string path = directory.path() + "/a.db";
  std::string witness_path = directory.path() + "/witness";
  SystemClock clock;
  identity::SigningKey key = *identity::SigningKey::generate_ed25519();
};

bool has(const std::vector<std::string>& faults, const std::string& fault) {
  return std::find(faults.begin(), faults.end(), fault) != faults.end();
}

}  // namespace

TEST_CASE("a store as the gateway leaves it holds") {
  Fixture fixture;
  CHECK(fixture.faults().empty());
  CHECK(fixture.faults("", false).empty());
}

TEST_CASE("one changed byte in the store is named") {
  Fixture fixture;
  CHECK(has(fixture.faults("UPDATE record SET bytes = CAST(replace(bytes, '192.0.2.7', '192.0.2.8') AS BLOB) "
                           "WHERE seq = 5"),
            "changed 5"));
}

TEST_CASE("a record removed from the store is named") {
  Fixture fixture;
  CHECK(has(fixture.faults("DELETE FROM record WHERE seq = 5"), "removed 5"));
}

TEST_CASE("a tail removed from the store is named by the witness also when its checkpoint went with it") {
  Fixture fixture;
  const std::string cut =
      "DELETE FROM push_commit WHERE seq > 4; DELETE FROM accepted_ref WHERE seq > 4; DELETE FROM push WHERE id IN "
      "('p4', 'p5'); DELETE FROM record WHERE seq > 8; DELETE FROM checkpoint WHERE number = 2;";
  CHECK(fixture.faults(cut, false).empty());
  const auto faults = fixture.faults(cut);
  CHECK(faults == std::vector<std::string>{"checkpoint-removed 0", "removed-tail 9"});
}

TEST_CASE("a store rewritten and signed anew with the stolen key is named by the witness") {
  Fixture fixture;
  const std::string honest = fixture.path;
  fixture.path = fixture.directory.path() + "/forged.db";
  {
    // The thief keeps the chain's id and number of checkpoints, and leaves one identity out.
    const std::string chain = (*open_store("sqlite:" + honest))->heads()->front().chain;
    {
      auto made = open_store("sqlite:" + fixture.path);
    }
    auto database = Database::open(fixture.path, Database::Access::read_write_create, std::chrono::seconds(1));
    REQUIRE(database->execute("UPDATE chain SET id = '" + chain + "'"));
    auto store = *open_store("sqlite:" + fixture.path);
    Checkpointer checkpointer(*store, fixture.clock, fixture.key, {});
    for (int i = 0; i < 6; ++i) {
      accept(*store, "p" + std::to_string(i), {update('0', '1')}, {id('1')}, "somebody-else");
      if (i == 2) REQUIRE(checkpointer.checkpoint());
    }
    checkpointer.stop();
    store->close();
  }
  CHECK(fixture.faults("", false).empty());
  const auto faults = fixture.faults();
  CHECK(has(faults, "rewritten 6"));
}

TEST_CASE("a bent table beside the log is named") {
  Fixture fixture;
  CHECK(fixture.faults("UPDATE accepted_ref SET new_id = '9999999999999999999999999999999999999999' WHERE seq = 1") ==
        std::vector<std::string>{"table 0"});
}

TEST_CASE("a store restored from a backup and written to again is a fork in the witness") {
  Fixture fixture;
  const std::string backup = fixture.directory.path() + "/backup.db";
  std::filesystem::copy_file(fixture.path, backup);
  for (const std::string& path : {fixture.path, backup}) {
    auto store = *open_store("sqlite:" + path);
    std::vector<std::unique_ptr<Witness>> witnesses;
    witnesses.push_back(*open_witness("file:" + fixture.witness_path));
    Checkpointer checkpointer(*store, fixture.clock, fixture.key, std::move(witnesses));
    REQUIRE(store->append_and_wait(entry(audit::EntryKind::fetch, path == backup ? "after" : "before")));
    checkpointer.stop();
  }
  CHECK(has(fixture.faults(), "fork 0"));
}

TEST_CASE("a chain longer than a page is verified whole") {
  Fixture fixture;
  {
    auto store = *open_store("sqlite:" + fixture.path);
    for (int i = 0; i < 2500; ++i) REQUIRE(store->append_soon(entry(audit::EntryKind::advertise)));
    store->close();
  }
  CHECK(fixture.faults().empty());
  CHECK(fixture.faults("UPDATE record SET hash = previous WHERE seq = 2001") ==
        std::vector<std::string>{"changed 2001"});
}
