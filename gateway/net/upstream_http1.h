// The data path's HTTP/1.1 client: one upstream, plain TCP on this host, a pool of kept connections per shard.
//
// Bodies stream both ways; at most one piece each way is held. What the upstream answers before it was sent the whole
// body is held (up to a limit) until the body was sent or the upstream stops taking it. A request with a body is never
// sent twice.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/event_loop.h"
#include "gateway/net/response_parser.h"
#include "gateway/net/task.h"

namespace postern::net {

struct UpstreamOptions {
  std::chrono::milliseconds connect_timeout{std::chrono::seconds(10)};
  std::chrono::milliseconds send_timeout{std::chrono::seconds(120)};     // without one byte taken
  std::chrono::milliseconds early_grace{std::chrono::seconds(5)};        // an upstream that answered and takes no more
  std::chrono::milliseconds response_timeout{std::chrono::minutes(11)};  // silence before and within an answer
  std::chrono::milliseconds idle_timeout{std::chrono::seconds(20)};      // of a kept connection
  std::chrono::milliseconds idle_for_bodies{std::chrono::seconds(1)};    // older ones get no request with a body
  std::size_t idle_connections = 128;
  std::size_t early_bytes = std::size_t{256} << 10;
};

// Value: what is asked. Host, Connection and the framing headers are put in by the client.
struct UpstreamRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // must hold neither CR nor LF
  bool has_body = false;
  std::optional<std::uint64_t> length;  // of the body; none: chunked
};

class Upstream;
class UpstreamConnection;

// One request under way; belongs to the shard's thread. Destroyed before its answer was read whole, its connection is
// closed. One operation at a time.
class UpstreamCall : public internal::FromSpareFrames {
 public:
  UpstreamCall(Upstream& upstream, std::unique_ptr<UpstreamConnection> connection);
  ~UpstreamCall();
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

  // co_await send(piece): a piece of the body, which must live until then. unavailable, timeout: the upstream is gone
  // and said nothing. A body longer than announced is internal.
  struct Send {
    UpstreamConnection& connection;
    std::string_view piece;
    bool last;
    bool await_ready() const;
    void await_suspend(std::coroutine_handle<> waiter) const;
    Status await_resume() const;
  };
  Send send(std::string_view piece) { return Send{*connection_, piece, false}; }
  // co_await end(): the body is whole. Must be awaited also for a request without a body.
  Send end() { return Send{*connection_, {}, true}; }

  // co_await response(): the head of the answer; valid while this call lives.
  struct Head {
    UpstreamConnection& connection;
    bool await_ready() const;
    void await_suspend(std::coroutine_handle<> waiter) const;
    Result<const UpstreamResponse*> await_resume() const;
  };
  Head response() { return Head{*connection_}; }

  // co_await read(): the next piece of the answer's body, valid until the next read(); nullopt at its end.
  struct Read {
    UpstreamConnection& connection;
    bool await_ready() const;
    void await_suspend(std::coroutine_handle<> waiter) const;
    Result<std::optional<std::string_view>> await_resume() const;
  };
  Read read() { return Read{*connection_}; }

  // True when the upstream answered and took no more of the body.
  bool answered_early() const;

 private:
  friend class Upstream;
  Upstream& upstream_;
  std::unique_ptr<UpstreamConnection> connection_;
};

// One upstream as one shard sees it. Must outlive its calls.
class Upstream {
 public:
  // "http://host[:port]", without a path. The name is resolved here, once. unsupported: https.
  static Result<std::unique_ptr<Upstream>> make(EventLoop& loop, std::string_view url, UpstreamOptions options = {});
  ~Upstream();

  // Connects (or takes a kept connection) and begins the request; the head goes out with the first piece of the body.
  Task<Result<std::unique_ptr<UpstreamCall>>> open(UpstreamRequest request);
  // A request without a body, up to the head of its answer; sent once more when a kept connection turns out dead.
  Task<Result<std::unique_ptr<UpstreamCall>>> ask(UpstreamRequest request);

  // Ends everything under way with `unavailable`.
  void close_all();
  std::size_t active() const { return active_.size(); }

 private:
  friend class UpstreamCall;
  friend class UpstreamConnection;
  struct Address;

  Upstream(EventLoop& loop, UpstreamOptions options);
  Task<Result<std::unique_ptr<UpstreamConnection>>> connect();
  Task<Result<std::unique_ptr<UpstreamCall>>> open(const UpstreamRequest& request, std::string head);
  std::string head_of(const UpstreamRequest& request) const;
  std::unique_ptr<char[]> take_buffer();
  void give_back_buffer(std::unique_ptr<char[]> buffer);
  std::unique_ptr<UpstreamConnection> take_idle(bool for_body);
  void give_back(std::unique_ptr<UpstreamConnection> connection);
  void drop_idle(UpstreamConnection& connection);

  EventLoop& loop_;
  UpstreamOptions options_;
  std::string host_header_;
  std::vector<Address> addresses_;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;
  std::vector<UpstreamConnection*> active_;
  std::vector<std::unique_ptr<char[]>> buffers_;  // spare ones
};

}  // namespace postern::net
