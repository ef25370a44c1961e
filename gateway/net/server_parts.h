// The server on libmicrohttpd, in its parts: a daemon per listener, a connection per client, an exchange per request.
// Private to server_mhd.cc and exchange_mhd.cc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gateway/net/event_loop.h"
#include "gateway/net/server.h"
#include "gateway/net/task.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

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

class MhdServer;
class MhdExchange;
struct Daemon;

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
  void run();
  void schedule();  // a run in the next round of the loop
  void look_soon();

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
  static MhdExchange* make(Connection& connection, MHD_Connection* mhd, const char* method, const char* version);
  MhdExchange(Connection& connection, MHD_Connection* mhd, const char* method, const char* version);
  ~MhdExchange() override;

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

  // What libmicrohttpd calls. on_call: false closes the connection.
  bool on_call(const char* data, std::size_t* size);
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
  bool step(const char* data, std::size_t* size);
  bool step_body(const char* data, std::size_t* size);
  bool queue();
  bool park();
  void unpark();
  void suspend();
  void kick();
  void wake_waiters();
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
  unsigned patience_;
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

}  // namespace postern::net
