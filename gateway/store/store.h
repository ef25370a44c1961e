// What the gateway remembers: the audit log, pushes, deployments and checkpoints, behind one interface.
//
// A Store is a sum of small interfaces, one per noun. Every member of each is thread-safe. Writes are durable
// (fsynced) when their callback is told so; callbacks run on the store's committer thread (on the caller's where a
// write is refused at once), must be quick, and must not call a blocking write of the same store. A write whose
// callback gets an Error was not made: nothing may be acknowledged from it. After a failure (disk full, locked) the
// next write tries again; no restart is needed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/chain.h"
#include "gateway/audit/entry.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"

namespace postern::store {

using Seq = std::int64_t;  // counts from 1

// ---- audit log --------------------------------------------------------------------------------------------------

struct AuditQuery {
  Seq after = 0;            // AuditRecord::id; newest_first: records before it (0: from the end)
  std::size_t limit = 100;  // at most 1000
  bool newest_first = false;
  std::vector<audit::EntryKind> kinds;  // empty: all
  std::optional<std::string> who;       // Who::name
  std::optional<std::string> repository;
  std::optional<std::string> request_id;  // every record of one request
  std::optional<WallTime> since;          // at >= since
  std::optional<WallTime> until;          // at < until
};

struct AuditRecord {
  Seq id = 0;  // order of arrival over all chains of this store
  audit::Record record;
};

class AuditLog {
 public:
  virtual ~AuditLog() = default;
  using Appended = std::function<void(Result<Seq>)>;  // AuditRecord::id

  // Durable append with group commit.
  virtual void append(audit::AuditEntry entry, Appended done) = 0;
  // For what may follow within 100 ms (advertisements, refusals of identities). limit: the bounded queue is full, and
  // the request must be refused. What is queued survives failures of the disk, but not of the process.
  virtual Status append_soon(audit::AuditEntry entry) = 0;
  // Blocking form of append(); never from a callback.
  Result<Seq> append_and_wait(audit::AuditEntry entry);

  virtual Result<std::vector<AuditRecord>> list_audit(const AuditQuery& query) = 0;
};

// ---- pushes -----------------------------------------------------------------------------------------------------

enum class Outcome { accepted, refused, failed, unknown };
std::string_view to_string(Outcome outcome);
std::optional<Outcome> parse_outcome(std::string_view text);

// What is about to be forwarded. The store writes kind, and `push` (the id) and `refs` into the entry's detail.
struct PushIntent {
  std::string id;  // the ticket's jti; the request id where no ticket travels
  std::vector<git::RefUpdate> commands;
  std::string sponsor;      // of an agent
  audit::AuditEntry entry;  // who, from, repository, rule, detail of the caller's
};

struct RefOutcome {
  git::RefUpdate command;
  Outcome outcome = Outcome::unknown;
  bool forced = false;
  std::string rule;
  std::string reason;  // why not accepted
};

// What came of a push. The store writes kind, `push`, `refs` and `commits` (count, digest, truncated) into the detail.
struct PushOutcome {
  std::string id;
  std::vector<RefOutcome> refs;
  std::vector<std::string> new_commits;  // hex ids from the hook's verdict
  bool truncated = false;                // the list is not whole, or there was no verdict
  std::string sponsor;                   // of a direct write's agent; a push keeps its intent's
  audit::AuditEntry entry;
};

struct Settled {
  Seq record = 0;      // id of the outcome's audit record
  Seq push = 0;        // AcceptedPush::seq of its last ref; 0 when none was accepted
  bool first = false;  // false: it was settled before; this call changed nothing
};

// A push without outcome.
struct OpenPush {
  std::string id;
  std::string sponsor;
  std::vector<git::RefUpdate> commands;
  audit::AuditEntry entry;  // of the intent
};

// One ref of an accepted push: a link of the deployer's chain.
struct AcceptedPush {
  Seq seq = 0;  // order of settlement, over all repositories
  std::string id;
  std::string repository;
  git::RefUpdate command;
  bool forced = false;
  bool direct = false;  // past the gateway
  bool link = true;     // may be a link of the chain (a direct write only under `authorize`)
  audit::Who who;
  std::string sponsor;  // of an agent
  std::string rule;
  WallTime at{};
  std::vector<std::string> new_commits;  // of the whole push
  bool truncated = false;
};

struct PushQuery {
  std::optional<std::string> repository;
  std::optional<std::string> ref;
  Seq after = 0;
  std::size_t limit = 100;  // pages end earlier when they hold 10,000 commits
};

struct PushPage {
  std::vector<AcceptedPush> pushes;
  Seq next = 0;       // ask again after this one: every matching push up to it was given
  bool more = false;  // there is more already
};

class PushLog {
 public:
  virtual ~PushLog() = default;
  using Begun = std::function<void(Result<Seq>)>;  // audit record id
  using SettledFn = std::function<void(Result<Settled>)>;

