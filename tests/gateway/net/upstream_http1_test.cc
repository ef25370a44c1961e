#include "gateway/net/upstream_http1.h"

#include <catch2/catch.hpp>

#include "gateway/net/workers.h"
#include "tests/gateway/net/shard_fixture.h"

namespace postern::net {
namespace {

using namespace std::chrono_literals;

// A server that follows a script: each connection is one call of `talk` on a thread of its own.
class ScriptedUpstream {
 public:
  // A connection as the script sees it.
  struct Talk {
    int fd;
    int number;  // of this connection, from 0
    std::string read_until(std::string_view end) {
      std::string text;
      char c = 0;
      while (!text.ends_with(end) && ::recv(fd, &c, 1, 0) == 1) text += c;
      return text;
    }
    void write(std::string_view text) { (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
  };

  explicit ScriptedUpstream(std::function<void(Talk&)> talk) : listener_(std::move(*Listener::tcp("127.0.0.1", 0))) {
    if (::pipe(stop_) != 0) std::abort();
    thread_ = std::thread([this, talk = std::move(talk)] {
      for (int number = 0;; ++number) {
        pollfd ready[2] = {{listener_.fd(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
        if (::poll(ready, 2, 20000) <= 0 || ready[1].revents != 0) break;
        const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) break;
        ++connections_;
        talks_.emplace_back([fd, number, talk] {
          const timeval limit{10, 0};
          ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
          Talk one{fd, number};
          talk(one);
          ::close(fd);
        });
      }
    });
  }
  ~ScriptedUpstream() {
    (void)!::write(stop_[1], "x", 1);
    thread_.join();
    for (std::thread& talk : talks_) talk.join();
    ::close(stop_[0]);
    ::close(stop_[1]);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }
  int connections() const { return connections_; }

 private:
  int stop_[2] = {-1, -1};
  Listener listener_;
  std::atomic<int> connections_{0};
  std::thread thread_;
  std::vector<std::thread> talks_;
};

// What a test asks, run on a loop to its end.
class Shard {
 public:
  explicit Shard(const std::string& url, UpstreamOptions options = {}) : loop_(std::move(*EventLoop::make())) {
    upstream_ = std::move(*Upstream::make(*loop_, url, options));
  }
  // "status body" or "error code: message".
  std::string ask(UpstreamRequest request, std::vector<std::string> body = {}) {
    std::string result;
    bool ended = false;
    spawn(run(std::move(request), std::move(body), result, ended));
    for (int i = 0; i < 200 && !ended; ++i) loop_->run_once(100ms);
    return ended ? result : "NEVER ENDED";
  }
  EventLoop& loop() { return *loop_; }

 private:
  Task<void> run(UpstreamRequest request, std::vector<std::string> body, std::string& result, bool& ended) {
    Result<std::string> answer = co_await talk(std::move(request), std::move(body));
    result = answer ? *answer : "error " + std::string(to_string(answer.error().code)) + ": " + answer.error().message;
    ended = true;
  }
  Task<Result<std::string>> talk(UpstreamRequest request, std::vector<std::string> body) {
    const bool has_body = request.has_body;
    Result<std::unique_ptr<UpstreamCall>> call = fail(ErrorCode::internal, "not asked");
    if (has_body) {
      call = co_await upstream_->open(std::move(request));
      if (!call) co_return fail(call.error());
      for (const std::string& piece : body) {
        Status sent = co_await (*call)->send(piece);
        if (!sent) co_return fail(sent.error());
      }
      Status ended = co_await (*call)->end();
      if (!ended) co_return fail(ended.error());
    } else {
      call = co_await upstream_->ask(std::move(request));
      if (!call) co_return fail(call.error());
    }
    Result<const UpstreamResponse*> response = co_await (*call)->response();
    if (!response) co_return fail(response.error());
    std::string text = std::to_string((*response)->status) + " ";
    while (true) {
      Result<std::optional<std::string_view>> piece = co_await (*call)->read();
      if (!piece) co_return fail(piece.error());
      if (!*piece) break;
      text.append(**piece);
    }
    co_return std::move(text);
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Upstream> upstream_;
};

UpstreamRequest post(std::optional<std::uint64_t> length) {
  UpstreamRequest request;
  request.method = "POST";
  request.target = "/p";
  request.has_body = true;
  request.length = length;
  return request;
}

TEST_CASE("a request goes out in one spelling and its answer comes back") {
  std::string seen;
  {
    ScriptedUpstream upstream([&](auto& talk) {
      seen = talk.read_until("\r\n\r\n");
      talk.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
    Shard shard(upstream.url());
    UpstreamRequest request;
    request.target = "/x?y=z";
    request.headers = {{"A", "b"}};
    CHECK(shard.ask(request) == "200 hello");
    CHECK(seen == "GET /x?y=z HTTP/1.1\r\nHost: " + upstream.url().substr(7) + "\r\nA: b\r\n\r\n");
  }
}

TEST_CASE("a body goes out with its length or in chunks of our own") {
  std::string seen;
  ScriptedUpstream upstream([&](auto& talk) {
    const std::string head = talk.read_until("\r\n\r\n");
    seen = head.find("chunked") != std::string::npos ? talk.read_until("0\r\n\r\n") : talk.read_until("lo");
    talk.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  });
  Shard shard(upstream.url());
  CHECK(shard.ask(post(5), {"hel", "lo"}) == "200 ok");
  CHECK(seen == "hello");
  CHECK(shard.ask(post(std::nullopt), {"hel", "", "lo"}) == "200 ok");
  CHECK(seen == "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
}

TEST_CASE("a body that is not as long as announced is an error") {
  ScriptedUpstream upstream([&](auto& talk) { talk.read_until("never"); });
  Shard shard(upstream.url());
  CHECK(shard.ask(post(5), {"hello!"}).starts_with("error internal"));
  CHECK(shard.ask(post(5), {"hell"}).starts_with("error internal"));
}

TEST_CASE("a connection is kept for the next request") {
  ScriptedUpstream upstream([&](auto& talk) {
    while (!talk.read_until("\r\n\r\n").empty()) talk.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  {
    Shard shard(upstream.url());
    for (int i = 0; i < 5; ++i) CHECK(shard.ask({}) == "200 ok");
  }
  CHECK(upstream.connections() == 1);
}

TEST_CASE("a kept connection that died is replaced for a request without a body") {
  ScriptedUpstream upstream([&](auto& talk) {
    talk.read_until("\r\n\r\n");
    talk.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    // The first connection takes one more request and dies without a word.
    if (talk.number == 0) talk.read_until("\r\n\r\n");
  });
  Shard shard(upstream.url());
  CHECK(shard.ask({}) == "200 ok");
  CHECK(shard.ask({}) == "200 ok");
  CHECK(upstream.connections() == 2);
}

TEST_CASE("a request with a body is never sent twice") {
  std::atomic<int> posts{0};
  ScriptedUpstream upstream([&](auto& talk) {
    talk.read_until("\r\n\r\n");
    talk.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (talk.read_until("hello").ends_with("hello")) ++posts;
  });
  Shard shard(upstream.url());
  CHECK(shard.ask({}) == "200 ok");
  CHECK(shard.ask(post(5), {"hello"}).starts_with("error unavailable"));
  CHECK(upstream.connections() == 1);
  CHECK(posts == 1);
}

TEST_CASE("an answer that comes before the body was taken is still given") {
  ScriptedUpstream upstream([&](auto& talk) {
    talk.read_until("\r\n\r\n");
    talk.write("HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    std::this_thread::sleep_for(300ms);  // without reading, then closed with bytes unread: a reset
  });
  Shard shard(upstream.url());
  const std::vector<std::string> body(300, std::string(100000, 'b'));
  CHECK(shard.ask(post(std::nullopt), body) == "403 no");
}

TEST_CASE("an upstream that answered and takes no more is given up after its grace") {
  std::promise<void> over;
  {
    ScriptedUpstream upstream([&](auto& talk) {
      talk.read_until("\r\n\r\n");
      talk.write("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
      over.get_future().wait_for(10s);
    });
    UpstreamOptions options;
    options.early_grace = 200ms;
    Shard shard(upstream.url(), options);
    const std::vector<std::string> body(300, std::string(100000, 'b'));
    CHECK(shard.ask(post(std::nullopt), body) == "403 no");
    over.set_value();
  }
}

TEST_CASE("an upstream that says nothing is a timeout") {
  std::promise<void> over;
  {
    ScriptedUpstream upstream([&](auto& talk) {
      talk.read_until("\r\n\r\n");
      over.get_future().wait_for(10s);
    });
    UpstreamOptions options;
    options.response_timeout = 200ms;
    Shard shard(upstream.url(), options);
    CHECK(shard.ask({}).starts_with("error timeout"));
    over.set_value();
  }
}

TEST_CASE("an upstream that is not there is unavailable") {
  std::uint16_t port = 0;
  {
    Result<Listener> listener = Listener::tcp("127.0.0.1", 0);
    port = listener->port();
  }
  Shard shard("http://127.0.0.1:" + std::to_string(port));
  CHECK(shard.ask({}).starts_with("error unavailable"));
}

TEST_CASE("an answer cut short is an error and never a shorter answer") {
  ScriptedUpstream upstream([&](auto& talk) {
    talk.read_until("\r\n\r\n");
    talk.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  });
  Shard shard(upstream.url());
  CHECK(shard.ask({}).starts_with("error invalid_input"));
}

TEST_CASE("bytes after an answer spoil the connection") {
  ScriptedUpstream upstream([&](auto& talk) {
    while (!talk.read_until("\r\n\r\n").empty()) {
      talk.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    }
  });
  Shard shard(upstream.url());
  CHECK(shard.ask({}) == "200 ok");
  CHECK(shard.ask({}) == "200 ok");
  CHECK(upstream.connections() == 2);
}

TEST_CASE("upstream URLs that cannot be followed are refused") {
  auto loop = std::move(*EventLoop::make());
  for (const char* url : {"https://x", "ftp://x", "http://", "http://x/y", "http://u@x", "127.0.0.1:3000"}) {
    INFO(url);
    CHECK_FALSE(Upstream::make(*loop, url));
  }
}

}  // namespace
}  // namespace postern::net
