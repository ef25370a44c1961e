// What the keeper makes of pushes whose gateway died, with a clock that stands still and an upstream that only shows
// its refs.
#include "gateway/app/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "gateway/base/log.h"
#include "gateway/git/pkt_line.h"
#include "gateway/net/server.h"

namespace postern::app {
namespace {

const std::string kPush(32, 'a');
const std::string kOld(40, '1');
const std::string kNew(40, '2');
const std::string kMain = "refs/heads/main";

git::RefUpdate main_moves() { return {*git::ObjectId::parse(kOld), *git::ObjectId::parse(kNew), kMain}; }

// Shows where main stands, to whoever asks.
class RefsUpstream {
 public:
  RefsUpstream() : listener_(std::move(*net::Listener::tcp("127.0.0.1", 0))) {
    thread_ = std::thread([this] {
      while (!stopping_) {
        pollfd ready{listener_.fd(), POLLIN, 0};
        if (::poll(&ready, 1, 50) <= 0) continue;
        const FileDescriptor client(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        std::string request;
        char c = 0;
        while (!request.ends_with("\r\n\r\n") && ::recv(client.get(), &c, 1, 0) == 1) request += c;
        ++asked_;
        std::string body;
        git::append_pkt(body, "# service=git-receive-pack\n");
        body += "0000";
        git::append_pkt(body, (moved_ ? kNew : kOld) + " " + kMain + std::string(1, '\0') + "report-status\n");
        body += "0000";
        const std::string answer =
            "HTTP/1.1 200 OK\r\nConnection: close\r\n"
            "Content-Type: application/x-git-receive-pack-advertisement\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        (void)::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    });
  }
  ~RefsUpstream() {
    stopping_ = true;
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }
  void move_main() { moved_ = true; }
  int asked() const { return asked_; }

 private:
  net::Listener listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> moved_{false};
  std::atomic<int> asked_{0};
  std::thread thread_;
};

// A gateway that has just been started again: one push was begun by the one before it.
struct Restarted {
  Restarted() : directory(make_directory()), spool(directory.string()) {
    log::set_level(log::Level::error);
    store = std::move(*store::open_store("sqlite:" + directory.string() + "/p.db"));
    auto loaded = std::make_shared<InForce>();
    loaded->config.upstream.url = upstream.url();
    loaded->config.upstream.hook_timeout = std::chrono::minutes(10);
    in_force = loaded;
    keeper = std::move(*Keeper::make({clock, *store, refusals, spool, workers, lfs_uploads, in_flight, metrics},
                                     [this] { return in_force; }));
    store::PushIntent intent;
    intent.id = kPush;
    intent.commands = {main_moves()};
    intent.entry.at = clock.wall();
    intent.entry.repository = "platform/policies";
    intent.entry.rule = "orders";
    REQUIRE(store->begin_push_and_wait(std::move(intent)));
    clock.advance(std::chrono::seconds(3));
  }
  ~Restarted() {
    keeper.reset();
    store.reset();
    std::filesystem::remove_all(directory);
  }
  static std::filesystem::path make_directory() {
    char name[] = "/tmp/postern-keeper-test-XXXXXX";
    return ::mkdtemp(name);
  }

  void hook_says(bool yes) {
    spool::Verdict verdict;
    verdict.id = kPush;
    verdict.repository = "platform/policies";
    verdict.mode = "enforce";
    verdict.accepted = yes;
    verdict.commands = {{main_moves(), yes, yes ? "" : "no", "", false}};
    verdict.new_commits = {kNew};
    verdict.at = clock.wall();
    REQUIRE(spool.write_verdict(verdict));
  }
  void post_receive_ran() { REQUIRE(spool.write_done({kPush, "platform/policies", {main_moves()}, clock.wall()})); }
  bool is_open() { return !store->open_pushes()->empty(); }
  std::vector<store::AcceptedPush> accepted() { return store->accepted_pushes({})->pushes; }
  std::string settled_by() {
    store::AuditQuery query;
    query.kinds = {audit::EntryKind::push_outcome};
    const auto records = store->list_audit(query);
    REQUIRE(records->size() == 1);
    return *audit::parse_entry(records->front().record.bytes)->detail.find_string("settled_by");
  }

  std::filesystem::path directory;
  ManualClock clock{*parse_rfc3339("2026-11-22T18:00:00Z")};
  RefsUpstream upstream;
  std::unique_ptr<store::Store> store;
  audit::RefusalAggregator refusals;
  spool::Spool spool;
  net::Workers workers{1};
  LfsUploads lfs_uploads;
  InFlight in_flight;
  Metrics metrics;
  std::shared_ptr<const InForce> in_force;
  std::unique_ptr<Keeper> keeper;
};

// What is written to standard error meanwhile.
class StandardError {
 public:
  StandardError() : file_(std::tmpfile()), before_(::dup(STDERR_FILENO)) { ::dup2(::fileno(file_), STDERR_FILENO); }
  ~StandardError() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    std::fclose(file_);
  }
  std::size_t count(std::string_view word) {
    std::string text(65536, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(::fileno(file_), text.data(), text.size(), 0))));
    std::size_t found = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }

 private:
  std::FILE* file_;
  int before_;
};

// A line each second fills the disk by morning.
TEST_CASE("what fails in every round is told when it begins and ends and not each time") {
  Restarted gateway;
  log::set_level(log::Level::info);
  StandardError said;
  gateway.keeper->round();
  CHECK(said.count("spool.list") == 0);
  const std::string away = gateway.directory.string() + "-away";
  std::filesystem::rename(gateway.directory, away);
  for (int i = 0; i < 10; ++i) {
    gateway.keeper->round();
    gateway.clock.advance(std::chrono::seconds(1));
  }
  CHECK(said.count("spool.list") == 1);
  gateway.clock.advance(std::chrono::minutes(5));
  gateway.keeper->round();
  CHECK(said.count("spool.list") == 2);
  std::filesystem::rename(away, gateway.directory);
  gateway.keeper->round();
  gateway.keeper->round();
  CHECK(said.count("works again") == 1);
}

// Attack 6 by way of a reload: a claim that goes while its ticket still holds lets that ticket in again.
TEST_CASE("a claim stays as long as any ticket can live whatever lifetime is configured now") {
  Restarted gateway;
  const std::string old_claim = std::string(31, 'b') + "1";
  const std::string spent_claim = std::string(31, 'b') + "2";
  const auto claimed_ago = [&](const std::string& id, std::chrono::hours ago) {
    REQUIRE(gateway.spool.claim(id));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(gateway.clock.wall() - ago).time_since_epoch();
    const timespec times[2] = {{seconds.count(), 0}, {seconds.count(), 0}};
    REQUIRE(::utimensat(AT_FDCWD, (gateway.directory / (id + ".claim")).c_str(), times, 0) == 0);
  };
  claimed_ago(old_claim, std::chrono::hours(48));
  claimed_ago(spent_claim, std::chrono::hours(50));
  gateway.keeper->round();
  CHECK(gateway.spool.is_claimed(old_claim));
  CHECK_FALSE(gateway.spool.is_claimed(spent_claim));
}

TEST_CASE("what post-receive left settles a push at the first look and asks nobody") {
  Restarted gateway;
  gateway.hook_says(true);
  gateway.post_receive_ran();
  gateway.keeper->round();
  CHECK_FALSE(gateway.is_open());
  CHECK(gateway.accepted().size() == 1);
  CHECK(gateway.settled_by() == "spool");
  CHECK(gateway.upstream.asked() == 0);
}

TEST_CASE("a push that the hook let in is settled as soon as its ref stands there") {
  Restarted gateway;
  gateway.hook_says(true);
  gateway.keeper->round();
  CHECK(gateway.is_open());  // receive-pack may still be running
  gateway.upstream.move_main();
  gateway.clock.advance(std::chrono::milliseconds(1100));
  gateway.keeper->round();
  CHECK_FALSE(gateway.is_open());
  REQUIRE(gateway.accepted().size() == 1);
  CHECK(gateway.accepted()[0].new_commits == std::vector<std::string>{kNew});
  CHECK_FALSE(gateway.accepted()[0].truncated);
  CHECK(gateway.settled_by() == "refs");
  CHECK_FALSE(gateway.spool.read_verdict(kPush)->has_value());
}

TEST_CASE("a push that the hook let in and whose ref stays is failed only when its time is over") {
  Restarted gateway;
  gateway.hook_says(true);
  for (int i = 0; i < 20; ++i) {
    gateway.keeper->round();
    CHECK(gateway.is_open());
    gateway.clock.advance(std::chrono::seconds(10));
  }
  CHECK(gateway.upstream.asked() < 15);  // ever more seldom
  gateway.clock.advance(std::chrono::minutes(10));
  gateway.keeper->round();
  CHECK_FALSE(gateway.is_open());
  CHECK(gateway.accepted().empty());
}

TEST_CASE("without a word of the hook a ref that moved proves nothing before the time is over") {
  Restarted gateway;
  gateway.upstream.move_main();
  gateway.keeper->round();
  CHECK(gateway.is_open());
  CHECK(gateway.upstream.asked() == 0);
  gateway.clock.advance(std::chrono::minutes(10));
  gateway.keeper->round();
  CHECK_FALSE(gateway.is_open());
  REQUIRE(gateway.accepted().size() == 1);
  CHECK(gateway.accepted()[0].truncated);
}

TEST_CASE("a push that the hook refused is settled at once whatever the refs say") {
  Restarted gateway;
  gateway.hook_says(false);
  gateway.upstream.move_main();
  gateway.keeper->round();
  CHECK_FALSE(gateway.is_open());
  CHECK(gateway.accepted().empty());
  CHECK(gateway.settled_by() == "verdict");
  CHECK(gateway.upstream.asked() == 0);
}

}  // namespace
}  // namespace postern::app
