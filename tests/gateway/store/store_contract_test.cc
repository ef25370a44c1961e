// What every store must do, whatever is under it.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/gateway/store/store_testing.h"

using namespace postern;
using namespace postern::store;
using namespace postern::store::testing;
using audit::EntryKind;

namespace {

struct Opened {
  explicit Opened(const Backend& backend) : url(backend.url(directory)) { open(); }
  void open(StoreOptions options = {}) {
    store.reset();
    auto opened = open_store(url, options);
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened);
    store = std::move(*opened);
  }
  Store* operator->() { return store.get(); }
  Store& operator*() { return *store; }

  TemporaryDirectory directory;
  std::string url;
  std::unique_ptr<Store> store;
};

Backend any_backend() { return GENERATE(from_range(backends())); }

// The one chain of a store, checked link by link.
std::vector<AuditRecord> whole_chain(Store& store) {
  const auto heads = *store.heads();
  REQUIRE(heads.size() == 1);
  const auto records = *store.chain_records(heads[0].chain, 1, 100000);
  Sha256 previous = audit::genesis_hash(heads[0].chain);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const audit::Record& record = records[i].record;
    REQUIRE(record.seq == static_cast<std::int64_t>(i) + 1);
    REQUIRE(record.previous == previous);
    REQUIRE(record.hash == audit::record_hash(record.chain, record.seq, previous, record.bytes));
    previous = record.hash;
  }
  REQUIRE(heads[0].seq == static_cast<std::int64_t>(records.size()));
  REQUIRE(heads[0].hash == previous);
  return records;
}

}  // namespace

TEST_CASE("what was appended is there after opening again and the chain goes on") {
  Opened store(any_backend());
  const auto first = entry(EntryKind::fetch);
  const auto id1 = store->append_and_wait(first);
  REQUIRE(id1);
  store.open();
  const auto id2 = store->append_and_wait(entry(EntryKind::gateway_stop, "", ""));
  REQUIRE(id2);
  CHECK(*id2 > *id1);
  const auto records = whole_chain(*store);
  REQUIRE(records.size() == 2);
  CHECK(*audit::parse_entry(records[0].record.bytes) == first);
}

TEST_CASE("two stores have two chains and each instance its own") {
  Opened one(any_backend());
  Opened two(any_backend());
  REQUIRE(one->append_and_wait(entry(EntryKind::fetch)));
  REQUIRE(two->append_and_wait(entry(EntryKind::fetch)));
  CHECK(one->heads()->front().chain != two->heads()->front().chain);
  StoreOptions options;
  options.instance = "other";
  one.open(options);
  REQUIRE(one->append_and_wait(entry(EntryKind::fetch)));
  CHECK(one->heads()->size() == 2);
}

TEST_CASE("an entry too large is refused and nothing of it stays") {
  Opened store(any_backend());
  auto large = entry(EntryKind::fetch);
  large.detail = json::Object{{"x", std::string(audit::kMaxEntryBytes, 'x')}};
  CHECK(store->append_and_wait(large).error().code == ErrorCode::limit);
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  CHECK(whole_chain(*store).size() == 1);
}

TEST_CASE("what is appended soon is in the chain within 100 ms and in order") {
  Opened store(any_backend());
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    auto soon = entry(EntryKind::advertise);
    soon.request_id = std::to_string(i);
    REQUIRE(store->append_soon(soon));
  }
  std::size_t count = 0;
  while (count < 50 && std::chrono::steady_clock::now() - start < std::chrono::seconds(5)) {
    count = store->list_audit({})->size();
  }
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(count == 50);
  // The promise is 100 ms; a loaded test machine gets more before this test cries.
  CHECK(took < std::chrono::seconds(4));
  const auto records = whole_chain(*store);
  CHECK(audit::parse_entry(records[7].record.bytes)->request_id == "7");
}

TEST_CASE("closing writes what was queued soon") {
  Opened store(any_backend());
  for (int i = 0; i < 20; ++i) REQUIRE(store->append_soon(entry(EntryKind::advertise)));
  store.open();
  CHECK(whole_chain(*store).size() == 20);
}

