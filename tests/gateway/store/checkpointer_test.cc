#include "gateway/store/checkpointer.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "gateway/audit/checkpoint.h"
#include "gateway/base/file.h"
#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::store;
using namespace postern::store::testing;

namespace {

struct RecordingWitness final : Witness {
  explicit RecordingWitness(std::vector<std::string>& lines, bool& up) : lines_(lines), up_(up) {}
  Status write(std::string_view jws) override {
    if (!up_) return fail(ErrorCode::io, "witness is down");
    lines_.emplace_back(jws);
    return {};
  }
  std::vector<std::string>& lines_;
  bool& up_;
};

struct Fixture {
  Fixture() : store(*open_store("sqlite:" + directory.path() + "/a.db")) {}
  std::unique_ptr<Checkpointer> make(std::chrono::milliseconds every = std::chrono::hours(1)) {
    std::vector<std::unique_ptr<Witness>> witnesses;
    witnesses.push_back(std::make_unique<RecordingWitness>(lines, up));
    return std::make_unique<Checkpointer>(*store, clock, key, std::move(witnesses), every);
  }
  void append() { REQUIRE(store->append_and_wait(entry(audit::EntryKind::fetch))); }
  audit::Checkpoint opened(std::size_t index) {
    const std::vector keys = {key.public_key()};
    return *audit::open_checkpoint(lines.at(index), keys);
  }

  TemporaryDirectory directory;
  std::unique_ptr<Store> store;
  SystemClock clock;
  identity::SigningKey key = *identity::SigningKey::generate_ed25519();
  std::vector<std::string> lines;
  bool up = true;
};

}  // namespace

TEST_CASE("a checkpoint signs every head and only when one moved") {
  Fixture fixture;
  const auto checkpointer = fixture.make();
  REQUIRE(checkpointer->checkpoint());
  CHECK(fixture.lines.empty());
  fixture.append();
  REQUIRE(checkpointer->checkpoint());
  REQUIRE(checkpointer->checkpoint());
  REQUIRE(fixture.lines.size() == 1);
  CHECK(fixture.opened(0).heads == *fixture.store->heads());
  fixture.append();
  REQUIRE(checkpointer->checkpoint());
  REQUIRE(fixture.lines.size() == 2);
  CHECK(fixture.opened(1).number == 2);
  CHECK(fixture.opened(1).previous == audit::checkpoint_digest(fixture.lines[0]));
}

TEST_CASE("a witness that was down gets what it missed and nothing is signed twice") {
  Fixture fixture;
  auto checkpointer = fixture.make();
  fixture.up = false;
  fixture.append();
  CHECK(!checkpointer->checkpoint());
  CHECK(!checkpointer->checkpoint());
  CHECK(fixture.store->checkpoints()->size() == 1);
  checkpointer.reset();  // stopped, and the witness still down
  fixture.up = true;
  checkpointer = fixture.make();
  REQUIRE(checkpointer->checkpoint());
  REQUIRE(fixture.lines.size() == 1);
  CHECK(fixture.opened(0).number == 1);
  CHECK(fixture.store->unwitnessed_checkpoints()->empty());
}

TEST_CASE("a new key signs a checkpoint of its own") {
  Fixture fixture;
  fixture.append();
  REQUIRE(fixture.make()->checkpoint());
  fixture.key = *identity::SigningKey::generate_ed25519();
  REQUIRE(fixture.make()->checkpoint());
  REQUIRE(fixture.lines.size() == 2);
  CHECK(fixture.opened(1).number == 2);
}

TEST_CASE("stopping signs the last record") {
  Fixture fixture;
  const auto checkpointer = fixture.make();
  checkpointer->start();
  fixture.append();
  checkpointer->stop();
  checkpointer->stop();
  REQUIRE(fixture.lines.size() == 1);
  CHECK(fixture.opened(0).heads == *fixture.store->heads());
}

TEST_CASE("the thread signs by itself") {
  Fixture fixture;
  fixture.append();
  const auto checkpointer = fixture.make(std::chrono::milliseconds(5));
  checkpointer->start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (fixture.store->unwitnessed_checkpoints()->size() + fixture.store->checkpoints()->size() == 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(fixture.store->checkpoints()->size() == 1);
  checkpointer->stop();
  CHECK(fixture.lines.size() == 1);
}

TEST_CASE("a file witness is appended to and survives rotation and a torn line") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/checkpoints";
  {
    const auto witness = open_witness("file:" + path);
    REQUIRE(witness);
    REQUIRE((*witness)->write("a.b.c"));
    REQUIRE((*witness)->write("d.e.f"));
    CHECK(*read_file(path, 1000) == "\na.b.c\nd.e.f\n");
    std::filesystem::rename(path, path + ".1");
    REQUIRE((*witness)->write("g.h.i"));
    CHECK(*read_file(path, 1000) == "g.h.i\n");
  }
  REQUIRE(create_file(path + ".2", "torn", 0600));
  const auto other = open_witness("file:" + path + ".2");
  REQUIRE((*other)->write("a.b.c"));
  CHECK(*read_file(path + ".2", 1000) == "torn\na.b.c\n");
}

TEST_CASE("a witness that cannot be written to says so") {
  const TemporaryDirectory directory;
  const auto witness = open_witness("file:" + directory.path() + "/none/checkpoints");
  REQUIRE(witness);
  CHECK((*witness)->write("a").error().code == ErrorCode::not_found);
  const auto full = open_witness("file:/dev/full");
  REQUIRE(full);
  CHECK(!(*full)->write("a"));
  CHECK(open_witness("file:relative").error().code == ErrorCode::bad_usage);
  CHECK(open_witness("http://x").error().code == ErrorCode::bad_usage);
}
