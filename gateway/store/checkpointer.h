// Signs where the chains stand, at most 10 s after a record and at stop (schema/audit_log.md).
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/identity/jws.h"
#include "gateway/store/store.h"
#include "gateway/store/witness.h"

namespace postern::store {

// Thread-safe. Order at stop: append gateway.stop, stop() the checkpointer, close() the store.
class Checkpointer {
 public:
  // The first key signs. `every` is how often the heads are looked at.
  Checkpointer(Store& store, const Clock& clock, identity::SigningKey key,
               std::vector<std::unique_ptr<Witness>> witnesses,
               std::chrono::milliseconds every = std::chrono::seconds(5));
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void start();  // the thread
  void stop();   // a last checkpoint; ends the thread, if there is one; a second call does nothing

  // Signs when a head moved since the last checkpoint, and sends to the witnesses what they have not got. An error
  // leaves it for the next time.
  Status checkpoint();

 private:
  void run();
  Status sign_if_moved();
  Status send_to_witnesses();

  Store& store_;
  const Clock& clock_;
  const identity::SigningKey key_;
  const std::chrono::milliseconds every_;
  std::mutex mutex_;  // held while signing: two checkpoints must not get one number
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::mutex stop_mutex_;
  std::condition_variable stop_wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::store