  // conflict when a push of that id is there.
  virtual void begin_push(PushIntent intent, Begun done) = 0;
  // Settles exactly once, whoever comes first; later calls get the first one's answer with `first` false. not_found
  // when there is no such intent.
  virtual void settle_push(PushOutcome outcome, SettledFn done) = 0;
  // A write without a ticket, from the spool: intent and outcome in one record (kind direct_write). `link` is whether
  // the repository's governance is `authorize` and the rules let the writer in. Once per id, like settle_push.
  virtual void record_direct(PushOutcome write, bool link, SettledFn done) = 0;
  Result<Seq> begin_push_and_wait(PushIntent intent);
  Result<Settled> settle_push_and_wait(PushOutcome outcome);
  Result<Settled> record_direct_and_wait(PushOutcome write, bool link);

  virtual Result<std::vector<OpenPush>> open_pushes() = 0;  // in the order they began
  virtual Result<PushPage> accepted_pushes(const PushQuery& query) = 0;
  // Per commit (hex) the first accepted push, to any ref of `repository`, whose verdict listed it; nullopt: nobody did.
  // new_commits of the answers is empty. At most 1000 commits.
  virtual Result<std::vector<std::optional<AcceptedPush>>> introducers(std::string_view repository,
                                                                       std::span<const std::string> commits) = 0;
  virtual Seq last_push_seq() = 0;  // of the newest accepted push; 0: none
  // Called from the committer thread after each commit that accepted a push, with the newest seq. One listener: set it
  // once before the first write.
  virtual void on_accepted_push(std::function<void(Seq)> listener) = 0;
};

// ---- deployments ------------------------------------------------------------------------------------------------

struct Deployment {
  std::string id;  // chosen by the deployer; the same outcome is posted with the same id until acknowledged
  std::string environment;
  std::string repository;
  std::string ref;
  std::string commit;
  std::string previous;  // commit deployed before; may be empty
  std::string state;     // healthy | failed | held | planned | …
  std::string reason;
  json::Value detail = json::Object{};  // plan digest, resources, …
};

class DeploymentLog {
 public:
  virtual ~DeploymentLog() = default;
  // Recorded once per id. conflict: another outcome stands under that id. `entry` gives who, from, at and request id.
  virtual void record_deployment(Deployment deployment, audit::AuditEntry entry,
                                 std::function<void(Result<Settled>)> done) = 0;
  Result<Settled> record_deployment_and_wait(Deployment deployment, audit::AuditEntry entry);
};

// ---- chains and checkpoints -------------------------------------------------------------------------------------

struct StoredCheckpoint {
  std::int64_t number = 0;
  std::string jws;
};

class ChainLog {
 public:
  virtual ~ChainLog() = default;
  virtual Result<std::vector<audit::Head>> heads() = 0;  // of every chain, by chain id
  // Records of one chain from `from_seq` on, in order of seq then arrival, as they lie there, unchecked.
  virtual Result<std::vector<AuditRecord>> chain_records(std::string_view chain, Seq from_seq, std::size_t limit) = 0;
  virtual Result<std::vector<StoredCheckpoint>> checkpoints() = 0;
  virtual Result<std::optional<StoredCheckpoint>> last_checkpoint() = 0;
  // Kept until mark_witnessed(): what a crash left unwitnessed is sent again.
  virtual Status add_checkpoint(const StoredCheckpoint& checkpoint) = 0;
  virtual Result<std::vector<StoredCheckpoint>> unwitnessed_checkpoints() = 0;
  virtual Status mark_witnessed(std::int64_t number) = 0;
  // What in the tables beside the log disagrees with it, one line each; empty: nothing. For `audit verify`, `db check`.
  virtual Result<std::vector<std::string>> check_tables() = 0;
};

// ---- the store --------------------------------------------------------------------------------------------------

class Store : public AuditLog, public PushLog, public DeploymentLog, public ChainLog {
 public:
  // How the last commit went; unavailable, limit or io while writes fail. For /-/readyz.
  virtual Status health() = 0;
  // Writes what is queued and ends the committer; later writes are refused with unavailable. Also done by the
  // destructor.
  virtual void close() = 0;
};

struct StoreOptions {
  bool read_only = false;            // nothing is created, migrated or locked; every write is denied
  std::string instance = "gateway";  // whose chain this process appends to
  std::chrono::milliseconds busy_timeout{5000};
  std::size_t soon_capacity = 10000;  // of the bounded queue
};

// "sqlite:/path/to.db". bad_usage for any other scheme, with the accepted ones; conflict when another process has it
// open for writing; corrupt or unsupported when its schema is newer than this program.
Result<std::unique_ptr<Store>> open_store(std::string_view url, const StoreOptions& options = {});

}  // namespace postern::store
