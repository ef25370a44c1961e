#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>

#include "gateway/base/log.h"
#include "gateway/net/server_parts.h"

namespace postern::net {
namespace {

constexpr std::size_t kHeadersUsual = 2000;  // a token and what else a client sends
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
constexpr std::size_t kParkedMax = 128;  // of a daemon: each run looks at all of them
constexpr unsigned kPatience = 32;       // looks after which a parked exchange is suspended

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Peer peer_of(MHD_Connection* mhd, int fd) {
  Peer peer;
  const MHD_ConnectionInfo* info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (info != nullptr && info->client_addr != nullptr) {
    const sockaddr* address = info->client_addr;
    if (address->sa_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, address, sizeof in);
      ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
      peer.address = text.data();
    } else if (address->sa_family == AF_INET6) {
      sockaddr_in6 in6{};
      std::memcpy(&in6, address, sizeof in6);
      if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        ::inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], text.data(), text.size());
      } else {
        ::inet_ntop(AF_INET6, &in6.sin6_addr, text.data(), text.size());
      }
      peer.address = text.data();
    }
  }
  if (peer.address.empty()) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 && credentials.pid != 0) {
      peer.is_unix = true;
      peer.uid = credentials.uid;
      peer.gid = credentials.gid;
      peer.pid = credentials.pid;
    }
  }
  return peer;
}

Task<void> run_handler(const Server::Handler& handler, std::shared_ptr<MhdExchange> exchange) {
  try {
    co_await handler(exchange);
  } catch (const std::exception& error) {
    log::error("http.handler_threw", {{"what", error.what()}});
  }
  if (!exchange->answered()) exchange->abort();
}

}  // namespace

MhdExchange::MhdExchange(Connection& connection, MHD_Connection* mhd, const char* method, const char* version)
    : server_(connection.server),
      connection_(&connection),
      mhd_(mhd),
      method_(method),
      target_(std::move(connection.target)),
      http10_(std::string_view(version) == MHD_HTTP_VERSION_1_0),
      patience_(kPatience) {
  connection.current = this;
  server_.opened(this);
  if (!connection.peer) connection.peer = std::make_shared<const Peer>(peer_of(mhd, connection.fd));
  peer_ = connection.peer;
  arena_.reserve(kHeadersUsual);
  headers_.reserve(16);
  MHD_get_connection_values_n(
      mhd, MHD_HEADER_KIND,
      [](void* self, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
         std::size_t value_size) {
        auto& exchange = *static_cast<MhdExchange*>(self);
        exchange.headers_.push_back({static_cast<std::uint32_t>(exchange.arena_.size()),
                                     static_cast<std::uint32_t>(name_size), static_cast<std::uint32_t>(value_size)});
        exchange.arena_.append(name, name_size);
        if (value != nullptr) exchange.arena_.append(value, value_size);
        return MHD_YES;
      },
      this);
  if (header_count("transfer-encoding") > 0) {
    has_body_ = true;
  } else if (const auto length = header("content-length")) {
    std::uint64_t bytes = 0;
    for (const char c : *length) {
      if (c < '0' || c > '9' || bytes > (UINT64_MAX - 9) / 10) break;  // libmicrohttpd has refused it already
      bytes = bytes * 10 + static_cast<std::uint64_t>(c - '0');
    }
    content_length_ = bytes;
    has_body_ = bytes > 0;
  }
}

MhdExchange* MhdExchange::make(Connection& connection, MHD_Connection* mhd, const char* method, const char* version) {
  const internal::SpareAllocator<MhdExchange> allocator;
  auto made = std::allocate_shared<MhdExchange>(allocator, connection, mhd, method, version);
  made->self_ = made;
  return made.get();
}

MhdExchange::~MhdExchange() {
  if (response_ != nullptr) MHD_destroy_response(response_);
}

std::optional<std::string_view> MhdExchange::header(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const HeaderAt& at : headers_) {
    const std::string_view all = arena_;
    if (!equals_ignoring_case(all.substr(at.name, at.name_size), name)) continue;
    if (found) return std::nullopt;
    found = all.substr(at.name + at.name_size, at.value_size);
  }
  return found;
}

std::size_t MhdExchange::header_count(std::string_view name) const {
  std::size_t count = 0;
  for (const HeaderAt& at : headers_) {
    if (equals_ignoring_case(std::string_view(arena_).substr(at.name, at.name_size), name)) ++count;
  }
  return count;
}

