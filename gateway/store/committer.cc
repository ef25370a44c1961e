#include "gateway/store/committer.h"

#include <algorithm>
#include <iterator>

#include "gateway/base/log.h"

namespace postern::store {
namespace {

constexpr std::size_t kMaxBatch = 1024;
constexpr std::size_t kMaxUrgent = 65536;
constexpr std::chrono::milliseconds kSoon{40};     // how long a soon job may wait for company
constexpr std::chrono::microseconds kGather{100};  // how long a batch waits for those whom the last one answered
constexpr std::chrono::milliseconds kRetry{250};   // between attempts when only soon jobs wait

// Failures that lie in the disk or the lock, not in one job: trying the jobs one by one would not help.
bool is_systemic(ErrorCode code) {
  return code == ErrorCode::limit || code == ErrorCode::io || code == ErrorCode::unavailable ||
         code == ErrorCode::corrupt || code == ErrorCode::denied;
}

}  // namespace

Committer::Committer(CommitTarget& target, std::size_t soon_capacity)
    : target_(target), soon_capacity_(soon_capacity), thread_([this] { run(); }) {}

void Committer::submit(CommitJob job) {
  Error refusal;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && urgent_ < kMaxUrgent) {
      queue_.push_back({std::move(job), false, Clock::now()});
      ++urgent_;
      if (urgent_ == wanted_) wake_.notify_one();
      return;
    }
    refusal = closing_ ? Error{ErrorCode::unavailable, "the store is closed"}
                       : Error{ErrorCode::limit, "the store's queue is full"};
  }
  job.done(fail(std::move(refusal)));
}

Status Committer::submit_soon(std::function<Status()> apply) {
  const std::lock_guard lock(mutex_);
  if (closing_) return fail(ErrorCode::unavailable, "the store is closed");
  if (soon_ >= soon_capacity_) {
    return fail(ErrorCode::limit, "the audit queue is full (" + std::to_string(soon_capacity_) + " records wait)");
  }
  queue_.push_back({{std::move(apply), nullptr}, true, Clock::now()});
  if (++soon_ == 1) wake_.notify_one();
  return {};
}

Status Committer::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Committer::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool Committer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (urgent_ > 0 || closing_) return !queue_.empty();
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto due = std::max(queue_.front().since + kSoon, retry_at_);
    if (Clock::now() >= due) return true;
    wake_.wait_until(lock, due);
  }
}

// Writers that were answered together come again together, but not at once: committed one by one they would each pay
// for a sync of their own.
void Committer::gather(std::unique_lock<std::mutex>& lock) {
  wanted_ = last_urgent_ - last_urgent_ / 4;
  if (urgent_ > 0 && urgent_ < wanted_) {
    wake_.wait_until(lock, Clock::now() + kGather, [this] { return closing_ || urgent_ >= wanted_; });
  }
  wanted_ = 1;
  last_urgent_ = 0;
}

void Committer::run() {
  std::deque<Queued> batch;
  std::unique_lock lock(mutex_);
  while (wait_for_work(lock)) {
    gather(lock);
    if (queue_.size() <= kMaxBatch) {
      batch.swap(queue_);
    } else {
      std::move(queue_.begin(), queue_.begin() + kMaxBatch, std::back_inserter(batch));
      queue_.erase(queue_.begin(), queue_.begin() + kMaxBatch);
    }
    for (const Queued& item : batch) last_urgent_ += item.soon ? 0 : 1;
    urgent_ -= last_urgent_;
    lock.unlock();
    commit_batch(batch);
    batch.clear();
    lock.lock();
  }
}

Status Committer::try_batch(std::deque<Queued>& batch, bool& job_failed) {
  job_failed = false;
  Status status = target_.begin();
  for (auto item = batch.begin(); status && item != batch.end(); ++item) {
    status = item->job.apply();
    job_failed = !status;
  }
  if (status) status = target_.commit();
  if (!status) target_.abandon();
  return status;
}

void Committer::commit_batch(std::deque<Queued>& batch) {
  bool job_failed = false;
  const Status status = try_batch(batch, job_failed);
  if (!status && job_failed && !is_systemic(status.error().code) && batch.size() > 1) {
    // One job is at fault: it must not take the others with it.
    for (Queued& item : batch) {
      std::deque<Queued> alone;
      alone.push_back(std::move(item));
      commit_batch(alone);
    }
    return;
  }
  if (status) target_.committed();
  {
    const std::lock_guard lock(mutex_);
    health_ = status;
    retry_at_ = status ? Clock::time_point{} : Clock::now() + kRetry;
  }
  for (Queued& item : batch) {
    if (item.job.done) item.job.done(status);
  }
  const bool hopeless = !status && job_failed && !is_systemic(status.error().code);
  if (!status) log::error("store.write_failed", {{"jobs", batch.size()}, {"error", status.error().message}});
  if (status || hopeless) {
    const std::lock_guard lock(mutex_);
    for (const Queued& item : batch) soon_ -= item.soon ? 1 : 0;
  } else {
    give_back(batch);
  }
}

// Soon jobs have nobody who would send them again: they wait for better days, in their order.
void Committer::give_back(std::deque<Queued>& batch) {
  std::size_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto item = batch.rbegin(); item != batch.rend(); ++item) {
      if (!item->soon) continue;
      if (closing_) {
        --soon_;
        ++lost;
      } else {
        queue_.push_front(std::move(*item));
      }
    }
  }
  if (lost > 0) log::error("store.records_lost", {{"count", lost}});
}

}  // namespace postern::store
