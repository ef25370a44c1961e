#include "gateway/store/checkpointer.h"

#include "gateway/audit/checkpoint.h"
#include "gateway/base/log.h"

namespace postern::store {

Checkpointer::Checkpointer(Store& store, const Clock& clock, identity::SigningKey key,
                           std::vector<std::unique_ptr<Witness>> witnesses, std::chrono::milliseconds every)
    : store_(store), clock_(clock), key_(std::move(key)), every_(every), witnesses_(std::move(witnesses)) {}

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::start() {
  thread_ = std::thread([this] { run(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(stop_mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  stop_wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (Status done = checkpoint(); !done) log::error("audit.checkpoint_failed", {{"error", done.error().message}});
}

void Checkpointer::run() {
  std::unique_lock lock(stop_mutex_);
  while (!stop_wake_.wait_for(lock, every_, [this] { return stopping_; })) {
    lock.unlock();
    if (Status done = checkpoint(); !done) log::error("audit.checkpoint_failed", {{"error", done.error().message}});
    lock.lock();
  }
}

Status Checkpointer::checkpoint() {
  const std::lock_guard lock(mutex_);
  const Status is_signed = sign_if_moved();
  const Status sent = send_to_witnesses();
  return is_signed ? sent : is_signed;
}

Status Checkpointer::sign_if_moved() {
  auto heads = store_.heads();
  if (!heads) return fail(heads.error());
  if (heads->empty()) return {};
  const auto last = store_.last_checkpoint();
  if (!last) return fail(last.error());
  audit::Checkpoint next{1, clock_.wall(), "", std::move(*heads)};
  if (*last) {
    next.number = (*last)->number + 1;
    next.previous = audit::checkpoint_digest((*last)->jws);
    // One that another key signed (it was rotated) is followed by one of ours, moved or not.
    const identity::PublicKey own = key_.public_key();
    const auto before = audit::open_checkpoint((*last)->jws, {&own, 1});
    if (before && before->heads == next.heads) return {};
  }
  const auto jws = audit::sign_checkpoint(next, key_);
  if (!jws) return fail(jws.error());
  return store_.add_checkpoint({next.number, *jws});
}

Status Checkpointer::send_to_witnesses() {
  const auto unsent = store_.unwitnessed_checkpoints();
  if (!unsent) return fail(unsent.error());
  for (const StoredCheckpoint& checkpoint : *unsent) {
    for (const auto& witness : witnesses_) {
      // Each witness gets it again when one of them failed: a line twice is the same statement.
      if (Status written = witness->write(checkpoint.jws); !written) return written;
    }
    if (Status marked = store_.mark_witnessed(checkpoint.number); !marked) return marked;
  }
  return {};
}

}  // namespace postern::store
