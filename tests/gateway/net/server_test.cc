#include "gateway/net/server.h"

#include <catch2/catch.hpp>

#include "gateway/net/workers.h"
#include "tests/gateway/net/shard_fixture.h"

namespace postern::net {
namespace {

using namespace std::chrono_literals;

// A server whose handler does what the path says.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    listeners_.push_back(std::move(*Listener::tcp("127.0.0.1", 0)));
    start(options);
  }
  explicit TestServer(const std::string& path) {
    listeners_.push_back(std::move(*Listener::unix_socket(path, 0600)));
    start({});
  }
  ~TestServer() {
    thread_.on_loop([this] { server_.reset(); });
    for (const Listener& listener : listeners_) listener.remove_file();
  }
  std::uint16_t port() const { return listeners_[0].port(); }
  std::string last_read_error() {
    std::string error;
    thread_.on_loop([&] { error = read_error_; });
    return error;
  }
  // CPU time of the loop's thread so far.
  std::chrono::nanoseconds spent() {
    timespec now{};
    thread_.on_loop([&] { ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); });
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
  std::size_t open_exchanges() {
    std::size_t open = 0;
    thread_.on_loop([&] { open = server_->open_exchanges(); });
    return open;
  }
  std::size_t open_now() const { return server_->open_exchanges(); }  // on the loop's thread
  // True once `condition` holds on the loop's thread; false after ten seconds.
  bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
      bool holds = false;
      thread_.on_loop([&] { holds = condition(); });
      if (holds) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  std::size_t written_ = 0;
  std::string read_error_;

 private:
  void start(const ServerOptions& options) {
    thread_.on_loop([&] {
      server_ = std::move(*make_server(thread_.loop(), listeners_, options,
                                       [this](std::shared_ptr<Exchange> x) { return handle(std::move(x)); }));
    });
  }
  Task<void> handle(std::shared_ptr<Exchange> exchange) {
    const std::string path(exchange->target().substr(0, exchange->target().find('?')));
    if (path == "/early") {
      exchange->respond(401, {}, "who are you\n");
      co_return;
    }
    if (path == "/small-drain") {
      exchange->set_drain_limit(1000);
      exchange->respond(401, {}, "who are you\n");
      co_return;
    }
    if (path == "/slow-to-decide") co_await sleep_for(thread_.loop(), 1ms);
    if (path == "/other-thread") {
      // Answered by another thread in a moment: shorter than any timer of the loop.
      auto pause = [] {
        std::this_thread::sleep_for(200us);
        return true;
      };
      co_await on_worker(workers_, thread_.loop(), std::move(pause));
      exchange->respond(200, {}, "in a moment.\n");
      co_return;
    }
    if (path == "/later") {
      co_await sleep_for(thread_.loop(), 600ms);
      exchange->respond(200, {}, "later.\n");
      co_return;
    }
    if (path == "/stream" || path == "/abort") {
      exchange->start({200, {}, std::nullopt});
      const std::string piece(100000, 's');
      for (int i = 0; i < 200; ++i) {
        Status written = co_await exchange->write(piece);
        if (!written) co_return;
        written_ += piece.size();
        if (path == "/abort") {
          exchange->abort();
          co_return;
        }
      }
      exchange->finish();
      co_return;
    }
    std::string body;
    while (true) {
      Result<std::optional<std::string_view>> piece = co_await exchange->read();
      if (!piece) {
        read_error_ = std::string(to_string(piece.error().code)) + ": " + piece.error().message;
        exchange->respond(400, {}, "broken\n");
        co_return;
      }
      if (!*piece) break;
      if (path == "/hold") {
        // What was given must still stand there after others ran.
        const std::string before(**piece);
        co_await sleep_for(thread_.loop(), 1ms);
        if (before != **piece) body += "CHANGED";
      }
      body.append(**piece);
    }
    std::string answer = std::string(exchange->method()) + " " + std::string(exchange->target()) + " " +
                         (body.size() < 100 ? body : std::to_string(body.size())) + " " +
                         std::to_string(exchange->header("authorization").value_or("").size());
    if (exchange->peer().is_unix) answer += " uid " + std::to_string(exchange->peer().uid);
    if (body.size() >= 100 && body.find_first_not_of(body[0]) != std::string::npos) answer += " MIXED";
    answer += ".\n";
    exchange->respond(200, {}, answer);
  }

