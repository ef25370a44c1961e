// What the deployer remembers about its environments (schema/sql/deploy). Durable when a call returns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "hooks/deploy/chain.h"
#include "hooks/deploy/plan.h"
#include "hooks/deploy/target.h"

namespace postern::deploy {

enum class State { idle, planned, applying, waiting, healthy, failed, held, pinned };
std::string_view to_string(State state);
std::optional<State> parse_state(std::string_view text);

// Value: one environment as it stands.
struct EnvironmentRecord {
  std::string name;
  std::string repository, ref, service;  // as adopted
  std::string deployed;                  // L
  WallTime deployed_at{};
  State state = State::idle;
  std::string reason;  // of held: "gap", …
  std::string message;
  WallTime since{};  // of the state
  std::string tip;
  std::string plan;    // digest
  std::string failed;  // commit that failed; empty: none
  bool pinned = false;
  std::string rollback_to;  // asked for; empty: nothing
  std::string undo;         // why the writes since L are being taken back: "failed" or "health"; empty: they are not
  std::int64_t asked = 0;
};

struct NewState {
  State state = State::idle;
  std::string reason;
  std::string message;
  std::string tip;
  std::string plan;
};

// What the service held before the first write since L.
struct BeforeImage {
  Resource resource;
  bool existed = false;
  std::string value;
};

// What the gateway is told, and kept until it said that it knows.
struct OutboxItem {
  std::string id;
  std::string body;
};

// Thread-safe. Every error is io, limit (disk full), unavailable (locked) or corrupt; nothing may be done to a service
// whose intent could not be journalled.
class Journal {
 public:
  virtual ~Journal() = default;

  virtual Result<std::optional<EnvironmentRecord>> environment(std::string_view name) = 0;
  virtual Result<std::vector<EnvironmentRecord>> environments() = 0;

  // Sets the first L (or another one on purpose): forgets failures, pins, undo and before images.
  virtual Status adopt(const EnvironmentRecord& adopted, std::string_view asked_by, WallTime now) = 0;
  // What a person asked for. not_found where nothing is adopted; bad_usage for a rollback to a commit that was never
  // healthy there.
  virtual Status ask_retry(std::string_view name, std::string_view asked_by, WallTime now) = 0;
  virtual Status ask_rollback(std::string_view name, std::string_view commit, std::string_view asked_by,
                              WallTime now) = 0;

  // The new state; `outcome` goes into the outbox in the same transaction. `since` moves only when state, reason or
  // message differ.
  virtual Status set_state(std::string_view name, const NewState& state, const std::optional<json::Value>& outcome,
                           WallTime now) = 0;

  // An apply: begin_run, then begin_step and end_step around every write, then one of the endings.
  virtual Result<std::int64_t> begin_run(std::string_view name, const Plan& plan, WallTime now) = 0;
  // Keeps the first before image of each resource since L.
  virtual Status begin_step(std::int64_t run, unsigned number, const Step& step, std::string_view name,
                            const BeforeImage& before, WallTime now) = 0;
  virtual Status end_step(std::int64_t run, unsigned number, std::string_view result, WallTime now) = 0;
  virtual Status end_run(std::int64_t run, std::string_view result, WallTime now) = 0;
  // `commit` stands and is healthy: it becomes L, before images go. `pinned` for a rollback.
  virtual Status deployed(std::string_view name, std::string_view commit, const NewState& state,
                          const std::optional<json::Value>& outcome, WallTime now) = 0;
  // The writes since L are to be taken back; then they are.
  virtual Status begin_undo(std::string_view name, std::string_view why, std::string_view failed_commit,
                            std::string_view message, const std::optional<json::Value>& outcome, WallTime now) = 0;
  virtual Status end_undo(std::string_view name, const NewState& state, const std::optional<json::Value>& outcome,
                          WallTime now) = 0;

  virtual Result<std::vector<BeforeImage>> before_images(std::string_view name) = 0;
  virtual Result<bool> was_healthy(std::string_view name, std::string_view commit) = 0;

  virtual Result<std::vector<OutboxItem>> unacknowledged(std::size_t limit) = 0;
  virtual Status acknowledge(std::string_view id) = 0;
};

struct JournalOptions {
  bool read_only = false;
};

// "sqlite:/path". bad_usage for any other scheme. Makes the file (0640), not its directory.
Result<std::unique_ptr<Journal>> open_journal(std::string_view url, const JournalOptions& options = {});

}  // namespace postern::deploy
