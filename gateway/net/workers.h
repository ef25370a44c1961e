// Waiting, for coroutines on a loop: for work that blocks, and for callbacks from other threads.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/net/event_loop.h"

namespace postern::net {

// A few threads for what may block (fetching keys, reading spool files). Thread-safe. The destructor waits for what was
// submitted.
class Workers {
 public:
  explicit Workers(unsigned threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  void submit(std::function<void()> work);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

// co_await Callback<T>(loop, start): calls start(done) and goes on, on the loop's thread, once done(T) was called from
// any thread. The loop must run until then.
template <class T, class Start>
class Callback {
 public:
  Callback(EventLoop& loop, Start start) : loop_(loop), start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    start_([this, waiter](T value) {
      value_.emplace(std::move(value));
      loop_.post([waiter] { waiter.resume(); });
    });
  }
  T await_resume() { return std::move(*value_); }

 private:
  EventLoop& loop_;
  Start start_;
  std::optional<T> value_;
};

template <class T, class Start>
Callback<T, Start> callback(EventLoop& loop, Start start) {
  return Callback<T, Start>(loop, std::move(start));
}

// co_await on_worker(workers, loop, work): what work() returns, run on a worker.
template <class Work>
auto on_worker(Workers& workers, EventLoop& loop, Work work) {
  using T = decltype(work());
  return callback<T>(loop, [&workers, work = std::move(work)](auto done) mutable {
    workers.submit([work = std::move(work), done = std::move(done)]() mutable { done(work()); });
  });
}

// co_await sleep_for(loop, time).
class Sleep {
 public:
  Sleep(EventLoop& loop, std::chrono::milliseconds time)
      : time_(time), timer_(std::make_unique<Timer>(loop, [this] { std::exchange(waiter_, nullptr).resume(); })) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    timer_->arm(time_);
  }
  void await_resume() const noexcept {}

 private:
  std::chrono::milliseconds time_;
  std::coroutine_handle<> waiter_;
  std::unique_ptr<Timer> timer_;
};
inline Sleep sleep_for(EventLoop& loop, std::chrono::milliseconds time) { return Sleep(loop, time); }

}  // namespace postern::net
