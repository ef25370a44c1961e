#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <unordered_set>

#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "gateway/net/server.h"

// libmicrohttpd runs in external epoll mode: its epoll descriptor is one more descriptor of our loop. Three of its
// habits shape what follows. A response cannot be queued in the middle of a body, so an answer that is ready early
// waits until the rest of the body was read and dropped. After a suspend in the header phase the handler is called
// again exactly as it is at the end of the body, so we keep our own phase. A suspended connection neither times out nor
// notices that the client left, so every deadline is ours.
//
// Suspending and resuming costs five system calls, more than the request itself. So an exchange that waits for its
// answer is at first only parked: libmicrohttpd keeps it among those that are ready and asks us again in every run,
// which costs next to nothing as long as they are few and the wait is short.

namespace postern::net {
namespace {

constexpr std::size_t kPoolBytes = std::size_t{32} << 10;
constexpr std::size_t kHeadersUsual = 2000;  // a token and what else a client sends
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
constexpr char kTlsVersions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";  // in GnuTLS' words
constexpr std::size_t kParkedMax = 128;  // of a daemon: each run looks at all of them
constexpr unsigned kPatience = 32;       // looks after which a parked exchange is suspended
constexpr unsigned kQuietLook = 8;       // one in a round in which nothing else happened counts as so many

class MhdServer;
class MhdExchange;
struct Daemon;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// One client connection, over all its requests.
struct Connection {
  enum class Wait { nothing, headers, body, client_reads };

  Connection(MhdServer& server_, Daemon& daemon_, int fd_);
  void expect(Wait what, std::chrono::milliseconds within) {
    wait = what;
    timer.arm(within);
  }
  void expect_nothing() {
    wait = Wait::nothing;
    timer.cancel();
  }
  void on_timer();

  MhdServer& server;
  Daemon& daemon;
  int fd;
  Wait wait = Wait::nothing;
  Timer timer;
  std::string target;
  std::shared_ptr<const Peer> peer;  // once the first request has come
  MhdExchange* current = nullptr;
};

// One listener's MHD_Daemon in the loop.
struct Daemon final : Watcher {
  Daemon(MhdServer& server_, EventLoop& loop_) : server(server_), loop(loop_) {}
  void on_events(std::uint32_t) override { run(); }
  void run() {
    scheduled = looking = went_on = false;
    MHD_run(handle);
    look_costs = 1;
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    if (MHD_get_timeout(handle, &timeout) != MHD_YES || timeout != 0) return;
    if (went_on || parked == 0) {
      schedule();
    } else {
      // Nothing but the parked ones, for all we know: they are looked at again when something happens, or soon.
      look_soon();
    }
  }
  void schedule() {
    if (scheduled) return;
    scheduled = true;
    loop.defer([this] {
      if (scheduled) run();
    });
  }
  void look_soon() {
    if (looking) return;
    looking = true;
    loop.defer_past_wait([this] {
      if (!looking) return;
      look_costs = kQuietLook;
      run();
    });
  }

  MhdServer& server;
  EventLoop& loop;
  MHD_Daemon* handle = nullptr;
  int epoll_fd = -1;
  bool scheduled = false;
  bool looking = false;
  bool went_on = false;     // in this run: something happened beyond looking at parked exchanges
  std::size_t parked = 0;   // exchanges that wait for their answer without being suspended
  unsigned look_costs = 1;  // of a parked exchange's patience
};

class MhdServer final : public Server {
 public:
  MhdServer(EventLoop& loop, ServerOptions options, Handler handler)
      : loop_(loop), options_(std::move(options)), handler_(std::move(handler)) {}
  ~MhdServer() override;

  Status open(const std::vector<Listener>& listeners);
  void stop_accepting() override;
  std::size_t open_exchanges() const override { return exchanges_.size(); }
  void abort_all() override;

  EventLoop& loop() { return loop_; }
  const ServerOptions& options() const { return options_; }
  const Handler& handler() const { return handler_; }
  void opened(MhdExchange* exchange) { exchanges_.insert(exchange); }
  void closed(MhdExchange* exchange) { exchanges_.erase(exchange); }

 private:
  EventLoop& loop_;
  ServerOptions options_;
  Handler handler_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
  std::unordered_set<MhdExchange*> exchanges_;
  bool accepting_ = true;
};

class MhdExchange final : public Exchange, public std::enable_shared_from_this<MhdExchange> {
 public:
  // Keeps itself alive until on_completed().
  static MhdExchange* make(Connection& connection, MHD_Connection* mhd, const char* method, const char* version) {
    const internal::SpareAllocator<MhdExchange> allocator;
    auto made = std::allocate_shared<MhdExchange>(allocator, connection, mhd, method, version);
    made->self_ = made;
    return made.get();
  }
  MhdExchange(Connection& connection, MHD_Connection* mhd, const char* method, const char* version);
  ~MhdExchange() override {
    if (response_ != nullptr) MHD_destroy_response(response_);
  }

