// The gateway's housekeeping, once a second on a thread of its own: pushes that nobody waits for any more are settled,
// direct writes are taken in from the spool, refusals that were counted are recorded.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "gateway/app/gate.h"
#include "gateway/net/event_loop.h"
#include "gateway/net/upstream_http1.h"

namespace postern::app {

// Guarded resource: start, then stop; round() is for tests and for the thread.
class Keeper {
 public:
  // `in_force` gives what is in force now; called from the keeper's thread.
  static Result<std::unique_ptr<Keeper>> make(GateParts parts,
                                              std::function<std::shared_ptr<const InForce>()> in_force);
  ~Keeper() { stop(); }

  void start();
  void stop();
  // One round of everything.
  void round();

 private:
  Keeper(GateParts parts, std::function<std::shared_ptr<const InForce>()> in_force)
      : parts_(parts), in_force_(std::move(in_force)) {}

  // A warning when something that is done each round begins to fail or fails otherwise, and every few minutes that it
  // goes on; a word when it works again.
  void tell(std::string_view event, const Status& state);

  void record_refusals();
  void take_in_spool();
  void settle_open_pushes();
  bool settle_push(const store::OpenPush& open);
  bool record_direct(const std::string& id, const spool::Verdict* verdict, const spool::Done* done);
  // Where the refs of `repository` stand; blocks.
  Result<std::map<std::string, std::string>> refs_of(std::string_view repository);

  GateParts parts_;
  std::function<std::shared_ptr<const InForce>()> in_force_;
  std::unique_ptr<net::EventLoop> loop_;
  std::unique_ptr<net::Upstream> upstream_;
  MonoTime next_sweep_{};
  struct Failing {
    std::string what;
    MonoTime again;  // when it is told again
  };
  std::map<std::string_view, Failing> failing_;  // by event
  std::map<std::string, MonoTime> asked_;        // pushes whose refs were asked for in vain: not again at once
  std::set<std::string> strays_;  // of this round: ids of tickets with files, whose push is not under way
  std::jthread thread_;
};

}  // namespace postern::app
