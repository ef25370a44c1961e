// Group commit: many writers, one thread that makes what they want durable, as many at a time as are waiting.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "gateway/base/result.h"

namespace postern::store {

// Where a batch goes. Used by the committer thread alone.
class CommitTarget {
 public:
  virtual ~CommitTarget() = default;
  virtual Status begin() = 0;
  virtual Status commit() = 0;   // durable when it returns
  virtual void abandon() = 0;    // undoes everything since begin(), also after a failed begin() or commit()
  virtual void committed() = 0;  // after commit(), before the jobs hear of it
};

// One write. `apply` may run more than once, each time within a transaction of its own; `done` hears how it ended.
// An error from `apply` undoes it; an answer such as "it is there already" is no error: keep it aside for `done`.
struct CommitJob {
  std::function<Status()> apply;
  std::function<void(const Status&)> done;
};

// Thread-safe.
class Committer {
 public:
  Committer(CommitTarget& target, std::size_t soon_capacity);
  ~Committer() { close(); }
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Next batch. When the queue is full or closed, `done` hears so at once, on the caller's thread.
  void submit(CommitJob job);
  // Within 100 ms; kept and tried again while commits fail. limit: as many are waiting as may; unavailable: closed.
  Status submit_soon(std::function<Status()> apply);
  // How the last batch went.
  Status health() const;
  // Writes what waits, tries once more what failed, ends the thread.
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  struct Queued {
    CommitJob job;
    bool soon = false;
    Clock::time_point since;
  };

  void run();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);  // false: closed and nothing left
  void gather(std::unique_lock<std::mutex>& lock);
  void commit_batch(std::deque<Queued>& batch);
  Status try_batch(std::deque<Queued>& batch, bool& job_failed);
  void give_back(std::deque<Queued>& batch);

  CommitTarget& target_;
  const std::size_t soon_capacity_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;      // below: guarded by mutex_
  std::size_t urgent_ = 0;        // of queue_
  std::size_t wanted_ = 1;        // how many urgent ones wake the thread
  std::size_t last_urgent_ = 0;   // of the last batch
  std::size_t soon_ = 0;          // of queue_ and of the batch under way
  Clock::time_point retry_at_{};  // not before, when only soon jobs wait
  Status health_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace postern::store
