#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "gateway/base/log.h"
#include "gateway/net/server_parts.h"

namespace postern::net {
namespace {

constexpr std::size_t kPoolBytes = std::size_t{32} << 10;
constexpr char kTlsVersions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";  // in GnuTLS' words
constexpr unsigned kQuietLook = 8;  // one in a round in which nothing else happened counts as so many

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
  return exchange->on_call(data, size) ? MHD_YES : MHD_NO;
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

}  // namespace

// ---- Daemon -------------------------------------------------------------------------------------------------------

void Daemon::run() {
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

void Daemon::schedule() {
  if (scheduled) return;
  scheduled = true;
  loop.defer([this] {
    if (scheduled) run();
  });
}

void Daemon::look_soon() {
  if (looking) return;
  looking = true;
  loop.defer_past_wait([this] {
    if (!looking) return;
    look_costs = kQuietLook;
    run();
  });
}

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

// ---- MhdServer ----------------------------------------------------------------------------------------------------

Status MhdServer::open(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    auto daemon = std::make_unique<Daemon>(*this, loop_);
    const int fd = ::fcntl(listener.fd(), F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return fail(errno_error("duplicating a listening socket", errno));
    const bool tls = !options_.tls_certificate.empty() && !listener.is_unix();
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
      items.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(options_.tls_key.reveal().data())});
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
