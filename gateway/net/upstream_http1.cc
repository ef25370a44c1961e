#include "gateway/net/upstream_http1.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace postern::net {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kSpareBuffers = 16;

}  // namespace

struct Upstream::Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_INET;
};

// A connection and the one operation that is waited for on it. Edge-triggered: each operation goes on until the socket
// would block.
class UpstreamConnection final : Watcher {
 public:
  UpstreamConnection(Upstream& upstream, FileDescriptor fd)
      : upstream_(upstream), fd_(std::move(fd)), timer_(upstream.loop_, [this] { on_timer(); }) {
    upstream_.active_.push_back(this);
  }
  ~UpstreamConnection() {
    upstream_.give_back_buffer(std::move(buffer_));
    if (watched_) upstream_.loop_.unwatch(fd_.get(), *this);
    std::erase(upstream_.active_, this);
  }

  Status watch() {
    Status watched = upstream_.loop_.watch(fd_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
    watched_ = watched.has_value();
    return watched;
  }

  // -- a connection being made
  struct Connected {
    UpstreamConnection& connection;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const {
      connection.wait(Operation::connect, waiter, connection.upstream_.options_.connect_timeout);
    }
    Status await_resume() const { return std::move(connection.status_); }
  };
  Connected connected() { return Connected{*this}; }

  // -- a request
  void begin(std::string head, bool has_body, std::optional<std::uint64_t> length, bool head_request, bool reused) {
    reused_ = reused;
    head_ = std::move(head);
    has_body_ = has_body;
    chunked_ = has_body && !length;
    remaining_ = length.value_or(0);
    ended_ = false;
    send_dead_ = false;
    parser_.restart(head_request);
    received_any_ = false;
    held_.clear();
    in_ = {};
    eof_ = false;
    timer_.cancel();
  }

  bool begin_send(std::string_view piece, bool last) {
    status_ = {};
    if (failed_) {
      status_ = fail(*failed_);
      return true;
    }
    if (ended_ || send_dead_) {
      ended_ = ended_ || last;
      return true;
    }
    if (!last && piece.empty()) return true;
    if (has_body_ && !chunked_) {
      if (piece.size() > remaining_ || (last && remaining_ > 0)) {
        status_ = set_failed({ErrorCode::internal, "the body is not as long as was announced"});
        return true;
      }
      remaining_ -= piece.size();
    }
    std::size_t at = 0;
    auto add = [&](std::string_view bytes) {
      if (!bytes.empty()) out_[at++] = {const_cast<char*>(bytes.data()), bytes.size()};
    };
    add(head_);
    if (chunked_ && !piece.empty()) {
      const auto end = std::to_chars(chunk_line_.data(), chunk_line_.data() + 16, piece.size(), 16).ptr;
      end[0] = '\r';
      end[1] = '\n';
      add({chunk_line_.data(), static_cast<std::size_t>(end + 2 - chunk_line_.data())});
      add(piece);
      add("\r\n");
    } else {
      add(piece);
    }
    if (last && chunked_) add("0\r\n\r\n");
    out_count_ = at;
    out_at_ = 0;
    last_ = last;
    return push();
  }

  bool begin_head() {
    status_ = {};
    if (failed_) return true;
    if (!reading_) {
      reading_ = true;
      in_ = held_;
    }
    return pull_head();
  }

  bool begin_read() {
    status_ = {};
    if (failed_) return true;
    return pull_body();
  }

  void wait_send(std::coroutine_handle<> waiter) {
    wait(Operation::send, waiter, held_.empty() ? upstream_.options_.send_timeout : upstream_.options_.early_grace);
  }
  void wait_head(std::coroutine_handle<> waiter) { wait(Operation::head, waiter, upstream_.options_.response_timeout); }
  void wait_read(std::coroutine_handle<> waiter) { wait(Operation::read, waiter, upstream_.options_.response_timeout); }

  Status take_status() { return std::move(status_); }
  Result<const UpstreamResponse*> take_head() {
    if (failed_) return fail(*failed_);
    return &parser_.response();
  }
  Result<std::optional<std::string_view>> take_piece() {
    if (failed_) return fail(*failed_);
    if (piece_.empty()) return std::optional<std::string_view>();
    return std::optional<std::string_view>(piece_);
  }

  bool send_dead() const { return send_dead_; }
  bool reused() const { return reused_; }
  bool received_any() const { return received_any_; }

  // True when the next request may use it.
  bool reusable() const {
    return !failed_ && ended_ && !send_dead_ && !eof_ && parser_.body_done() && parser_.response().keep_alive &&
           in_.empty();
  }
  void become_idle() {
    idle_ = true;
    reading_ = false;
    upstream_.give_back_buffer(std::move(buffer_));
    held_ = {};
    idle_since_ = std::chrono::steady_clock::now();
    timer_.arm(upstream_.options_.idle_timeout);
    std::erase(upstream_.active_, this);
  }
  // False when it must not be used: bytes nobody asked for, or its end, are there already. Asked each time: the loop
  // may have seen them in this very round and come to the request first, which would get them as its answer.
  bool leave_idle() {
    idle_ = false;
    timer_.cancel();
    upstream_.active_.push_back(this);
    char byte = 0;
    const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }

  void end_with(Error error) {
    if (!failed_) set_failed(std::move(error));
    if (waiter_) {
      upstream_.loop_.defer([waiter = std::exchange(waiter_, nullptr)] { waiter.resume(); });
      operation_ = Operation::none;
      timer_.cancel();
    }
  }

 private:
  enum class Operation { none, connect, send, head, read };

  std::unexpected<Error> set_failed(Error error) {
    status_ = fail(error);
    failed_ = error;
    return fail(std::move(error));
  }

  void wait(Operation operation, std::coroutine_handle<> waiter, std::chrono::milliseconds within) {
    operation_ = operation;
    waiter_ = waiter;
    timer_.arm(within);
  }

  void done() {
    operation_ = Operation::none;
    timer_.cancel();
    std::exchange(waiter_, nullptr).resume();  // may destroy this
  }

  void on_events(std::uint32_t events) override {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ends_ = true;
    if (idle_) {
      if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) upstream_.drop_idle(*this);
      return;
    }
    switch (operation_) {
      case Operation::none: return;
      case Operation::connect: {
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        status_ = error == 0
                      ? Status{}
                      : Status(fail(ErrorCode::unavailable, errno_error("connecting to the upstream", error).message));
        done();
        return;
      }
      case Operation::send:
        if (push()) {
          done();
        } else {
          timer_.arm(held_.empty() ? upstream_.options_.send_timeout : upstream_.options_.early_grace);
        }
        return;
      case Operation::head:
        if (pull_head()) done();
        return;
      case Operation::read:
        if (pull_body()) done();
        return;
    }
  }

