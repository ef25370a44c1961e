// A loop on a thread of its own, and blocking sockets to talk to what runs on it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/base/file.h"
#include "gateway/net/event_loop.h"
#include "gateway/net/server.h"

namespace postern::net {

class LoopThread {
 public:
  LoopThread() : loop_(std::move(*EventLoop::make())) {
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~LoopThread() {
    loop_->stop();
    thread_.join();
  }
  EventLoop& loop() { return *loop_; }
  // Runs `call` on the loop's thread and waits for it.
  void on_loop(std::function<void()> call) {
    std::promise<void> done;
    loop_->post([&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

// A blocking client of a loopback port (or a socket file), which gives up after a while.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // What comes until `until` stands in it, the other side closes (then closed() is true), or nothing comes for `quiet`.
  std::string receive(std::string_view until, std::chrono::milliseconds quiet = std::chrono::milliseconds(10000)) {
    std::string text = std::move(rest_);
    rest_.clear();
    std::size_t found = std::string::npos;
    while (until.empty() || (found = text.find(until)) == std::string::npos) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(quiet.count())) <= 0) return text;
      char piece[65536];
      const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
      if (got <= 0) {
        closed_ = true;
        return text;
      }
      text.append(piece, static_cast<std::size_t>(got));
    }
    rest_ = text.substr(found + until.size());
    text.resize(found + until.size());
    return text;
  }
  std::string receive_all() { return receive({}); }
  bool closed() const { return closed_; }
  void shut_down_writing() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  FileDescriptor fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string rest_;
};

}  // namespace postern::net