  std::string_view method() const override { return method_; }
  std::string_view target() const override { return target_; }
  std::optional<std::string_view> header(std::string_view name) const override;
  std::size_t header_count(std::string_view name) const override;
  const Peer& peer() const override { return *peer_; }
  bool has_body() const override { return has_body_; }
  std::optional<std::uint64_t> content_length() const override { return content_length_; }
  void respond(int status, HeaderList headers, std::string body) override;
  void start(ResponseHead head) override;
  void finish() override;
  void abort() override;
  bool answered() const override { return answered_; }
  bool gone() const override { return mhd_ == nullptr || aborted_; }

  MHD_Result on_call(const char* data, std::size_t* size);
  ssize_t on_pull(char* buffer, std::size_t max);
  void on_completed(bool fine);
  void on_body_window();

 protected:
  bool begin_read() override;
  void wait_read(std::coroutine_handle<> waiter) override;
  Result<std::optional<std::string_view>> take_read() override;
  bool begin_write(std::string_view piece) override;
  void wait_write(std::coroutine_handle<> waiter) override;
  Status take_write() override;

 private:
  enum class Phase { head, body, complete };

  const char* fault() const;
  MHD_Result step(const char* data, std::size_t* size);
  MHD_Result step_body(const char* data, std::size_t* size);
  MHD_Result queue();
  bool park();
  void unpark();
  void suspend();
  void kick();
  bool answer_without_draining() const;
  void resume(std::coroutine_handle<>& waiter) { std::exchange(waiter, nullptr).resume(); }

  std::shared_ptr<MhdExchange> self_;
  MhdServer& server_;
  Connection* connection_;
  MHD_Connection* mhd_;
  std::string method_;
  std::string target_;
  bool http10_;
  std::shared_ptr<const Peer> peer_;
  // Header names and values, one after the other.
  std::basic_string<char, std::char_traits<char>, internal::SpareAllocator<char>> arena_;
  struct HeaderAt {
    std::uint32_t name, name_size, value_size;
  };
  std::vector<HeaderAt, internal::SpareAllocator<HeaderAt>> headers_;
  bool has_body_ = false;
  std::optional<std::uint64_t> content_length_;

  Phase phase_ = Phase::head;
  bool spawned_ = false;
  bool in_callback_ = false;
  bool suspended_ = false;
  bool parked_ = false;
  unsigned patience_ = kPatience;
  bool aborted_ = false;

  std::coroutine_handle<> waiting_read_;
  std::string piece_;     // what the handler was given last
  bool holding_ = false;  // and has not done with
  bool body_ended_ = false;
  bool body_broken_ = false;
  std::uint64_t drained_ = 0;
  std::uint64_t window_bytes_ = 0;

