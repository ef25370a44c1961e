// One environment, brought from where it is to where its ref is. Level-triggered: every pass starts from what the
// journal, the repository and the service say now, so that a lost nudge, a crash or a restore loses nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/azure/credential.h"
#include "gateway/base/clock.h"
#include "hooks/deploy/health.h"
#include "hooks/deploy/journal.h"
#include "hooks/deploy/push_records.h"
#include "hooks/deploy/source.h"
#include "hooks/deploy/target.h"
#include "hooks/policy/finding.h"

namespace postern::deploy {

struct EnvironmentSettings {
  std::string name;
  bool apply = false;  // false: only say what would happen
  std::string repository;
  std::string ref;
  std::vector<std::string> after;  // environments that must have been healthy at the same commit
  std::string service;
  Kinds kinds;
  unsigned max_deletes = 0;
  unsigned approvals_agents = 1;
  unsigned approvals_default = 0;
  std::string root;  // of the artifacts in the repository
  std::vector<HealthProbe> health;
};

// From which commit to which, and whose settings are in force: those before the last push of the chain, never those
// that came along.
struct Span {
  std::string from, to, settings_at;
};

// Judges the texts that are to be put, and what the way from one tree to the other breaks in the new one. The errors
// only; could not find out is an Error.
using Judge = std::function<Result<std::vector<policy::Finding>>(const std::vector<Step>& steps, const Span& span)>;

// How a pass ended.
struct Pass {
  State state = State::idle;
  std::string reason;                                 // of held
  std::string message;                                // for people
  std::optional<std::chrono::milliseconds> again_in;  // nothing: at the next nudge or on the timer
};

// Guarded by its owner: one thread at a time.
class Environment {
 public:
  struct Parts {
    Source& source;
    PushRecords& records;
    DeploymentTarget& target;
    Journal& journal;
    const Clock& clock;
    azure::Wait wait;
    std::function<std::optional<std::string>()> healthy;  // nullopt: yes
    Judge judge;
  };
  Environment(EnvironmentSettings settings, Parts parts) : settings_(std::move(settings)), parts_(std::move(parts)) {}

  // One pass. Never throws; what it could not do is in the result and in the journal.
  Pass reconcile();
  // What reconcile() would do, without doing or recording anything.
  std::variant<Plan, Pass> preview();
  const EnvironmentSettings& settings() const { return settings_; }
  // How long the record of a push may lag behind the ref it moved before that is a gap.
  void set_gap_grace(std::chrono::milliseconds grace) { gap_grace_ = grace; }

 private:
  using Prepared = std::variant<Plan, Pass>;
  // Held while nobody adopted a commit for what the configuration says now; nullopt: somebody did.
  std::optional<Pass> not_adopted(const std::optional<EnvironmentRecord>& record) const;
  // May `tip` go out, and how?
  Prepared prepare(const EnvironmentRecord& record, const std::string& tip);
  // From L to `to`: what changed, and whatever an interrupted apply has touched since L.
  Prepared prepare_plan(const EnvironmentRecord& record, const std::string& to, const std::string& settings_at,
                        bool limit_deletes);
  // The records' word about L..tip; when they let it out, `settings_at` is where its settings are read.
  Result<std::optional<Held>> judge_range(const EnvironmentRecord& record, const std::string& tip,
                                          std::string& settings_at);
  Pass carry_out(const EnvironmentRecord& record, const Plan& plan, bool pin);
  Pass take_back(const EnvironmentRecord& record);
  Pass roll_back(const EnvironmentRecord& record);
  // Takes one step; nullopt: done (or nothing to do).
  std::optional<ArmFailure> take_step(std::int64_t run, unsigned number, const Step& step, Status& journalled);
  Pass hold(const EnvironmentRecord& record, const std::string& tip, HeldReason reason, std::string message);
  Pass wait(const EnvironmentRecord& record, const std::string& tip, std::string message,
            std::optional<std::chrono::seconds> retry_after = std::nullopt);
  Pass wait_unrecorded(std::string message);
  json::Value outcome(const EnvironmentRecord& record, const std::string& commit, State state, std::string_view reason,
                      std::string_view message, const Plan* plan) const;

  EnvironmentSettings settings_;
  Parts parts_;
  std::vector<RefMove> moves_;
  std::int64_t next_move_ = 0;
  unsigned failures_ = 0;
  std::string waiting_tip_;
  std::int64_t waiting_asked_ = 0;
  MonoTime not_before_{};
  MonoTime throttled_until_{};
  std::string seen_tip_;
  MonoTime seen_at_{};
  std::chrono::milliseconds gap_grace_{10000};
};

}  // namespace postern::deploy
