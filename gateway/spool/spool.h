// What the hook leaves for the gateway (CONTRACTS §2; schema/spool.md). Only this folder reads and writes these files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/git/ref_update.h"

namespace postern::spool {

struct CommandVerdict {
  git::RefUpdate command;
  bool accepted = false;
  std::string reason;  // one line, for report-status; empty when accepted
  std::string rule;    // the deciding grant, or the id of the rule that refused ("policy", "force", "path", …)
  bool forced = false;
};

// Value: `<id>.json`.
struct Verdict {
  std::string id;        // the ticket's jti, or "direct-" and 32 hex digits
  std::string repository;  // "owner/name"
  std::string repository_dir;
  std::string mode;      // enforce | observe
  bool accepted = false;  // what the hook exits with (observe: true even where commands are refused)
  std::vector<CommandVerdict> commands;
  std::string findings;  // summary: "2 errors, 1 warning"
  std::vector<std::string> text;  // the lines the pusher saw
  std::vector<std::string> new_commits;  // hex ids no ref reached before; at most 10,000
  bool truncated = false;
  std::string writer;  // direct writes: GOGS_AUTH_USER_NAME or "gogs:internal"
  std::string parent;  // direct writes: argv of the parent program, shortened
  std::string cwd;     // direct writes
  std::string hook_version;
  std::int64_t milliseconds = 0;
  WallTime at{};
};

// Value: `<id>.done`: the refs that really moved.
struct Done {
  std::string id;
  std::string repository;
  std::vector<git::RefUpdate> moved;
  WallTime at{};
};

// Where hook and gateway meet; one directory, one file system. Safe for any number of processes at once.
class Spool {
 public:
  explicit Spool(std::string directory) : directory_(std::move(directory)) {}

  // The one use of a ticket: O_EXCL. conflict when it was claimed before.
  Status claim(std::string_view id) const;
  Status write_verdict(const Verdict& verdict) const;  // durable when it returns
  Status write_done(const Done& done) const;           // likewise; a second one for the same id appends its refs

  Result<std::optional<Verdict>> read_verdict(std::string_view id) const;  // nullopt: none there
  Result<std::optional<Done>> read_done(std::string_view id) const;
  bool is_claimed(std::string_view id) const;
  Result<std::vector<std::string>> list_ids() const;  // ids with a verdict or done file
  Status remove_verdict(std::string_view id) const;   // .json and .done; the claim stays
  Status remove_old_claims(WallTime older_than) const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

}  // namespace postern::spool
