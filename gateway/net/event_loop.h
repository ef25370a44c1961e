// One thread's loop over sockets, timers and calls from other threads: what a shard runs on.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/base/file.h"
#include "gateway/base/guarded.h"
#include "gateway/base/result.h"

namespace postern::net {

// Told about a descriptor. Lives until it was taken out with unwatch().
class Watcher {
 public:
  virtual void on_events(std::uint32_t events) = 0;  // EPOLL* bits

 protected:
  ~Watcher() = default;
};

class EventLoop;

namespace internal {
// A link of a ring; alone, or among the timers of a slot.
struct TimerLink {
  TimerLink* next = this;
  TimerLink* previous = this;
  void unlink() {
    previous->next = next;
    next->previous = previous;
    next = previous = this;
  }
  void insert_before(TimerLink& other) {
    next = &other;
    previous = other.previous;
    previous->next = this;
    other.previous = this;
  }
};
}  // namespace internal

// A moment at which something is called once. Belongs to the loop's thread; cancels itself when it goes. Coarse: fires
// up to 200 ms late, never early; made for time-outs, and cheap to arm and cancel for every request.
class Timer : private internal::TimerLink {
 public:
  Timer(EventLoop& loop, std::function<void()> call) : loop_(loop), call_(std::move(call)) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(std::chrono::milliseconds after);  // replaces an earlier moment
  void cancel();
  bool armed() const { return next != this; }

 private:
  friend class EventLoop;
  EventLoop& loop_;
  std::function<void()> call_;
  std::uint64_t due_ = 0;  // in ticks
};

// Guarded resource of one thread: everything but post() and stop() belongs to the thread in run().
class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> make();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Status watch(int fd, std::uint32_t events, Watcher& watcher);
  void unwatch(int fd, Watcher& watcher);  // no event reaches it any more, not even one already fetched

  // Called on the loop's thread before it sleeps again; in order.
  void defer(std::function<void()> call) { deferred_.push_back(std::move(call)); }
  // Called on the loop's thread when it has waited once more: something happened, or kQuietMs went by. In order.
  void defer_past_wait(std::function<void()> call) { past_wait_.push_back(std::move(call)); }
  // As defer(), from any thread; wakes the loop. What is posted after run() returned is never called.
  void post(std::function<void()> call);

  void run();   // until stop()
  void stop();  // any thread
  // One round, waiting at most `wait`; for tests and for draining at the end.
  void run_once(std::chrono::milliseconds wait);

 private:
  friend class Timer;
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::uint64_t kTickMs = 100;
  static constexpr int kQuietMs = 1;

  EventLoop() = default;
  std::uint64_t tick_now() const;
  void insert(Timer& timer);
  void run_timers();
  void run_deferred();
  void run_all(std::vector<std::function<void()>>& calls);
  void take_posted();

  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::atomic<bool> stopping_{false};
  std::vector<epoll_event> batch_;
  std::size_t batch_size_ = 0;
  std::vector<std::function<void()>> deferred_;
  std::vector<std::function<void()>> past_wait_;
  std::vector<std::function<void()>> running_;
  Guarded<std::vector<std::function<void()>>> posted_;
  std::unique_ptr<internal::TimerLink[]> slots_ = std::make_unique<internal::TimerLink[]>(kSlots);
  std::size_t armed_ = 0;
  std::uint64_t tick_ = 0;
};

}  // namespace postern::net