// What libmicrohttpd takes and two readers could frame differently (RFC 9112 §6.1, §6.3).
const char* MhdExchange::fault() const {
  const std::size_t lengths = header_count("content-length");
  const std::size_t encodings = header_count("transfer-encoding");
  if (lengths > 1) return "Content-Length stands there more than once";
  if (lengths > 0 && encodings > 0) return "Content-Length and Transfer-Encoding exclude each other";
  if (encodings > 1) return "Transfer-Encoding stands there more than once";
  if (encodings == 1) {
    if (http10_) return "HTTP/1.0 has no Transfer-Encoding";
    if (!equals_ignoring_case(*header("transfer-encoding"), "chunked")) {
      return "the only Transfer-Encoding taken is chunked";
    }
  }
  if (const auto length = header("content-length")) {
    if (length->empty() || length->find_first_not_of("0123456789") != std::string_view::npos) {
      return "Content-Length is not a number";
    }
  }
  if (header_count("host") > 1) return "Host stands there more than once";
  if (header_count("authorization") > 1) return "Authorization stands there more than once";
  if (header_count("content-type") > 1) return "Content-Type stands there more than once";
  if (header_count("content-encoding") > 1) return "Content-Encoding stands there more than once";
  if (header_count("expect") > 1) return "Expect stands there more than once";
  return nullptr;
}

bool MhdExchange::on_call(const char* data, std::size_t* size) {
  const std::shared_ptr<MhdExchange> keep = shared_from_this();
  in_callback_ = true;
  const bool result = step(data, size);
  in_callback_ = false;
  return result;
}

bool MhdExchange::step(const char* data, std::size_t* size) {
  if (aborted_) return false;
  if (parked_ && !answered_) {
    if (!park()) suspend();
    return true;
  }
  connection_->daemon.went_on = true;
  if (phase_ == Phase::head) {
    if (!spawned_) {
      spawned_ = true;
      connection_->expect_nothing();
      if (const char* what = fault()) {
        respond(MHD_HTTP_BAD_REQUEST, {{"Content-Type", "text/plain"}, {"Connection", "close"}},
                std::string(what) + "\n");
        return queue();
      }
      spawn(run_handler(server_.handler(), shared_from_this()));
      if (aborted_) return false;
    }
    // Queued in this phase, a response ends the connection: only where a body is to be left unread.
    if (answered_ && has_body_ && answer_without_draining()) return queue();
    if (!has_body_) {
      phase_ = Phase::complete;
      return true;
    }
    if (waiting_read_ || answered_) {
      phase_ = Phase::body;
      connection_->expect(Connection::Wait::body, server_.options().body_window);
      return true;
    }
    suspend();
    return true;
  }
  if (*size > 0) return step_body(data, size);
  if (!body_ended_) {
    body_ended_ = true;
    if (connection_->wait == Connection::Wait::body) connection_->expect_nothing();
    body_broken_ = MHD_get_connection_values(mhd_, MHD_FOOTER_KIND, nullptr, nullptr) > 0;
    if (waiting_read_) resume(waiting_read_);
    if (aborted_) return false;
  }
  if (answered_ && !queued_) return queue();
  if (!park()) suspend();
  return true;
}

bool MhdExchange::step_body(const char* data, std::size_t* size) {
  if (answered_) {
    drained_ += *size;
    if (drained_ > drain_limit_) return false;
    window_bytes_ += *size;
    holding_ = false;
    *size = 0;
    return true;
  }
  if (!waiting_read_) {  // the handler still holds the last piece
    suspend();
    return true;
  }
  // libmicrohttpd moves its buffer when we return, so the handler gets a copy.
  piece_.assign(data, *size);
  window_bytes_ += *size;
  *size = 0;
  holding_ = true;
  resume(waiting_read_);
  if (aborted_) return false;
  if (holding_ && !answered_) suspend();
  return true;
}

// True where reading on is useless or too much: the client waits for our word, or said that more is to come than we
// would read.
bool MhdExchange::answer_without_draining() const {
  return header_count("expect") > 0 || (content_length_ && *content_length_ > drain_limit_);
}

bool MhdExchange::queue() {
  queued_ = true;
  unpark();
  connection_->expect(Connection::Wait::client_reads, server_.options().write_deadline);
  const bool result = MHD_queue_response(mhd_, static_cast<unsigned>(status_), response_) == MHD_YES;
  MHD_destroy_response(std::exchange(response_, nullptr));
  return result;
}

// Only where the request was read whole: in other phases libmicrohttpd would go on reading.
bool MhdExchange::park() {
  Daemon& daemon = connection_->daemon;
  if (patience_ < daemon.look_costs || (!parked_ && daemon.parked == kParkedMax)) return false;
  patience_ -= daemon.look_costs;
  if (!parked_) {
    parked_ = true;
    ++daemon.parked;
    connection_->expect_nothing();
  }
  return true;
}

void MhdExchange::unpark() {
  if (!parked_) return;
  parked_ = false;
  --connection_->daemon.parked;
}

void MhdExchange::suspend() {
  if (suspended_) return;
  unpark();
  suspended_ = true;
  if (connection_->wait != Connection::Wait::body) connection_->expect_nothing();
  MHD_suspend_connection(mhd_);
}

// Lets libmicrohttpd call us again. Nothing to do within its own call: it looks at our state when we return.
void MhdExchange::kick() {
  if (in_callback_ || mhd_ == nullptr) return;
  if (parked_) connection_->daemon.schedule();
  if (!suspended_) return;
  suspended_ = false;
  MHD_resume_connection(mhd_);
  connection_->daemon.schedule();
}

