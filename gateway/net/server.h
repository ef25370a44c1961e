// The HTTP/1.1 server that faces clients: one set of listeners, one shard per EventLoop.
//
// A request is an Exchange, handed to a handler coroutine as soon as its headers are whole. Bodies stream both ways
// with back-pressure: nothing is read from the client before the handler asks, and nothing is held beyond one piece.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/file.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/event_loop.h"
#include "gateway/net/task.h"

namespace postern::net {

// Value: who is at the other end of the socket.
struct Peer {
  bool is_unix = false;
  std::string address;  // numeric IP; empty for a Unix socket
  uid_t uid = 0;        // SO_PEERCRED; meaningful only where is_unix
  gid_t gid = 0;
  pid_t pid = 0;
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Value: the head of an answer. `length`: bytes of the body; none: chunked (HTTP/1.0: until close).
struct ResponseHead {
  int status = 200;
  HeaderList headers;
  std::optional<std::uint64_t> length;
};

// One request and its answer. Guarded resource of the shard's thread; the handler keeps it alive as long as it likes,
// also after the client went away: then reads and writes give `unavailable` and the rest does nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;  // as sent, with its query
  // The only header of that name (any case); nullopt when there is none or more than one.
  virtual std::optional<std::string_view> header(std::string_view name) const = 0;
  virtual std::size_t header_count(std::string_view name) const = 0;
  virtual const Peer& peer() const = 0;
  virtual bool has_body() const = 0;  // a Content-Length above 0, or chunked
  virtual std::optional<std::uint64_t> content_length() const = 0;

  // co_await read(): the next piece of the body, valid until the next read(); nullopt at its end. invalid_input: the
  // body broke the protocol (trailers); timeout or unavailable: the client is too slow, or gone. The first read() is
  // what answers `Expect: 100-continue`.
  struct Read {
    Exchange& exchange;
    bool await_ready() const { return exchange.begin_read(); }
    void await_suspend(std::coroutine_handle<> waiter) const { exchange.wait_read(waiter); }
    Result<std::optional<std::string_view>> await_resume() const { return exchange.take_read(); }
  };
  Read read() { return Read{*this}; }

  // Answers with a body in hand. What the client still sends is read and dropped first, up to the drain limit; a
  // client that sends more, or that waits for 100-continue, is answered at once or cut off.
  virtual void respond(int status, HeaderList headers, std::string body) = 0;
  void set_drain_limit(std::uint64_t bytes) { drain_limit_ = bytes; }

  // Answers piece by piece: start(), then write()s, then finish(). The piece given to write() must live until it is
  // awaited. unavailable: the client is gone.
  virtual void start(ResponseHead head) = 0;
  struct Write {
    Exchange& exchange;
    std::string_view piece;
    bool await_ready() const { return exchange.begin_write(piece); }
    void await_suspend(std::coroutine_handle<> waiter) const { exchange.wait_write(waiter); }
    Status await_resume() const { return exchange.take_write(); }
  };
  Write write(std::string_view piece) { return Write{*this, piece}; }
  virtual void finish() = 0;
  // Cuts the connection: the client must not take what it got for the whole answer.
  virtual void abort() = 0;

  virtual bool answered() const = 0;  // respond() or start() was called
  virtual bool gone() const = 0;      // the client left, or abort() was called

 protected:
  virtual bool begin_read() = 0;
  virtual void wait_read(std::coroutine_handle<> waiter) = 0;
  virtual Result<std::optional<std::string_view>> take_read() = 0;
  virtual bool begin_write(std::string_view piece) = 0;
  virtual void wait_write(std::coroutine_handle<> waiter) = 0;
  virtual Status take_write() = 0;

  std::uint64_t drain_limit_ = std::uint64_t{1} << 20;
};

// A socket that listens. Shards share it.
class Listener {
 public:
  // A numeric address without brackets; port 0 takes any free one.
  static Result<Listener> tcp(const std::string& address, std::uint16_t port);
  // Replaces a socket file that nobody listens on; conflict when somebody does. `mode`: of the socket file.
  static Result<Listener> unix_socket(const std::string& path, mode_t mode);

  int fd() const { return fd_.get(); }
  bool is_unix() const { return !path_.empty(); }
  std::uint16_t port() const { return port_; }
  // Takes the socket file away; nothing for TCP.
  void remove_file() const;

 private:
  FileDescriptor fd_;
  std::string path_;
  std::uint16_t port_ = 0;
};

// What libmicrohttpd does not watch for us.
struct ServerOptions {
  unsigned connection_limit = 20000;  // per shard
  std::chrono::milliseconds header_deadline{std::chrono::seconds(20)};
  std::chrono::milliseconds idle_deadline{std::chrono::seconds(75)};  // between requests of a connection
  std::chrono::milliseconds body_window{std::chrono::seconds(30)};    // in each window of a body …
  std::uint64_t body_window_bytes = 1024;                             // … at least so much must come
  std::chrono::milliseconds write_deadline{std::chrono::seconds(120)};
  std::string tls_certificate;  // PEM text; empty: no TLS on TCP listeners
  Secret tls_key;
};

// One shard's server. Belongs to its loop's thread.
class Server {
 public:
  // Never throws; what it leaves unanswered is cut off. `Exchange` outlives the coroutine by itself.
  using Handler = std::function<Task<void>(std::shared_ptr<Exchange>)>;

  virtual ~Server() = default;  // stop() must have ended, or no exchange be open
  virtual void stop_accepting() = 0;
  virtual std::size_t open_exchanges() const = 0;
  virtual void abort_all() = 0;  // cuts every exchange off
};

// The listeners must outlive the server.
Result<std::unique_ptr<Server>> make_server(EventLoop& loop, const std::vector<Listener>& listeners,
                                            const ServerOptions& options, Server::Handler handler);

}  // namespace postern::net
