// Does the log hold? Every record against its chain, every chain against the checkpoints. Pure: feed it, then ask.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/chain.h"
#include "gateway/audit/checkpoint.h"
#include "gateway/base/json.h"
#include "gateway/identity/jws.h"

namespace postern::audit {

enum class FaultKind {
  changed,             // "changed": bytes, number or links of a record are not what was written
  removed,             // "removed": a record in the middle is missing
  removed_tail,        // "removed-tail": a checkpoint signed records that are missing at the end (or the whole chain)
  rewritten,           // "rewritten": the log hangs together, but a checkpoint signed another one
  fork,                // "fork": two logs went on from one point
  checkpoint_removed,  // "checkpoint-removed": a checkpoint is missing
  checkpoint_invalid,  // "checkpoint-invalid": not a checkpoint, or signed by a key that was not given
  table,               // "table": a table beside the log disagrees with it
};
std::string_view to_string(FaultKind kind);

struct Fault {
  FaultKind kind;
  std::string chain;     // empty: not about one chain
  std::int64_t seq = 0;  // first record concerned; 0: none
  std::string message;
};

struct Uncovered {
  std::string chain;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

struct VerifyReport {
  std::int64_t records = 0;
  std::int64_t chains = 0;
  std::int64_t checkpoints = 0;  // distinct, that hold
  std::int64_t fault_count = 0;  // of which the first kMaxFaults are listed
  std::vector<Fault> faults;
  std::vector<Uncovered> uncovered;  // records that no checkpoint covers yet: they can be cut off unseen
  std::vector<std::string> notes;
};

inline constexpr std::size_t kMaxFaults = 200;

std::string to_text(const VerifyReport& report);
json::Value to_json(const VerifyReport& report);

// Not thread-safe. Order: witnesses, then stored checkpoints, then the records of each chain in order of seq, then
// finish(), once.
class Verifier {
 public:
  explicit Verifier(std::vector<identity::PublicKey> keys) : keys_(std::move(keys)) {}

  // The content of a witness: one checkpoint per line; syslog prefixes before it are skipped. The same checkpoint may
  // stand there twice. `name` is for messages.
  void add_witness(std::string_view name, std::string_view content);
  void add_stored_checkpoint(std::int64_t number, std::string_view jws);
  void add_record(const Record& record);
  void add_table_fault(std::string message);
  VerifyReport finish();

 private:
  struct Seen {
    std::string digest;
    Checkpoint checkpoint;
    bool witnessed = false;
  };
  struct ExpectedHead {
    Sha256 hash{};
    std::int64_t number = 0;
    bool witnessed = false;
  };
  struct ChainState {
    std::int64_t last = 0;
    Sha256 hash{};
    bool last_sound = true;
    bool rewritten_named = false;
    std::int64_t matched = 0;  // newest seq whose hash a checkpoint signed
  };

  void fault(FaultKind kind, std::string chain, std::int64_t seq, std::string message);
  // `checkpoint` is what open_checkpoint() made of `jws`.
  void take(std::string_view where, std::string_view jws, Result<Checkpoint> checkpoint, bool witnessed);
  void check_continuity(std::string_view where, const std::map<std::int64_t, std::string>& digests);
  void check_heads(const Record& record, ChainState& state, bool sound);

  std::vector<identity::PublicKey> keys_;
  VerifyReport report_;
  bool has_witness_ = false;
  std::vector<Seen> seen_;
  std::set<std::string> digests_;                                                   // of seen_
  std::map<std::int64_t, std::vector<std::size_t>> by_number_;                      // into seen_
  std::map<std::string, std::map<std::int64_t, std::vector<ExpectedHead>>> heads_;  // chain -> seq
  std::map<std::string, ChainState> chains_;
  std::map<std::int64_t, std::string> stored_;  // number -> digest
  std::optional<std::int64_t> fork_from_;       // number of the first checkpoint that exists twice in the witness
};

}  // namespace postern::audit