TEST_CASE("a closed store refuses writes and still answers") {
  Opened store(any_backend());
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  store->close();
  CHECK(store->append_and_wait(entry(EntryKind::fetch)).error().code == ErrorCode::unavailable);
  CHECK(store->append_soon(entry(EntryKind::fetch)).error().code == ErrorCode::unavailable);
  CHECK(store->list_audit({})->size() == 1);
}

TEST_CASE("the log is filtered and paged") {
  Opened store(any_backend());
  for (int i = 0; i < 6; ++i) {
    auto item =
        entry(i % 2 == 0 ? EntryKind::fetch : EntryKind::advertise, i < 3 ? "alice" : "bob", i < 4 ? "a/b" : "c/d");
    item.request_id = "r" + std::to_string(i);
    item.at += std::chrono::seconds(i);
    REQUIRE(store->append_and_wait(item));
  }
  const auto ids = [&](const AuditQuery& query) {
    std::string out;
    const auto records = store->list_audit(query);
    REQUIRE(records);
    for (const AuditRecord& record : *records) {
      out += audit::parse_entry(record.record.bytes)->request_id + " ";
    }
    return out;
  };
  AuditQuery query;
  CHECK(ids(query) == "r0 r1 r2 r3 r4 r5 ");
  query.limit = 2;
  CHECK(ids(query) == "r0 r1 ");
  query.after = store->list_audit(query)->back().id;
  CHECK(ids(query) == "r2 r3 ");
  query.newest_first = true;
  CHECK(ids(query) == "r0 ");
  query.after = 0;
  CHECK(ids(query) == "r5 r4 ");
  query = {};
  query.kinds = {EntryKind::fetch};
  query.who = "bob";
  CHECK(ids(query) == "r4 ");
  query.kinds = {EntryKind::fetch, EntryKind::advertise};
  CHECK(ids(query) == "r3 r4 r5 ");
  query.repository = "a/b";
  CHECK(ids(query) == "r3 ");
  query = {};
  query.request_id = "r4";
  CHECK(ids(query) == "r4 ");
  query = {};
  query.since = entry(EntryKind::fetch).at + std::chrono::seconds(1);
  query.until = entry(EntryKind::fetch).at + std::chrono::seconds(3);
  CHECK(ids(query) == "r1 r2 ");
  query = {};
  query.who = "alice' OR 1=1 --";
  CHECK(ids(query) == "");
}