  LoopThread thread_;
  Workers workers_{2};
  std::vector<Listener> listeners_;
  std::unique_ptr<Server> server_;
};

std::string chunked(std::string_view body, std::size_t piece) {
  std::string text;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, piece);
    body.remove_prefix(part.size());
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    text.append(size).append(part).append("\r\n");
  }
  return text + "0\r\n\r\n";
}

TEST_CASE("a body with a length arrives whole and the connection stays open") {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /echo?a=%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(client.receive(".\n").ends_with("POST /echo?a=%41 hello 0.\n"));
  client.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with("GET /again  0.\n"));
}

TEST_CASE("two requests sent at once are answered in order") {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with("GET /one  0.\n"));
  CHECK(client.receive(".\n").ends_with("GET /two  0.\n"));
}

TEST_CASE("a chunked body arrives whole whatever its pieces are") {
  TestServer server;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{100000}}) {
    RawClient client(server.port());
    const std::size_t bytes = piece == 1 ? 3000 : 500000;
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                chunked(std::string(bytes, 'b'), piece));
    CHECK(client.receive(".\n").ends_with("POST /echo " + std::to_string(bytes) + " 0.\n"));
  }
}

TEST_CASE("a piece that the handler holds does not change under it") {
  TestServer server;
  RawClient client(server.port());
  std::string body;
  for (int i = 0; i < 20; ++i) body += std::string(1000, static_cast<char>('a' + i));
  client.send("POST /hold HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 1500));
  const std::string answer = client.receive(".\n");
  CHECK(answer.find("20000") != std::string::npos);
  CHECK(answer.find("CHANGED") == std::string::npos);
}

TEST_CASE("what two readers could frame differently is 400") {
  TestServer server;
  const std::vector<std::string> heads{
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
      "POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer a\r\n\r\n",
      "GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
      "GET /echo HTTP/1.1\r\n\r\n",
  };
  for (const std::string& head : heads) {
    INFO(head);
    RawClient client(server.port());
    client.send(head);
    CHECK(client.receive("\r\n").starts_with("HTTP/1.1 400"));
  }
}

TEST_CASE("a body that ends with trailers is an error to its reader") {
  TestServer server;
  RawClient client(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n");
  CHECK(client.receive("broken\n").starts_with("HTTP/1.1 400"));
  CHECK(server.last_read_error().starts_with("invalid_input"));
}

TEST_CASE("an Authorization header of 24 KiB fits with a body behind it") {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + std::string(24 * 1024, 't') +
              "\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'b'));
  CHECK(client.receive(".\n").ends_with("POST /echo 100000 24583.\n"));
}

TEST_CASE("100-continue is answered when the handler asks for the body and not before") {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /slow-to-decide HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  CHECK(client.receive(".\n").ends_with("hello 0.\n"));
}

TEST_CASE("a refusal needs no 100-continue") {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive("who are you\n").starts_with("HTTP/1.1 401"));
}

TEST_CASE("an early answer waits for the rest of the body and keeps the connection") {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(100000, 'b'));
  CHECK(client.receive("\n", 200ms).empty());
  client.send(std::string(100000, 'b'));
  CHECK(client.receive("who are you\n").starts_with("HTTP/1.1 401"));
  client.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with("GET /again  0.\n"));
}