  void on_timer() {
    if (idle_) {
      upstream_.drop_idle(*this);
      return;
    }
    if (operation_ == Operation::none) return;
    if (operation_ == Operation::send && !held_.empty()) {
      give_up_sending();
    } else if (operation_ == Operation::connect) {
      status_ = fail(ErrorCode::timeout, "the upstream does not take connections");
    } else {
      set_failed({ErrorCode::timeout, operation_ == Operation::send ? "the upstream does not take the request's body"
                                                                    : "the upstream does not answer"});
    }
    done();
  }

  // Sends what stands in out_. True when it is done, well or not.
  bool push() {
    while (out_at_ < out_count_) {
      msghdr message{};
      message.msg_iov = &out_[out_at_];
      message.msg_iovlen = out_count_ - out_at_;
      const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        if (errno == EINTR) continue;
        const int error = errno;
        hold_early_answer();
        if (error == EAGAIN || error == EWOULDBLOCK) return false;
        if (!held_.empty()) {
          give_up_sending();
          return true;
        }
        set_failed({ErrorCode::unavailable, errno_error("sending to the upstream", error).message});
        return true;
      }
      auto left = static_cast<std::size_t>(sent);
      while (left > 0) {
        iovec& first = out_[out_at_];
        const std::size_t taken = std::min(left, first.iov_len);
        first.iov_base = static_cast<char*>(first.iov_base) + taken;
        first.iov_len -= taken;
        left -= taken;
        if (first.iov_len == 0) ++out_at_;
      }
    }
    head_.clear();
    if (last_) ended_ = true;
    return true;
  }

  void give_up_sending() {
    send_dead_ = true;
    out_count_ = out_at_ = 0;
    status_ = {};
  }

  void hold_early_answer() {
    while (!eof_ && held_.size() < upstream_.options_.early_bytes) {
      std::array<char, 4096> piece;
      const std::size_t room = std::min(piece.size(), upstream_.options_.early_bytes - held_.size());
      const ssize_t got = ::recv(fd_.get(), piece.data(), room, MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;
      if (got == 0) eof_ = true;
      held_.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

  enum class Fill { some, blocked, end, error };
  Fill fill() {
    if (eof_) return Fill::end;
    if (!readable_) return Fill::blocked;  // an edge will tell
    if (!buffer_) buffer_ = upstream_.take_buffer();
    while (true) {
      const ssize_t got = ::recv(fd_.get(), buffer_.get(), kBufferBytes, MSG_DONTWAIT);
      if (got > 0) {
        received_any_ = true;
        in_ = {buffer_.get(), static_cast<std::size_t>(got)};
        // Less than there was room for: all of it (epoll(7)), unless the end was announced with it.
        if (in_.size() < kBufferBytes && !ends_) readable_ = false;
        return Fill::some;
      }
      if (got == 0) {
        eof_ = true;
        return Fill::end;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        readable_ = false;
        return Fill::blocked;
      }
      return Fill::error;
    }
  }

  bool pull_head() {
    while (true) {
      if (parser_.head_done()) return true;  // asked for again: with an empty body nothing more will come
      if (!in_.empty()) {
        received_any_ = true;
        Result<bool> whole = parser_.feed_head(in_);
        if (!whole) {
          set_failed(whole.error());
          return true;
        }
        if (*whole) return true;
      }
      switch (fill()) {
        case Fill::some: break;
        case Fill::blocked: return false;
        case Fill::end:
        case Fill::error:
          set_failed({ErrorCode::unavailable, "the upstream closed the connection without an answer"});
          return true;
      }
    }
  }

  bool pull_body() {
    piece_ = {};
    while (true) {
      Result<std::string_view> piece = parser_.feed_body(in_);
      if (!piece) {
        set_failed(piece.error());
        return true;
      }
      piece_ = *piece;
      if (!piece_.empty() || parser_.body_done()) return true;
      switch (fill()) {
        case Fill::some: break;
        case Fill::blocked: return false;
        case Fill::end:
          if (Status ended = parser_.finish(); !ended) set_failed(ended.error());
          return true;
        case Fill::error: set_failed({ErrorCode::unavailable, "the upstream broke off its answer"}); return true;
      }
    }
  }

  Upstream& upstream_;
  FileDescriptor fd_;
  Timer timer_;
  bool watched_ = false;
  bool idle_ = false;
  bool reused_ = false;
  std::chrono::steady_clock::time_point idle_since_{};

  Operation operation_ = Operation::none;
  std::coroutine_handle<> waiter_;
  Status status_;
  std::optional<Error> failed_;

  std::string head_;
  bool has_body_ = false;
  bool chunked_ = false;
  std::uint64_t remaining_ = 0;
  bool ended_ = false;
  bool last_ = false;
  bool send_dead_ = false;
  std::array<iovec, 5> out_{};
  std::size_t out_count_ = 0;
  std::size_t out_at_ = 0;
  std::array<char, 20> chunk_line_{};

  ResponseParser parser_;
  bool reading_ = false;
  bool received_any_ = false;
  bool readable_ = false;  // since the last edge the socket was not read empty
  bool ends_ = false;      // its end or an error was announced
  bool eof_ = false;
  std::string held_;
  std::unique_ptr<char[]> buffer_;
  std::string_view in_;  // received and not yet parsed
  std::string_view piece_;
};

// ---- UpstreamCall -------------------------------------------------------------------------------------------------

UpstreamCall::UpstreamCall(Upstream& upstream, std::unique_ptr<UpstreamConnection> connection)
    : upstream_(upstream), connection_(std::move(connection)) {}

UpstreamCall::~UpstreamCall() {
  if (connection_->reusable()) upstream_.give_back(std::move(connection_));
}

bool UpstreamCall::Send::await_ready() const { return connection.begin_send(piece, last); }
void UpstreamCall::Send::await_suspend(std::coroutine_handle<> waiter) const { connection.wait_send(waiter); }
Status UpstreamCall::Send::await_resume() const { return connection.take_status(); }
bool UpstreamCall::Head::await_ready() const { return connection.begin_head(); }
void UpstreamCall::Head::await_suspend(std::coroutine_handle<> waiter) const { connection.wait_head(waiter); }
Result<const UpstreamResponse*> UpstreamCall::Head::await_resume() const { return connection.take_head(); }
bool UpstreamCall::Read::await_ready() const { return connection.begin_read(); }
void UpstreamCall::Read::await_suspend(std::coroutine_handle<> waiter) const { connection.wait_read(waiter); }
Result<std::optional<std::string_view>> UpstreamCall::Read::await_resume() const { return connection.take_piece(); }
bool UpstreamCall::answered_early() const { return connection_->send_dead(); }

// ---- Upstream -----------------------------------------------------------------------------------------------------

Upstream::Upstream(EventLoop& loop, UpstreamOptions options) : loop_(loop), options_(options) {}

Upstream::~Upstream() { idle_.clear(); }

Result<std::unique_ptr<Upstream>> Upstream::make(EventLoop& loop, std::string_view url, UpstreamOptions options) {
  const std::string shown(url);
  if (url.starts_with("https://")) {
    return fail(ErrorCode::unsupported,
                "[upstream] url: " + shown + ": TLS to the upstream is not built yet; accepted: http://127.0.0.1:3000");
  }
  if (!url.starts_with("http://")) {
    return fail(ErrorCode::bad_usage, "[upstream] url: " + shown + " is no URL; accepted: http://127.0.0.1:3000");
  }
  url.remove_prefix(7);
  if (url.ends_with('/')) url.remove_suffix(1);
  if (url.empty() || url.find_first_of("/?#@ ") != std::string_view::npos) {
    return fail(ErrorCode::bad_usage, "[upstream] url: " + shown +
                                          ": no path, query or user may stand there; accepted: http://127.0.0.1:3000");
  }
  std::unique_ptr<Upstream> upstream(new Upstream(loop, options));
  upstream->host_header_ = url;
  std::string host(url);
  std::string port = "80";
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail(ErrorCode::unavailable, "[upstream] url: " + shown + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
    Address address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    address.family = at->ai_family;
    upstream->addresses_.push_back(address);
  }
  return upstream;
}

Task<Result<std::unique_ptr<UpstreamConnection>>> Upstream::connect() {
  Error last{ErrorCode::unavailable, "the upstream has no address"};
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const Address address = addresses_[i];
    FileDescriptor fd(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
      last = {ErrorCode::unavailable, errno_error("opening a socket to the upstream", errno).message};
      continue;
    }
    const int one = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const int raw = fd.get();
    auto connection = std::make_unique<UpstreamConnection>(*this, std::move(fd));
    // Connected before it is watched: an edge that came first would be lost.
    const int result = ::connect(raw, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    const int error = errno;
    if (Status watched = connection->watch(); !watched) co_return fail(watched.error());
    if (result == 0) co_return std::move(connection);
    if (error != EINPROGRESS) {
      last = {ErrorCode::unavailable, errno_error("connecting to the upstream", error).message};
      continue;
    }
    Status connected = co_await connection->connected();
    if (connected) co_return std::move(connection);
    last = connected.error();
  }
  co_return fail(std::move(last));
}

std::unique_ptr<UpstreamConnection> Upstream::take_idle(bool for_body) {
  while (!idle_.empty()) {
    std::unique_ptr<UpstreamConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (for_body && std::chrono::steady_clock::now() - connection->idle_since() > options_.idle_for_bodies) {
      idle_.push_back(std::move(connection));
      return nullptr;  // the others are older still
    }
    if (connection->leave_idle()) return connection;
  }
  return nullptr;
}

void Upstream::give_back(std::unique_ptr<UpstreamConnection> connection) {
  if (idle_.size() >= options_.idle_connections) return;
  connection->become_idle();
  idle_.push_back(std::move(connection));
}

void Upstream::drop_idle(UpstreamConnection& connection) {
  std::erase_if(idle_, [&](const auto& idle) { return idle.get() == &connection; });
}

void Upstream::close_all() {
  idle_.clear();
  const std::vector<UpstreamConnection*> active = active_;
  for (UpstreamConnection* connection : active) {
    connection->end_with({ErrorCode::unavailable, "the gateway is stopping"});
  }
}

std::unique_ptr<char[]> Upstream::take_buffer() {
  if (buffers_.empty()) return std::make_unique_for_overwrite<char[]>(kBufferBytes);
  std::unique_ptr<char[]> buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Upstream::give_back_buffer(std::unique_ptr<char[]> buffer) {
  if (buffer && buffers_.size() < kSpareBuffers) buffers_.push_back(std::move(buffer));
}

std::string Upstream::head_of(const UpstreamRequest& request) const {
  std::string head;
  head.reserve(512);
  head.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ").append(host_header_);
  head.append("\r\n");
  for (const auto& [name, value] : request.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (request.has_body) {
    if (request.length) {
      head.append("Content-Length: ").append(std::to_string(*request.length)).append("\r\n");
    } else {
      head.append("Transfer-Encoding: chunked\r\n");
    }
  }
  head.append("\r\n");
  return head;
}

Task<Result<std::unique_ptr<UpstreamCall>>> Upstream::open(UpstreamRequest request) {
  std::string head = head_of(request);
  co_return co_await open(request, std::move(head));
}

Task<Result<std::unique_ptr<UpstreamCall>>> Upstream::open(const UpstreamRequest& request, std::string head) {
  std::unique_ptr<UpstreamConnection> connection = take_idle(request.has_body);
  const bool reused = connection != nullptr;
  if (!reused) {
    Result<std::unique_ptr<UpstreamConnection>> made = co_await connect();
    if (!made) co_return fail(made.error());
    connection = std::move(*made);
  }
  connection->begin(std::move(head), request.has_body, request.length, request.method == "HEAD", reused);
  co_return std::make_unique<UpstreamCall>(*this, std::move(connection));
}

Task<Result<std::unique_ptr<UpstreamCall>>> Upstream::ask(UpstreamRequest request) {
  if (request.has_body) co_return fail(ErrorCode::internal, "Upstream::ask is for requests without a body");
  const std::string head = head_of(request);
  for (int round = 0;; ++round) {
    Result<std::unique_ptr<UpstreamCall>> call = co_await open(request, head);
    if (!call) co_return fail(call.error());
    Status sent = co_await (*call)->end();
    std::optional<Error> failed;
    if (!sent) {
      failed = sent.error();
    } else {
      Result<const UpstreamResponse*> answer = co_await (*call)->response();
      if (answer) co_return std::move(*call);
      failed = answer.error();
    }
    const UpstreamConnection& connection = *(*call)->connection_;
    const bool stale = connection.reused() && !connection.received_any() && failed->code == ErrorCode::unavailable;
    if (!stale || round >= 2) co_return fail(std::move(*failed));
  }
}

}  // namespace postern::net