bool MhdExchange::begin_read() {
  holding_ = false;
  return gone() || body_ended_ || !has_body_ || answered_;
}

void MhdExchange::wait_read(std::coroutine_handle<> waiter) {
  waiting_read_ = waiter;
  kick();
}

Result<std::optional<std::string_view>> MhdExchange::take_read() {
  if (gone()) return fail(ErrorCode::unavailable, "the client went away in the middle of its request");
  if (body_broken_) return fail(ErrorCode::invalid_input, "the request's body ends with trailers, which are not taken");
  if (answered_) return fail(ErrorCode::internal, "the request was answered; its body is dropped");
  if (holding_) return std::optional<std::string_view>(piece_);
  return std::optional<std::string_view>();
}

void MhdExchange::on_body_window() {
  if (!suspended_ && window_bytes_ < server_.options().body_window_bytes) {
    ::shutdown(connection_->fd, SHUT_RDWR);
    return;
  }
  window_bytes_ = 0;
  connection_->expect(Connection::Wait::body, server_.options().body_window);
}

void MhdExchange::respond(int status, HeaderList headers, std::string body) {
  if (answered_ || gone()) return;
  answered_ = true;
  finished_ = true;
  status_ = status;
  body_ = std::move(body);  // libmicrohttpd has no use for it once it has told us that the request is over
  response_ = MHD_create_response_from_buffer(body_.size(), body_.data(), MHD_RESPMEM_PERSISTENT);
  for (const auto& [name, value] : headers) MHD_add_response_header(response_, name.c_str(), value.c_str());
  kick();
}

void MhdExchange::start(ResponseHead head) {
  if (answered_ || gone()) return;
  answered_ = true;
  status_ = head.status;
  response_ = MHD_create_response_from_callback(
      head.length ? *head.length : MHD_SIZE_UNKNOWN, kBlockBytes,
      [](void* self, std::uint64_t, char* buffer, std::size_t max) {
        return static_cast<MhdExchange*>(self)->on_pull(buffer, max);
      },
      this, nullptr);
  for (const auto& [name, value] : head.headers) MHD_add_response_header(response_, name.c_str(), value.c_str());
  kick();
}

ssize_t MhdExchange::on_pull(char* buffer, std::size_t max) {
  const std::shared_ptr<MhdExchange> keep = shared_from_this();
  in_callback_ = true;
  connection_->daemon.went_on = true;
  if (!aborted_ && out_.empty() && waiting_write_) resume(waiting_write_);
  in_callback_ = false;
  if (aborted_) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (out_.empty()) {
    if (finished_) return MHD_CONTENT_READER_END_OF_STREAM;
    suspend();
    return 0;
  }
  const std::size_t count = std::min(max, out_.size());
  std::memcpy(buffer, out_.data(), count);
  out_.remove_prefix(count);
  connection_->expect(Connection::Wait::client_reads, server_.options().write_deadline);
  return static_cast<ssize_t>(count);
}

bool MhdExchange::begin_write(std::string_view piece) {
  if (gone() || piece.empty()) return true;
  out_ = piece;
  return false;
}

void MhdExchange::wait_write(std::coroutine_handle<> waiter) {
  waiting_write_ = waiter;
  kick();
}

Status MhdExchange::take_write() {
  if (gone() && !sent_whole_)
    return fail(ErrorCode::unavailable, "the client went away before it had the whole answer");
  return {};
}

void MhdExchange::finish() {
  finished_ = true;
  kick();
}

void MhdExchange::abort() {
  if (gone()) return;
  aborted_ = true;
  out_ = {};
  // An answer of HTTP/1.0 ends where the connection does: only a reset says that it is not whole.
  if (http10_ && answered_) {
    const linger at_once{1, 0};
    ::setsockopt(connection_->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::shutdown(connection_->fd, SHUT_RD);
  } else {
    ::shutdown(connection_->fd, SHUT_RDWR);
  }
  kick();
  wake_waiters();
}

// The handler hears of the end in the next round, not in the middle of what is going on.
void MhdExchange::wake_waiters() {
  if (!waiting_read_ && !waiting_write_) return;
  server_.loop().defer([self = shared_from_this()] {
    if (self->waiting_read_) self->resume(self->waiting_read_);
    if (self->waiting_write_) self->resume(self->waiting_write_);
  });
}

void MhdExchange::on_completed(bool fine) {
  const std::shared_ptr<MhdExchange> until_the_end = std::move(self_);
  sent_whole_ = fine && out_.empty();
  unpark();
  connection_->daemon.went_on = true;
  connection_->current = nullptr;
  if (fine) {
    connection_->expect(Connection::Wait::headers, server_.options().idle_deadline);
  } else {
    connection_->expect_nothing();
  }
  connection_ = nullptr;
  mhd_ = nullptr;
  server_.closed(this);
  wake_waiters();
}

}  // namespace postern::net
