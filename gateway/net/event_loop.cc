#include "gateway/net/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace postern::net {
namespace {

constexpr std::size_t kBatch = 256;

}  // namespace

void Timer::arm(std::chrono::milliseconds after) {
  const std::uint64_t ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(after.count(), 0)) / EventLoop::kTickMs;
  const std::uint64_t due = loop_.tick_now() + ticks + 2;
  // A later moment for a timer that is armed already costs nothing: its slot looks again when it comes round.
  if (armed() && due >= due_) {
    due_ = due;
    return;
  }
  cancel();
  due_ = due;
  loop_.insert(*this);
}

void Timer::cancel() {
  if (!armed()) return;
  unlink();
  --loop_.armed_;
}

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  std::unique_ptr<EventLoop> loop(new EventLoop());
  loop->epoll_ = FileDescriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!loop->epoll_) return fail(errno_error("epoll_create1", errno));
  loop->wake_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop->wake_) return fail(errno_error("eventfd", errno));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_ADD, loop->wake_.get(), &event) != 0) {
    return fail(errno_error("epoll_ctl", errno));
  }
  loop->batch_.resize(kBatch);
  loop->tick_ = loop->tick_now();
  return loop;
}

EventLoop::~EventLoop() = default;

Status EventLoop::watch(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail(errno_error("epoll_ctl", errno));
  return {};
}

void EventLoop::unwatch(int fd, Watcher& watcher) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (std::size_t i = 0; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == &watcher) batch_[i].events = 0;
  }
}

void EventLoop::post(std::function<void()> call) {
  bool was_empty = false;
  {
    auto posted = posted_.lock();
    was_empty = posted->empty();
    posted->push_back(std::move(call));
  }
  if (was_empty) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  }
}

void EventLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::run() {
  while (!stopping_.load(std::memory_order_acquire)) run_once(std::chrono::milliseconds(-1));
}

void EventLoop::run_once(std::chrono::milliseconds wait) {
  run_deferred();
  int timeout = static_cast<int>(wait.count());
  if (armed_ > 0 && (timeout < 0 || timeout > static_cast<int>(kTickMs))) timeout = static_cast<int>(kTickMs);
  if (!past_wait_.empty() && (timeout < 0 || timeout > kQuietMs)) timeout = kQuietMs;
  if (!deferred_.empty()) timeout = 0;
  const int ready = ::epoll_wait(epoll_.get(), batch_.data(), static_cast<int>(batch_.size()), timeout);
  batch_size_ = ready > 0 ? static_cast<std::size_t>(ready) : 0;
  bool woken = false;
  for (std::size_t i = 0; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == nullptr) {
      woken = true;
    } else if (batch_[i].events != 0) {
      static_cast<Watcher*>(batch_[i].data.ptr)->on_events(batch_[i].events);
    }
  }
  batch_size_ = 0;
  if (woken) take_posted();
  run_timers();
  run_deferred();
  run_all(past_wait_);
}

void EventLoop::take_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  std::vector<std::function<void()>> calls;
  calls.swap(*posted_.lock());
  for (std::function<void()>& call : calls) call();
}

void EventLoop::run_deferred() { run_all(deferred_); }

void EventLoop::run_all(std::vector<std::function<void()>>& calls) {
  if (calls.empty()) return;
  // What is deferred meanwhile waits for the next round, so that sockets are never starved.
  running_.swap(calls);
  for (std::function<void()>& call : running_) call();
  running_.clear();
}

std::uint64_t EventLoop::tick_now() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) / kTickMs;
}

void EventLoop::insert(Timer& timer) {
  timer.insert_before(slots_[timer.due_ % kSlots]);
  ++armed_;
}

void EventLoop::run_timers() {
  const std::uint64_t now = tick_now();
  const std::uint64_t from = now - tick_ > kSlots ? now - kSlots : tick_;
  tick_ = now;
  if (armed_ == 0) return;
  for (std::uint64_t tick = from + 1; tick <= now; ++tick) {
    internal::TimerLink& slot = slots_[tick % kSlots];
    if (slot.next == &slot) continue;
    // The ring is moved to a head of its own: a call may arm, cancel or destroy any timer, those still in it too.
    internal::TimerLink ring;
    ring.insert_before(slot);
    slot.unlink();
    while (ring.next != &ring) {
      Timer& timer = static_cast<Timer&>(*ring.next);
      timer.unlink();
      --armed_;
      if (timer.due_ <= now) {
        timer.call_();
      } else {
        insert(timer);
      }
    }
  }
}

}  // namespace postern::net