  bool answered_ = false;
  bool queued_ = false;
  int status_ = 0;
  std::string body_;  // of respond()
  MHD_Response* response_ = nullptr;
  std::coroutine_handle<> waiting_write_;
  std::string_view out_;
  bool finished_ = false;
  bool sent_whole_ = false;
};

// ---- Connection ---------------------------------------------------------------------------------------------------

Connection::Connection(MhdServer& server_, Daemon& daemon_, int fd_)
    : server(server_), daemon(daemon_), fd(fd_), timer(server_.loop(), [this] { on_timer(); }) {}

void Connection::on_timer() {
  if (wait == Wait::body && current != nullptr) {
    current->on_body_window();
    return;
  }
  // libmicrohttpd then reads an end of file, or fails to write, and closes.
  ::shutdown(fd, SHUT_RDWR);
}

// ---- MhdExchange --------------------------------------------------------------------------------------------------

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

MhdExchange::MhdExchange(Connection& connection, MHD_Connection* mhd, const char* method, const char* version)
    : server_(connection.server),
      connection_(&connection),
      mhd_(mhd),
      method_(method),
      target_(std::move(connection.target)),
      http10_(std::string_view(version) == MHD_HTTP_VERSION_1_0) {
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

Task<void> run_handler(const Server::Handler& handler, std::shared_ptr<MhdExchange> exchange) {
  try {
    co_await handler(exchange);
  } catch (const std::exception& error) {
    log::error("http.handler_threw", {{"what", error.what()}});
  }
  if (!exchange->answered()) exchange->abort();
}

MHD_Result MhdExchange::on_call(const char* data, std::size_t* size) {
  const std::shared_ptr<MhdExchange> keep = shared_from_this();
  in_callback_ = true;
  const MHD_Result result = step(data, size);
  in_callback_ = false;
  return result;
}

MHD_Result MhdExchange::step(const char* data, std::size_t* size) {
  if (aborted_) return MHD_NO;
  if (parked_ && !answered_) {
    if (!park()) suspend();
    return MHD_YES;
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
      if (aborted_) return MHD_NO;
    }
    // Queued in this phase, a response ends the connection: only where a body is to be left unread.
    if (answered_ && has_body_ && answer_without_draining()) return queue();
    if (!has_body_) {
      phase_ = Phase::complete;
      return MHD_YES;
    }
    if (waiting_read_ || answered_) {
      phase_ = Phase::body;
      connection_->expect(Connection::Wait::body, server_.options().body_window);
      return MHD_YES;
    }
    suspend();
    return MHD_YES;
  }
  if (*size > 0) return step_body(data, size);
  if (!body_ended_) {
    body_ended_ = true;
    if (connection_->wait == Connection::Wait::body) connection_->expect_nothing();
    body_broken_ = MHD_get_connection_values(mhd_, MHD_FOOTER_KIND, nullptr, nullptr) > 0;
    if (waiting_read_) resume(waiting_read_);
    if (aborted_) return MHD_NO;
  }
  if (answered_ && !queued_) return queue();
  if (!park()) suspend();
  return MHD_YES;
}

MHD_Result MhdExchange::step_body(const char* data, std::size_t* size) {
  if (answered_) {
    drained_ += *size;
    if (drained_ > drain_limit_) return MHD_NO;
    window_bytes_ += *size;
    holding_ = false;
    *size = 0;
    return MHD_YES;
  }
  if (!waiting_read_) {  // the handler still holds the last piece
    suspend();
    return MHD_YES;
  }
  // libmicrohttpd moves its buffer when we return, so the handler gets a copy.
  piece_.assign(data, *size);
  window_bytes_ += *size;
  *size = 0;
  holding_ = true;
  resume(waiting_read_);
  if (aborted_) return MHD_NO;
  if (holding_ && !answered_) suspend();
  return MHD_YES;
}

// True where reading on is useless or too much: the client waits for our word, or said that more is to come than we
// would read.
bool MhdExchange::answer_without_draining() const {
  return header_count("expect") > 0 || (content_length_ && *content_length_ > drain_limit_);
}

MHD_Result MhdExchange::queue() {
  queued_ = true;
  unpark();
  connection_->expect(Connection::Wait::client_reads, server_.options().write_deadline);
  const MHD_Result result = MHD_queue_response(mhd_, static_cast<unsigned>(status_), response_);
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
  if (waiting_read_ || waiting_write_) {
    server_.loop().defer([self = shared_from_this()] {
      if (self->waiting_read_) self->resume(self->waiting_read_);
      if (self->waiting_write_) self->resume(self->waiting_write_);
    });
  }
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
  if (waiting_read_ || waiting_write_) {
    server_.loop().defer([self = shared_from_this()] {
      if (self->waiting_read_) self->resume(self->waiting_read_);
      if (self->waiting_write_) self->resume(self->waiting_write_);
    });
  }
}

// ---- MhdServer ----------------------------------------------------------------------------------------------------

extern "C" {

static MHD_Result on_request(void*, MHD_Connection* mhd, const char*, const char* method, const char* version,
                             const char* data, std::size_t* size, void** slot) {
  auto* exchange = static_cast<MhdExchange*>(*slot);
  if (exchange == nullptr) {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == nullptr || info->socket_context == nullptr) return MHD_NO;
    auto& connection = *static_cast<Connection*>(info->socket_context);
    exchange = MhdExchange::make(connection, mhd, method, version);
    *slot = exchange;
  }
  return exchange->on_call(data, size);
}

static void on_request_completed(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode code) {
  auto* exchange = static_cast<MhdExchange*>(*slot);
  if (exchange == nullptr) return;
  *slot = nullptr;
  exchange->on_completed(code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

static void on_connection(void* self, MHD_Connection* mhd, void** slot, MHD_ConnectionNotificationCode code) {
  auto& daemon = *static_cast<Daemon*>(self);
  daemon.went_on = true;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    auto* connection = new Connection(daemon.server, daemon, info->connect_fd);
    *slot = connection;
    connection->expect(Connection::Wait::headers, daemon.server.options().header_deadline);
  } else {
    delete static_cast<Connection*>(*slot);
    *slot = nullptr;
  }
}

static void* on_target(void*, const char* target, MHD_Connection* mhd) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  if (info != nullptr && info->socket_context != nullptr) {
    auto& connection = *static_cast<Connection*>(info->socket_context);
    connection.target = target;
    connection.daemon.went_on = true;
    connection.expect(Connection::Wait::headers, connection.server.options().header_deadline);
  }
  return nullptr;
}

static void on_log(void*, const char* format, va_list arguments) {
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  while (text.ends_with('\n')) text.remove_suffix(1);
  log::debug("http.microhttpd", {{"text", text}});
}

}  // extern "C"

Status MhdServer::open(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    auto daemon = std::make_unique<Daemon>(*this, loop_);
    const int fd = ::fcntl(listener.fd(), F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return fail(errno_error("duplicating a listening socket", errno));
    const bool tls = !options_.tls_certificate.empty() && !listener.is_unix();
    std::string key(options_.tls_key.reveal());
    std::vector<MHD_OptionItem> items{
        {MHD_OPTION_EXTERNAL_LOGGER, reinterpret_cast<std::intptr_t>(&on_log), nullptr},
        {MHD_OPTION_LISTEN_SOCKET, fd, nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<std::intptr_t>(kPoolBytes), nullptr},
        {MHD_OPTION_CONNECTION_LIMIT, static_cast<std::intptr_t>(options_.connection_limit), nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT, 0, nullptr},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
        {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<std::intptr_t>(&on_request_completed), nullptr},
        {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<std::intptr_t>(&on_connection), daemon.get()},
        {MHD_OPTION_URI_LOG_CALLBACK, reinterpret_cast<std::intptr_t>(&on_target), nullptr},
    };
    if (tls) {
      items.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, options_.tls_certificate.data()});
      items.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, key.data()});
      items.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kTlsVersions)});
    }
    items.push_back({MHD_OPTION_END, 0, nullptr});
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (tls) flags |= MHD_USE_TLS;
    daemon->handle = MHD_start_daemon(flags, 0, nullptr, nullptr, &on_request, nullptr, MHD_OPTION_ARRAY, items.data(),
                                      MHD_OPTION_END);
    if (daemon->handle == nullptr) {
      ::close(fd);
      return fail(ErrorCode::bad_usage,
                  "libmicrohttpd does not start" +
                      std::string(tls ? "; certificate and key must be PEM and belong together" : ""));
    }
    const MHD_DaemonInfo* info = MHD_get_daemon_info(daemon->handle, MHD_DAEMON_INFO_EPOLL_FD);
    daemon->epoll_fd = info->epoll_fd;
    Daemon& added = *daemon;
    daemons_.push_back(std::move(daemon));
    if (Status watched = loop_.watch(added.epoll_fd, EPOLLIN, added); !watched) return watched;
    added.schedule();
  }
  return {};
}