TEST_CASE("a push is open from intent to outcome and settled exactly once") {
  Opened store(any_backend());
  auto begun = intent("p1", {update('0', '1'), update('1', '2', "refs/tags/v1")});
  begun.sponsor = "carol";
  begun.entry.detail = json::Object{{"note", "kept"}};
  REQUIRE(store->begin_push_and_wait(begun));
  const auto again = store->begin_push_and_wait(begun);
  REQUIRE(!again);
  CHECK(again.error().code == ErrorCode::conflict);

  store.open();
  const auto open = store->open_pushes();
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  CHECK(open->front().id == "p1");
  CHECK(open->front().sponsor == "carol");
  CHECK(open->front().commands == begun.commands);
  CHECK(open->front().entry.who == begun.entry.who);
  CHECK(*open->front().entry.detail.find_string("note") == "kept");

  const auto first = store->settle_push_and_wait(outcome("p1", {update('0', '1')}));
  REQUIRE(first);
  CHECK(first->first);
  CHECK(first->push == 1);
  const auto second = store->settle_push_and_wait(outcome("p1", {update('0', '1')}, {}, Outcome::unknown));
  REQUIRE(second);
  CHECK(!second->first);
  CHECK(second->record == first->record);
  CHECK(second->push == first->push);
  CHECK(store->open_pushes()->empty());
  CHECK(whole_chain(*store).size() == 2);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("an outcome without intent is not found and leaves no record") {
  Opened store(any_backend());
  CHECK(store->settle_push_and_wait(outcome("p1", {update('0', '1')})).error().code == ErrorCode::not_found);
  CHECK(store->list_audit({})->empty());
}

TEST_CASE("what could not be read back is not let in") {
  Opened store(any_backend());
  CHECK(store->begin_push_and_wait(intent("p1", {update('0', '1', "HEAD")})).error().code == ErrorCode::invalid_input);
  CHECK(store->begin_push_and_wait(intent("p1", {update('0', '1', "refs/heads/\xff")})).error().code ==
        ErrorCode::invalid_input);
  REQUIRE(store->begin_push_and_wait(intent("p2", {update('0', '1')})));
  CHECK(store->settle_push_and_wait(outcome("p2", {update('0', '1', "refs/heads/..")})).error().code ==
        ErrorCode::invalid_input);
  CHECK(store->settle_push_and_wait(outcome("p2", {update('0', '1')}, {"not hex"})).error().code ==
        ErrorCode::invalid_input);
  CHECK(store->open_pushes()->size() == 1);
}

TEST_CASE("accepted pushes come in order of settlement and are found by repository and ref") {
  Opened store(any_backend());
  accept(*store, "p1", {update('0', '1')}, {id('1')});
  accept(*store, "p2", {update('1', '2'), update('0', '2', "refs/heads/dev")}, {id('2'), id('3')}, "bob");
  accept(*store, "p3", {update('0', '9')}, {}, "bob", "c/d");
  REQUIRE(store->begin_push_and_wait(intent("p4", {update('2', '4')})));
  REQUIRE(store->settle_push_and_wait(outcome("p4", {update('2', '4')}, {id('4')}, Outcome::refused)));
  CHECK(store->last_push_seq() == 4);

  PushQuery query;
  query.repository = "a/b";
  query.ref = kMain;
  const auto page = store->accepted_pushes(query);
  REQUIRE(page);
  REQUIRE(page->pushes.size() == 2);
  CHECK(!page->more);
  CHECK(page->next == 4);
  const AcceptedPush& push = page->pushes[1];
  CHECK(push.id == "p2");
  CHECK(push.seq == 2);
  CHECK(push.command == update('1', '2'));
  CHECK(push.who.name == "bob");
  CHECK(push.who.kind == "human");
  CHECK(push.rule == "grant-1");
  CHECK(push.new_commits == std::vector{id('2'), id('3')});
  CHECK(!push.truncated);
  CHECK(push.link);
  CHECK(!push.direct);

  query = {};
  query.limit = 3;
  const auto first = store->accepted_pushes(query);
  CHECK(first->pushes.size() == 3);
  CHECK(first->more);
  CHECK(first->next == 3);
  CHECK(first->pushes[2].new_commits == std::vector{id('2'), id('3')});  // the whole push's
  query.after = first->next;
  CHECK(store->accepted_pushes(query)->pushes.size() == 1);
  query.after = 4;
  CHECK(store->accepted_pushes(query)->pushes.empty());
  CHECK(store->accepted_pushes(query)->next == 4);
}

TEST_CASE("only the refs that were accepted become links") {
  Opened store(any_backend());
  REQUIRE(store->begin_push_and_wait(intent("p1", {update('0', '1'), update('0', '2', "refs/heads/dev")})));
  PushOutcome mixed = outcome("p1", {update('0', '1'), update('0', '2', "refs/heads/dev")});
  mixed.refs[0].outcome = Outcome::failed;
  mixed.refs[0].reason = "failed to update ref";
  mixed.refs[1].forced = true;
  mixed.truncated = true;
  REQUIRE(store->settle_push_and_wait(mixed));
  const auto page = *store->accepted_pushes({});
  REQUIRE(page.pushes.size() == 1);
  CHECK(page.pushes[0].command.ref == "refs/heads/dev");
  CHECK(page.pushes[0].forced);
  CHECK(page.pushes[0].truncated);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("a page ends when it holds ten thousand commits") {
  Opened store(any_backend());
  std::vector<std::string> many;
  for (int i = 0; i < 6000; ++i) {
    std::string hex = std::to_string(i);
    many.push_back(std::string(40 - hex.size(), 'a') + hex);
  }
  accept(*store, "p1", {update('0', '1')}, many);
  accept(*store, "p2", {update('1', '2')}, many);
  accept(*store, "p3", {update('2', '3')}, many);
  const auto page = *store->accepted_pushes({});
  CHECK(page.pushes.size() == 2);
  CHECK(page.more);
  CHECK(page.pushes[0].new_commits == many);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("the introducer of a commit is the first accepted push that lists it to any ref") {
  Opened store(any_backend());
  accept(*store, "p0", {update('0', '9')}, {id('5')}, "mallory", "c/d");  // another repository
  REQUIRE(store->begin_push_and_wait(intent("p1", {update('0', '5')}, "refused-one")));
  REQUIRE(store->settle_push_and_wait(outcome("p1", {update('0', '5')}, {id('5')}, Outcome::refused)));
  accept(*store, "p2", {update('0', '5', "refs/heads/agent")}, {id('5'), id('4')}, "agent-7");
  accept(*store, "p3", {update('0', '5')}, {id('5')}, "alice");
  const std::vector<std::string> commits = {id('5'), id('6'), id('4')};
  const auto found = store->introducers("a/b", commits);
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  REQUIRE((*found)[0]);
  CHECK((*found)[0]->id == "p2");
  CHECK((*found)[0]->who.name == "agent-7");
  CHECK((*found)[0]->new_commits.empty());
  CHECK(!(*found)[1]);
  CHECK((*found)[2]->id == "p2");
  CHECK(!store->introducers("a/b", std::vector<std::string>{"xyz"}));
  CHECK(store->introducers("a/b", std::vector<std::string>(1001, id('1'))).error().code == ErrorCode::limit);
}

TEST_CASE("a direct write is recorded once and is a link only where it was let in") {
  Opened store(any_backend());
  const std::string first = "direct-" + std::string(32, '1');
  const std::string second = "direct-" + std::string(32, '2');
  PushOutcome write = outcome(first, {update('0', '1')}, {id('1')});
  write.entry.who = {"bob", "direct", "gogs", "bob", "", ""};
  const auto recorded = store->record_direct_and_wait(write, false);
  REQUIRE(recorded);
  CHECK(recorded->first);
  CHECK(!store->record_direct_and_wait(write, false)->first);
  write.id = second;
  write.sponsor = "carol";
  write.refs[0].command = update('1', '2');
  write.new_commits = {id('1'), id('2')};
  REQUIRE(store->record_direct_and_wait(write, true));

  const auto page = *store->accepted_pushes({});
  REQUIRE(page.pushes.size() == 2);
  CHECK(page.pushes[0].direct);
  CHECK(!page.pushes[0].link);
  CHECK(page.pushes[0].who.kind == "direct");
  CHECK(page.pushes[1].link);
  CHECK(page.pushes[1].sponsor == "carol");
  // The write that is no link introduces nothing.
  const auto found = *store->introducers("a/b", std::vector{id('1')});
  REQUIRE(found[0]);
  CHECK(found[0]->id == second);
  CHECK(whole_chain(*store).size() == 2);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("the listener hears of accepted pushes and of nothing else") {
  Opened store(any_backend());
  std::mutex mutex;
  std::vector<Seq> heard;
  store->on_accepted_push([&](Seq seq) {
    const std::lock_guard lock(mutex);
    heard.push_back(seq);
  });
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  accept(*store, "p1", {update('0', '1'), update('0', '1', "refs/heads/dev")});
  REQUIRE(store->begin_push_and_wait(intent("p2", {update('1', '2')})));
  REQUIRE(store->settle_push_and_wait(outcome("p2", {update('1', '2')}, {}, Outcome::refused)));
  store->close();
  CHECK(heard == std::vector<Seq>{2});
}

TEST_CASE("a deployment is recorded once per id and another outcome under that id is a conflict") {
  Opened store(any_backend());
  Deployment deployment{"d1", "prod", "a/b", kMain, id('1'), "", "healthy", "", json::Object{{"plan", "x"}}};
  const auto first = store->record_deployment_and_wait(deployment, entry(EntryKind::deploy_outcome, "deployer"));
  REQUIRE(first);
  CHECK(first->first);
  store.open();
  auto later = entry(EntryKind::deploy_outcome, "deployer");
  later.at += std::chrono::hours(1);
  const auto second = store->record_deployment_and_wait(deployment, later);
  REQUIRE(second);
  CHECK(!second->first);
  CHECK(second->record == first->record);
  deployment.state = "failed";
  CHECK(store->record_deployment_and_wait(deployment, later).error().code == ErrorCode::conflict);
  CHECK(whole_chain(*store).size() == 1);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("checkpoints are kept and asked for until they were witnessed") {
  Opened store(any_backend());
  CHECK(!*store->last_checkpoint());
  REQUIRE(store->add_checkpoint({1, "one"}));
  REQUIRE(store->add_checkpoint({2, "two"}));
  CHECK(store->add_checkpoint({2, "again"}).error().code == ErrorCode::conflict);
  CHECK(store->unwitnessed_checkpoints()->size() == 2);
  REQUIRE(store->mark_witnessed(1));
  store.open();
  REQUIRE(store->unwitnessed_checkpoints()->size() == 1);
  CHECK(store->unwitnessed_checkpoints()->front().jws == "two");
  CHECK((*store->last_checkpoint())->number == 2);
  CHECK(store->checkpoints()->size() == 2);
}

TEST_CASE("a read-only store answers and writes nothing") {
  Opened store(any_backend());
  accept(*store, "p1", {update('0', '1')}, {id('1')});
  StoreOptions options;
  options.read_only = true;
  // While it is in use.
  auto reader = open_store(store.url, options);
  INFO((reader ? "" : reader.error().message));
  REQUIRE(reader);
  CHECK((*reader)->list_audit({})->size() == 2);
  CHECK((*reader)->last_push_seq() == 1);
  CHECK((*reader)->append_and_wait(entry(EntryKind::fetch)).error().code == ErrorCode::denied);
  CHECK((*reader)->append_soon(entry(EntryKind::fetch)).error().code == ErrorCode::denied);
  CHECK((*reader)->add_checkpoint({1, "x"}).error().code == ErrorCode::denied);
  CHECK((*reader)->begin_push_and_wait(intent("p2", {update('0', '1')})).error().code == ErrorCode::denied);
  REQUIRE(store->append_and_wait(entry(EntryKind::fetch)));
  CHECK((*reader)->list_audit({})->size() == 3);
}

TEST_CASE("a second writer of one instance is refused") {
  Opened store(any_backend());
  const auto second = open_store(store.url, {});
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::conflict);
}

TEST_CASE("many threads write and read at once and the chain is whole") {
  Opened store(any_backend());
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::atomic<int> failures{0};
  std::atomic<int> settled_first{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string push = "p" + std::to_string(i);  // every thread wants the same pushes
        (void)store->begin_push_and_wait(intent(push, {update('0', '1')}));
        const auto settled = store->settle_push_and_wait(outcome(push, {update('0', '1')}, {id('1')}));
        if (!settled) {
          ++failures;
        } else if (settled->first) {
          ++settled_first;
        }
        if (!store->append_soon(entry(EntryKind::advertise, "t" + std::to_string(t)))) ++failures;
        if (!store->append_and_wait(entry(EntryKind::fetch))) ++failures;
        if (!store->accepted_pushes({}) || !store->heads() || !store->open_pushes()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(settled_first == kEach);
  store.open();
  CHECK(whole_chain(*store).size() == kEach * 2 + kThreads * kEach * 2);
  CHECK(store->accepted_pushes({})->pushes.size() == kEach);
  CHECK(store->check_tables()->empty());
}

TEST_CASE("an unknown scheme names the accepted ones and shows no password") {
  const auto opened = open_store("mysql://user:secret@db/x");
  REQUIRE(!opened);
  CHECK(opened.error().code == ErrorCode::bad_usage);
  CHECK(opened.error().message == "store URL with scheme 'mysql': accepted is sqlite:/path/to/file.db");
}
