-- What postern-deploy remembers (its own file, which the gateway's user cannot write). Times are milliseconds since 1970.
-- Applied migrations are never edited; a change is a new file.

CREATE TABLE environment (
  name        TEXT NOT NULL PRIMARY KEY,
  repository  TEXT NOT NULL,               -- what was adopted: another repository, ref or service needs another adopt
  ref         TEXT NOT NULL,
  service     TEXT NOT NULL,
  deployed    TEXT NOT NULL,               -- the last healthy commit, or the adopted one
  deployed_at INTEGER NOT NULL,
  state       TEXT NOT NULL,               -- idle | planned | applying | waiting | healthy | failed | held | pinned
  reason      TEXT NOT NULL DEFAULT '',    -- of held
  message     TEXT NOT NULL DEFAULT '',
  since       INTEGER NOT NULL,
  tip         TEXT NOT NULL DEFAULT '',    -- the ref as it was last seen
  plan        TEXT NOT NULL DEFAULT '',    -- digest of the last plan
  failed      TEXT NOT NULL DEFAULT '',    -- the commit that failed here; held until the ref moves or somebody retries
  pinned      INTEGER NOT NULL DEFAULT 0,  -- 1: a rollback stands; ref moves are ignored until somebody retries
  rollback_to TEXT NOT NULL DEFAULT '',    -- asked for, not yet done
  undo        TEXT NOT NULL DEFAULT '',    -- why the writes since `deployed` are being taken back; empty: they are not
  asked       INTEGER NOT NULL DEFAULT 0   -- counts retry, rollback and adopt, so that a running worker notices
) STRICT;

-- Commits that were healthy (or adopted) here: where a rollback may go.
CREATE TABLE healthy (
  environment TEXT NOT NULL REFERENCES environment (name),
  commit_id   TEXT NOT NULL,
  at          INTEGER NOT NULL,
  PRIMARY KEY (environment, commit_id)
) STRICT;

CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  environment TEXT NOT NULL REFERENCES environment (name),
  from_commit TEXT NOT NULL,
  to_commit   TEXT NOT NULL,
  plan        TEXT NOT NULL,
  begun       INTEGER NOT NULL,
  ended       INTEGER,          -- null: it was interrupted, or it runs
  result      TEXT NOT NULL DEFAULT ''
) STRICT;

-- Written before and after every write to the service.
CREATE TABLE step (
  run      INTEGER NOT NULL REFERENCES run (id),
  number   INTEGER NOT NULL,
  action   TEXT NOT NULL,
  resource TEXT NOT NULL,
  file     TEXT NOT NULL,
  sha256   TEXT NOT NULL,
  begun    INTEGER NOT NULL,
  ended    INTEGER,
  result   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run, number)
) STRICT;

-- What the service held before the first write since `deployed`: what an undo restores, and what a later plan must not
-- forget when an apply was interrupted and the ref moved on. Emptied when a commit is healthy.
CREATE TABLE before_image (
  environment TEXT NOT NULL REFERENCES environment (name),
  key         TEXT NOT NULL,     -- the resource in lower case
  resource    TEXT NOT NULL,
  scope       TEXT NOT NULL,
  file        TEXT NOT NULL,
  existed     INTEGER NOT NULL,
  value       BLOB NOT NULL,
  PRIMARY KEY (environment, key)
) STRICT;

-- Outcomes for the gateway's audit log, kept until it acknowledged them.
CREATE TABLE outcome (
  number       INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  body         TEXT NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What people asked for: adopt, retry, rollback.
CREATE TABLE request (
  number      INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL,
  at          INTEGER NOT NULL,
  what        TEXT NOT NULL,
  commit_id   TEXT NOT NULL,
  asked_by    TEXT NOT NULL
) STRICT;