void MhdServer::stop_accepting() {
  if (!accepting_) return;
  accepting_ = false;
  for (const auto& daemon : daemons_) {
    const int fd = MHD_quiesce_daemon(daemon->handle);
    if (fd >= 0) ::close(fd);
  }
}

void MhdServer::abort_all() {
  const std::vector<MhdExchange*> open(exchanges_.begin(), exchanges_.end());
  for (MhdExchange* exchange : open) exchange->abort();
}

MhdServer::~MhdServer() {
  stop_accepting();
  for (int round = 0; !exchanges_.empty() && round < 100; ++round) {
    abort_all();
    loop_.run_once(std::chrono::milliseconds(10));
  }
  for (const auto& daemon : daemons_) {
    loop_.unwatch(daemon->epoll_fd, *daemon);
    daemon->scheduled = daemon->looking = false;
    MHD_stop_daemon(daemon->handle);
  }
  // What is still deferred holds pointers to the daemons.
  loop_.run_once(std::chrono::milliseconds(0));
}

}  // namespace

Result<std::unique_ptr<Server>> make_server(EventLoop& loop, const std::vector<Listener>& listeners,
                                            const ServerOptions& options, Server::Handler handler) {
  ServerOptions copy;
  copy.connection_limit = options.connection_limit;
  copy.header_deadline = options.header_deadline;
  copy.idle_deadline = options.idle_deadline;
  copy.body_window = options.body_window;
  copy.body_window_bytes = options.body_window_bytes;
  copy.write_deadline = options.write_deadline;
  copy.tls_certificate = options.tls_certificate;
  copy.tls_key = options.tls_key.copy();
  auto server = std::make_unique<MhdServer>(loop, std::move(copy), std::move(handler));
  if (Status opened = server->open(listeners); !opened) return fail(opened.error());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace postern::net
