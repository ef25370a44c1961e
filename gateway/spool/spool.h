// What the hook leaves for the gateway (schema/spool.md). Only this folder reads and writes these files.
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
  std::string id;          // the ticket's jti, or "direct-" and 32 hex digits
  std::string repository;  // "owner/name"
  std::string repository_dir;
  std::string mode;       // enforce | observe
  bool accepted = false;  // what the hook exits with (observe: true even where commands are refused)
  std::vector<CommandVerdict> commands;
  std::string findings;                  // summary: "2 errors, 1 warning"
  std::vector<std::string> text;         // the lines the pusher saw
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

inline constexpr std::size_t kMaxNewCommits = 10000;
inline constexpr std::size_t kMaxCommands = 20000;             // of one push
inline constexpr std::size_t kMaxFileBytes = 8 * 1024 * 1024;  // of a verdict or done file

// 32 lower-case hex digits (a ticket), or "direct-" before them. Every member below refuses other ids: invalid_input.
bool is_valid_id(std::string_view id);
std::string new_direct_id();

// The files' contents (schema/spool.md). What is written always reads back. The readers trust nobody: they refuse
// wrong types, object ids that are none, and whatever exceeds the limits above; unknown members are let be, so that
// hook and gateway may be of different age.
std::string to_text(const Verdict& verdict);  // new_commits beyond kMaxNewCommits are left out, with `truncated`
std::string to_text(const Done& done);
Result<Verdict> parse_verdict(std::string_view text);
Result<Done> parse_done(std::string_view text);

// Where hook and gateway meet; one directory, one file system. Safe for any number of processes at once.
class Spool {
 public:
  explicit Spool(std::string directory) : directory_(std::move(directory)) {}

  // The one use of a ticket: O_EXCL; durable with the verdict. conflict when it was claimed before; not_found: there is
  // no such directory.
  Status claim(std::string_view id) const;
  // Durable when it returns. limit: no reader would take it, and nothing is written.
  Status write_verdict(const Verdict& verdict) const;
  Status write_done(const Done& done) const;  // likewise; a second one for the same id appends its refs

  Result<std::optional<Verdict>> read_verdict(std::string_view id) const;  // nullopt: none there
  Result<std::optional<Done>> read_done(std::string_view id) const;
  bool is_claimed(std::string_view id) const;
  Result<std::vector<std::string>> list_ids() const;  // ids with a verdict or done file, sorted; at most 10,000
  Status remove_verdict(std::string_view id) const;   // .json and .done; the claim stays
  // Claims made before `older_than`, and what writers that died left behind.
  Status remove_old_claims(WallTime older_than) const;
  // Puts `<id>.json` and `<id>.done` that cannot be read out of the way, as `.bad`, for a person to look at.
  Status set_aside(std::string_view id) const;
  // Is the directory there, and may this process write into it? The error says what to do.
  Status check() const;
  const std::string& directory() const { return directory_; }

 private:
  Status write(const std::string& name, std::size_t refs, const std::string& text) const;

  std::string directory_;
};

}  // namespace postern::spool