TEST_CASE("a body beyond the drain limit is not read to its end") {
  TestServer server;
  RawClient announced(server.port());
  announced.send("POST /small-drain HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
  CHECK(announced.receive("who are you\n").starts_with("HTTP/1.1 401"));
  RawClient endless(server.port());
  endless.send("POST /small-drain HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  endless.send(chunked(std::string(100000, 'b'), 1000));
  endless.receive_all();
  CHECK(endless.closed());
}

TEST_CASE("a stream waits for a client that does not read") {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive("\r\n\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
  std::this_thread::sleep_for(100ms);
  std::size_t held = 0;
  CHECK(server.eventually([&] {
    held = server.written_;
    return held > 0;
  }));
  CHECK(held < 20000000);
  const std::string body = client.receive("\r\n0\r\n\r\n");
  CHECK(std::count(body.begin(), body.end(), 's') == 20000000);
}

TEST_CASE("an aborted answer does not look like a whole one") {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /abort HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.receive_all();
  CHECK(client.closed());
  CHECK(answer.find("\r\n0\r\n\r\n") == std::string::npos);
}

TEST_CASE("a head that does not end is cut off") {
  ServerOptions options;
  options.header_deadline = 300ms;
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send("GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  client.receive_all();
  CHECK(client.closed());
}

TEST_CASE("a body that does not come is cut off and its reader hears of it") {
  ServerOptions options;
  options.body_window = 300ms;
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  client.receive_all();
  CHECK(client.closed());
  CHECK(server.eventually([&] { return server.read_error_.starts_with("unavailable"); }));
}

// When the end comes together with the last bytes, libmicrohttpd does not see it (it reads until it got less than it
// asked for, on an edge-triggered socket); then the body's window is what ends the request.
TEST_CASE("a client that leaves in the middle of its body is noticed") {
  ServerOptions options;
  options.body_window = 500ms;
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.close();
  CHECK(server.eventually([&] { return server.read_error_.starts_with("unavailable"); }));
  CHECK(server.open_exchanges() == 0);
}

TEST_CASE("an idle connection is closed after its time") {
  ServerOptions options;
  options.idle_deadline = 300ms;
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive(".\n");
  client.receive_all();
  CHECK(client.closed());
}

TEST_CASE("the peer of a Unix socket is known by its user id") {
  const std::string path = "/tmp/postern-server-test-" + std::to_string(::getpid()) + ".sock";
  TestServer server(path);
  RawClient client(path);
  client.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with(" uid " + std::to_string(::getuid()) + ".\n"));
  Result<Listener> second = Listener::unix_socket(path, 0600);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::conflict);
}

TEST_CASE("many connections that wait for a moment each are all answered and again") {
  TestServer server;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(server.port()));
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client->send("GET /other-thread HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto& client : clients) CHECK(client->receive(".\n").ends_with("in a moment.\n"));
  }
}

TEST_CASE("requests that wait in one go with such as do not") {
  TestServer server;
  RawClient slow(server.port());
  RawClient body(server.port());
  slow.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int i = 0; i < 50; ++i) {
    body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    std::this_thread::sleep_for(100us);
    body.send("llo");
    CHECK(body.receive(".\n").ends_with("POST /echo hello 0.\n"));
  }
  CHECK(slow.receive(".\n").ends_with("later.\n"));
}

TEST_CASE("a head that comes in pieces while others wait is read to its end") {
  TestServer server;
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(std::make_unique<RawClient>(server.port()));
    waiting.back()->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  RawClient client(server.port());
  client.send("GET /echo HTTP/1.1\r\nHost: x\r\nAuthorization: " + std::string(24000, 'a') + "\r\n\r\n");
  CHECK(client.receive(".\n", 400ms).ends_with("GET /echo  24000.\n"));
  for (auto& one : waiting) CHECK(one->receive(".\n").ends_with("later.\n"));
}

TEST_CASE("a request that waits long does not keep the loop busy") {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /other-thread HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive(".\n");
  const auto before = server.spent();
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with("later.\n"));
  CHECK(server.spent() - before < 200ms);
}

TEST_CASE("a client that leaves while its answer is awaited harms nobody") {
  TestServer server;
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.port());
    client.send(i % 2 == 0 ? "GET /other-thread HTTP/1.1\r\nHost: x\r\n\r\n"
                           : "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i % 3 == 0) std::this_thread::sleep_for(100us);
    client.close();
  }
  RawClient client(server.port());
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive(".\n").ends_with("later.\n"));
  CHECK(server.eventually([&] { return server.open_now() == 0; }));
}

TEST_CASE("what stands in the way of a socket is not deleted unless it is a dead socket") {
  const std::string path = "/tmp/postern-server-test-file-" + std::to_string(::getpid());
  REQUIRE(create_file(path, "precious", 0600));
  Result<Listener> refused = Listener::unix_socket(path, 0600);
  REQUIRE_FALSE(refused);
  CHECK(read_file(path, 100).value() == "precious");
  ::unlink(path.c_str());
  {
    Result<Listener> dead = Listener::unix_socket(path, 0600);
  }
  Result<Listener> again = Listener::unix_socket(path, 0600);
  CHECK(again);
  if (again) again->remove_file();
}

}  // namespace
}  // namespace postern::net
