// A program that is asked to end while its threads wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace postern::deploy {

// Thread-safe.
class Stop {
 public:
  void request() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  bool requested() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  // Sleeps; false as soon as the program is to end.
  bool sleep(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, pause, [this] { return stopped_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

// A nudge: wakes one waiting worker, and is remembered when nobody waits.
class Nudge {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    changed_.notify_all();
  }
  // Waits for a nudge, at most `pause`; true when there was one.
  bool take(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    const bool given = changed_.wait_for(lock, pause, [this] { return given_; });
    given_ = false;
    return given;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

}  // namespace postern::deploy
